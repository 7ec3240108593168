"""Shares of classes from a classifier that errs: by hand, and over seeds."""

import numpy as np
import pytest
from scipy import stats

from didlearn.statistics.class_shares import class_shares

CONFUSION = np.array([[0.8, 0.1, 0.0], [0.1, 0.7, 0.3], [0.1, 0.2, 0.7]])  # columns: the true class


def calls(rng, classes):
    """What images of these classes are called."""
    edges = CONFUSION.cumsum(axis=0)[:, classes]
    return (rng.random(len(classes)) > edges).sum(axis=0)


def test_a_classifier_without_errors_counts():
    known = np.repeat(np.arange(2), 50)
    found = class_shares(np.repeat([0, 1], [30, 10]), known, known, np.array([100, 100]))
    assert found.ratio == pytest.approx([1.5, 0.5])
    # π = (3/4, 1/4): √(3/16/40) over the data's half, and half of 200 images' own error
    assert found.error == pytest.approx([2 * np.sqrt(3 / 16 / 40 + p**2 / 200) for p in (0.75, 0.25)])


def test_errors_of_the_classifier_are_taken_out():
    """Calls in the exact shares C π come back as π."""
    known = np.repeat(np.arange(3), 1_000)
    called_real = np.concatenate(
        [np.repeat(np.arange(3), (1_000 * CONFUSION[:, j]).round().astype(int)) for j in range(3)]
    )
    truth = np.array([0.5, 0.0, 0.5])
    called = np.repeat(np.arange(3), (10_000 * CONFUSION @ truth).round().astype(int))
    found = class_shares(called, called_real, known, np.array([100, 100, 200]))
    assert found.ratio == pytest.approx([0.5 / 0.25, 0, 0.5 / 0.5], abs=1e-9)


@pytest.mark.parametrize("shares", [[1 / 3, 1 / 3, 1 / 3], [0.6, 0.35, 0.05]])
def test_intervals_cover(shares):
    covered, trials = np.zeros(3), 400
    data = np.array([0.4, 0.3, 0.3])
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        known, own = rng.choice(3, 600, p=data), rng.choice(3, 2_000, p=shares)
        found = class_shares(calls(rng, own), calls(rng, known), known, rng.multinomial(3_000, data))
        for label in range(3):
            one = found.estimate(label, 0.95)
            covered[label] += one.low <= shares[label] / data[label] <= one.high
    assert (covered / trials >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / trials)).all()


def test_a_share_is_never_below_nothing():
    known = np.repeat(np.arange(3), 200)
    rng = np.random.default_rng(0)
    found = class_shares(calls(rng, rng.choice([0, 2], 500)), calls(rng, known), known, np.array([100, 100, 100]))
    one = found.estimate(1, 0.99)
    assert 0 <= one.low <= one.value <= one.high


def test_a_classifier_that_tells_nothing_gives_nothing():
    known = np.repeat(np.arange(2), 50)
    blind = np.zeros(100, int)
    assert class_shares(blind, blind, known, np.array([5, 5])) is None
    assert class_shares(blind, blind, np.zeros(100, int), np.array([5, 5])) is None
    assert class_shares(blind, blind, blind, np.array([5])) is None


def test_a_perfect_classifier_gives_wilson_s_interval():
    known, big = np.repeat(np.arange(2), 50), 10**9  # the data's own shares as good as known
    for none in (0, 3, 40):
        found = class_shares(np.repeat([0, 1], [none, 40 - none]), known, known, np.array([big, big]))
        wilson = stats.binomtest(none, 40).proportion_ci(method="wilson")
        assert (found.estimate(0, 0.95).low / 2, found.estimate(0, 0.95).high / 2) == pytest.approx(wilson, abs=1e-6)


def test_a_rare_class_of_which_none_came_is_not_shown_to_be_missing():
    """The mistake this sees: no call, so no variance, so an interval of one point at 0."""
    known, counts = np.repeat(np.arange(2), [30, 970]), np.array([30, 970])
    none = class_shares(np.ones(100, int), known, known, counts)
    assert none.estimate(0, 0.95).value == 0
    assert none.estimate(0, 0.95).high > 1
    many = class_shares(np.ones(10_000, int), known, known, counts)
    assert many.estimate(0, 0.95).high < 0.1


def test_a_data_set_with_hardly_any_of_a_class_bounds_nothing():
    found = class_shares(np.ones(100, int), np.array([0, 1, 1]), np.array([0, 1, 1]), np.array([2, 98]))
    assert found.estimate(0, 0.999).high is None


@pytest.mark.parametrize("share", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("trials", [600, pytest.param(2_000, marks=pytest.mark.slow)])
def test_rare_classes_of_a_perfect_generator_are_seldom_called_starved(share, trials):
    """At most so often as the interval errs below, at samples that expect one to ten images of the class."""
    data, shown = np.array([share, 1 - share]), 0
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        known = np.repeat(np.arange(2), [30, 970])
        found = class_shares(rng.choice(2, 100, p=data), known, known, rng.multinomial(3_000, data))
        high = found.estimate(0, 0.95).high
        shown += high is not None and high < 1
    assert shown / trials <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / trials)


def test_no_interval_is_a_point():
    """The mistake this sees: a corrected share far below 0, whose interval lay there wholly."""
    known = np.repeat(np.arange(2), 1_000)
    called_real = np.concatenate([np.repeat([0, 1], [900, 100]), np.repeat([0, 1], [100, 900])])
    found = class_shares(np.ones(1_000, int), called_real, known, np.array([500, 500]))
    assert found.ratio[0] == pytest.approx(-0.25)
    one = found.estimate(0, 0.95)
    assert one.low == one.value == 0 < one.high < 0.5
