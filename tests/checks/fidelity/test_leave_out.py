"""Metrics with groups left out: against leaving them out and starting again."""

import numpy as np
import pytest

from didlearn.checks.fidelity.leave_out import GROUPS, left_out_metrics, make_sample
from didlearn.checks.fidelity.manifold_metrics import manifold_metrics


@pytest.mark.parametrize("whole", [False, True])
def test_against_starting_again(whole):
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(120, 3)), rng.normal(size=(90, 3)) * 0.8
    if whole:  # ties on the rim, and copies
        real, generated = np.round(2 * real), np.round(2 * generated)
    samples = make_sample(real, 4, rng), make_sample(generated, 4, rng)
    found = left_out_metrics(*samples, 4)
    for j in range(GROUPS):
        left = [rows[sample.group != j] for rows, sample in zip((real, generated), samples, strict=True)]
        assert found[j] == pytest.approx(manifold_metrics(real=left[0], generated=left[1], k=4)), j


def test_groups_are_even_and_drawn():
    sample = make_sample(np.random.default_rng(1).normal(size=(101, 2)), 5, np.random.default_rng(2))
    assert set(np.bincount(sample.group)) == {5, 6}
    assert not np.array_equal(sample.group, np.arange(101) % GROUPS)
