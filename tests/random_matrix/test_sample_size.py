"""The numbers a user is told suffice for the tests to run."""

import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.random_matrix import pivotal_samples, pivotal_test


@pytest.mark.parametrize("dimension", [4, 7, 30])
def test_the_pivotal_test_runs_unprojected_with_what_it_asks_for(dimension):
    need = pivotal_samples(dimension, classes=2)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(need.total, dimension))
    result = pivotal_test(x, np.arange(need.total) % 2, rng=rng, replicates=19)
    assert not result.projected
    assert need.total == 2 * need.per_class


def test_no_dimensions_are_refused():
    with pytest.raises(UsageError, match="at least one"):
        pivotal_samples(0)
