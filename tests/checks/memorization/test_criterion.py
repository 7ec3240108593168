"""When an image is called a copy, on distances laid out by hand."""

import numpy as np
import pytest

from didlearn.checks.memorization.criterion import CopyCriterion, calibrate_copies, choose
from didlearn.statistics.threshold import LowerTail

LINE = np.arange(1, 1001) / 100.0  # held-out images at .01, .02, … 10: the share within t is t/10
FAR = {"far": np.linspace(0, 100, 101)}  # a change that moves pictures by 0 to 100: median 50
MILD = {"mild": np.full(9, 0.05), "far": np.linspace(0, 100, 101)}


def test_the_threshold_takes_in_the_share_asked_for():
    """Distances that rise evenly have a tail of exponent 1: a thousandth of 1 000 images lie within .01."""
    found = calibrate_copies(np.flip(LINE), {"mild": np.full(9, 0.001), **FAR}, 0.002, None)
    assert found.threshold == pytest.approx(0.02, rel=1e-6)
    assert found.independent == 1000
    assert "0.2" in found.because
    assert "independent held-out images" in found.because


def test_images_nearer_than_the_mildest_change_are_not_independent():
    """The five that lie within .05 of a training image are left out; the 200th of the others lies at 2.05."""
    found = calibrate_copies(LINE, MILD, 0.001, None)
    assert found.certain == 0.05
    assert found.independent == 995
    # Of 995 images the 20th lies at .25 and the 99th at 1.04: count(t) = 99·(t/1.04)^ν.
    exponent = np.log(99 / 9) / np.log(1.04 / 0.14)
    assert found.threshold == pytest.approx(1.04 * (0.001 * 995 / 99) ** (1 / exponent), rel=1e-6)


@pytest.mark.parametrize(("certain", "independent"), [(5.0, 500), (5.01, 998)])
def test_where_most_would_be_left_out_only_equal_images_are(certain, independent):
    """Half of 1 000 is enough; below that, such distances mean nothing, and the two at 0 alone go."""
    distances = np.concatenate([LINE[2:], [0.0, 0.0]]) if independent == 998 else LINE
    assert calibrate_copies(distances, {"strong": np.full(9, certain)}, 0.001, None).independent == independent


def test_a_mild_change_decides_where_it_is_smaller():
    found = calibrate_copies(LINE, {"mild": np.linspace(0, 0.1, 101)}, 0.5, None)
    assert found.threshold == pytest.approx(0.095)
    assert "95" in found.because


def test_a_given_threshold_is_taken():
    found = calibrate_copies(LINE, MILD, 0.001, 0.3)
    assert (found.threshold, found.because, found.certain) == (0.3, "it was given", 0.05)


def test_the_threshold_is_an_estimate_without_width():
    found = CopyCriterion(certain=0.1, threshold=0.2, because="why", independent=7).estimate(0.9)
    assert (found.value, found.low, found.high, found.n, found.level) == (0.2, 0.2, 0.2, 7, 0.9)
    assert found.method == "calibrated: why"


SQUARE = LowerTail(distance=1.0, count=100, exponent=2.0, trials=10_000)  # rate t²/100


def changes(*largest):
    """Distances 0, 1 %, …, 100 % of each largest: its quantiles are what they say."""
    return {f"kind {i}": np.linspace(0, top, 101) for i, top in enumerate(largest)}


@pytest.mark.parametrize(
    ("tail", "perturbed", "given", "threshold", "words"),
    [
        (SQUARE, changes(1.0, 0.2), None, 0.5, "the rate"),  # t²/100 = .0025
        (SQUARE, changes(0.5, 0.2), None, 0.475, "95 %"),  # 95 % of the widest change
        (SQUARE, changes(0.5 / 0.95), None, 0.5, "the rate"),  # equal: the rate decides
        (SQUARE, changes(0.5), 7.0, 7.0, "given"),
        (None, changes(1.0, 0.2), None, 0.1, "too few real images"),
        (None, changes(1.0, 0.2), 7.0, 7.0, "given"),
    ],
)
def test_which_curve_decides(tail, perturbed, given, threshold, words):
    chosen, because = choose(tail, 0.0025, perturbed, "the rate decides", given)
    assert chosen == pytest.approx(threshold)
    assert words in because
