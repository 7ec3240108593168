"""Shares of classes from a classifier that errs: by hand, and over seeds."""

import numpy as np
import pytest

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
    found = class_shares(calls(rng, rng.choice([0, 2], 500)), calls(rng, known), known, np.array([1, 1, 1]))
    one = found.estimate(1, 0.99)
    assert 0 <= one.low <= one.value <= one.high


def test_a_classifier_that_tells_nothing_gives_nothing():
    known = np.repeat(np.arange(2), 50)
    blind = np.zeros(100, int)
    assert class_shares(blind, blind, known, np.array([5, 5])) is None
    assert class_shares(blind, blind, np.zeros(100, int), np.array([5, 5])) is None
    assert class_shares(blind, blind, blind, np.array([5])) is None
