import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.statistics.birthday.fingerprint import fingerprint, sizes_of


def test_singletons_may_be_left_out_or_listed():
    assert fingerprint([3, 2, 2], 10).tolist() == [0, 3, 2, 1]
    assert fingerprint([3, 2, 2, 1, 1, 1], 10).tolist() == [0, 3, 2, 1]
    assert fingerprint([], 4).tolist() == [0, 4]
    assert fingerprint(np.array([2.0]), 2).tolist() == [0, 0, 1]


def test_sizes_round_trip():
    assert sorted(sizes_of(fingerprint([5, 2], 9)).tolist()) == [1, 1, 2, 5]


@pytest.mark.parametrize(
    ("sizes", "samples", "message"),
    [
        ([3, 3], 5, "hold 6 images but only 5"),
        ([2, 0], 5, "at least 1"),
        ([2.5], 5, "whole numbers"),
        ([np.nan], 5, "whole numbers"),
        ([np.inf], 5, "whole numbers"),
        ([-2], 5, "at least 1"),
        ([[2, 2]], 5, "shape"),
        ([], -1, "negative"),
    ],
)
def test_impossible_sizes_are_refused(sizes, samples, message):
    with pytest.raises(UsageError, match=message):
        fingerprint(sizes, samples)
