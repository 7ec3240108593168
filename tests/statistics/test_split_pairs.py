"""The chance that equal images part: exact by enumeration, calibrated on draws, and powerful."""

import itertools
from collections import Counter

import numpy as np
import pytest

from didlearn.statistics.split_pairs import chance_of_split, split_pairs_pvalue


def enumerated(pairs, first, second):
    """P(s) of s parted pairs, by listing every choice of the first sample."""
    total = first + second
    found = Counter(
        sum((2 * i in chosen) != (2 * i + 1 in chosen) for i in range(pairs))
        for chosen in map(set, itertools.combinations(range(total), first))
    )
    return {split: count / found.total() for split, count in found.items()}


@pytest.mark.parametrize(
    ("pairs", "first", "second"), [(3, 3, 5), (4, 4, 4), (1, 2, 7), (2, 1, 6), (3, 6, 2), (5, 5, 5)]
)
def test_it_is_exact(pairs, first, second):
    chances = enumerated(pairs, first, second)
    mean = sum(split * chance for split, chance in chances.items())
    assert pairs * chance_of_split(first, second) == pytest.approx(mean)
    for split in range(pairs + 1):
        tail = sum(chance for other, chance in chances.items() if other >= split)
        expected = 1 if split <= mean + 1e-12 else tail
        assert split_pairs_pvalue(split, pairs, first, second) == pytest.approx(expected, abs=1e-12)


def test_nothing_recurs():
    assert split_pairs_pvalue(0, 0, 5, 7) == 1
    assert chance_of_split(1, 0) == chance_of_split(0, 0) == 0
    assert chance_of_split(1, 1) == 1


def test_large_sets_are_exact_too_and_fast():
    """Against the normal law with the exact mean and variance: 20 000 pairs among other images."""
    pairs, first, second = 4_000, 50_000, 30_000
    n, q = first + second, chance_of_split(first, second)
    both = 4 * first * (first - 1) * second * (second - 1) / (n * (n - 1) * (n - 2) * (n - 3))
    sd = np.sqrt(pairs * q * (1 - q) + pairs * (pairs - 1) * (both - q * q))
    for deviations, tail in ((1, 0.1587), (2, 0.02275), (3, 0.00135)):
        split = int(np.ceil(pairs * q + deviations * sd + 0.5))
        assert split_pairs_pvalue(split, pairs, first, second) == pytest.approx(tail, rel=0.1)
