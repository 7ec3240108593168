"""Krippendorff's alpha against published and hand-made examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didlearn.errors import UsageError
from didlearn.statistics.agreement import agreement, krippendorff_alpha

X = -1
# Krippendorff (2011), section C and D: four observers, twelve units, missing data.
FOUR = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, X, X, X],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, X, 3],
        [X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, X],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, X],
    ]
)
# The same, section A: two observers, ten units, two answers.
TWO = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]])


def by_hand(answers):
    """Alpha straight from the coincidence matrix, pair by pair."""
    values = answers.max() + 1
    o = np.zeros((values, values))
    for unit in answers.T:
        given_ = unit[unit >= 0]
        for i, a in enumerate(given_):
            for j, b in enumerate(given_):
                if i != j:
                    o[a, b] += 1 / (len(given_) - 1)
    n_c, n = o.sum(0), o.sum()
    off = ~np.eye(values, dtype=bool)
    expected = np.outer(n_c, n_c)[off].sum() / (n - 1)
    return None if expected == 0 else 1 - o[off].sum() / expected


def test_the_published_examples():
    assert krippendorff_alpha(FOUR) == pytest.approx(0.743, abs=0.0005)
    assert krippendorff_alpha(TWO) == pytest.approx(0.095, abs=0.0005)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 4).flatmap(
        lambda people: st.lists(st.lists(st.integers(-1, 2), min_size=people, max_size=people), min_size=1, max_size=9)
    )
)
def test_it_is_what_the_coincidence_matrix_gives(units):
    answers = np.array(units).T
    expected = by_hand(answers) if answers.max() >= 0 else None
    found = krippendorff_alpha(answers)
    assert (found is None) == (expected is None or np.isnan(expected))
    if found is not None:
        assert found == pytest.approx(expected, abs=1e-12)


def test_laws():
    assert krippendorff_alpha(np.array([[0, 1, 2, 0], [0, 1, 2, 0]])) == 1
    assert krippendorff_alpha(FOUR[::-1]) == pytest.approx(krippendorff_alpha(FOUR))
    relabelled = np.where(FOUR < 0, FOUR, np.array([0, 3, 1, 5, 2, 4])[FOUR])
    assert krippendorff_alpha(relabelled) == pytest.approx(krippendorff_alpha(FOUR))
    alone = np.concatenate([FOUR, [[5], [X], [X], [X]]], axis=1)
    assert krippendorff_alpha(alone) == pytest.approx(krippendorff_alpha(FOUR))


def test_guessing_agrees_by_chance_alone():
    rng = np.random.default_rng(0)
    assert abs(krippendorff_alpha(rng.integers(0, 2, (3, 20_000)))) < 0.02


@pytest.mark.parametrize("answers", [[[1, 1], [1, 1]], [[0, X], [X, 1]], [[X, X], [X, X]]])
def test_there_is_none_where_nothing_could_disagree(answers):
    assert krippendorff_alpha(np.array(answers)) is None
    assert agreement(np.array(answers), np.random.default_rng(0)) is None


def test_the_interval_holds_the_value_and_counts_units():
    found = agreement(FOUR, np.random.default_rng(0))
    assert found.value == pytest.approx(0.743, abs=0.0005)
    assert found.low < found.value < found.high
    assert found.n == 11
    assert "4 people" in found.method


@pytest.mark.parametrize("answers", [np.zeros(3, int), np.zeros((2, 2)), np.full((2, 2), -2)])
def test_other_arrays_are_refused(answers):
    with pytest.raises(UsageError, match="whole numbers from -1"):
        krippendorff_alpha(answers)
