"""Every score's interval on laws that are known.

Mistakes seen: an error that forgets one of the samples, or counts the common real ones twice in a difference; a
binomial error of a share of neighbours; an interval without width where nothing varies.
"""

import numpy as np
import pytest

from didlearn.checks.fidelity.measure import Sets, frechet_numbers, kernel_numbers, manifold_numbers, vendi_numbers
from didlearn.rng import Stream
from didlearn.statistics.distances.frechet import frechet_distance, frechet_influence


def draw(seed, n=150, m=200, p=6):
    rng = np.random.default_rng(seed)
    real, generated, train = rng.normal(size=(n, p)), rng.normal(size=(m, p)) * 0.75 + 0.25, rng.normal(size=(m, p))
    return Sets(real, generated, train)


def coverage(found, name):
    """Share of the trials whose interval holds the mean over all trials, and how long they are beside the spread."""
    values = np.array([one[name].value for one in found])
    hits = [one[name].low <= values.mean() <= one[name].high for one in found]
    return np.mean(hits), np.mean([one[name].high - one[name].low for one in found]) / (3.92 * values.std())


def test_smooth_scores_cover():
    found = [frechet_numbers(sets, 0.95) | vendi_numbers(sets, 0.95) for sets in map(draw, range(200))]
    for name in ("frechet_distance", "frechet_distance_train", "frechet_excess", "vendi_score", "vendi_ratio"):
        covered, length = coverage(found, name)
        assert covered >= 0.92, name
        assert length < 1.7, name


def test_shares_of_neighbours_cover():
    found = [manifold_numbers(draw(seed), 5, 0.95, Stream(seed)) for seed in range(60)]
    for name in ("precision", "recall", "density", "coverage", "recall_gap", "density_gap", "precision_train"):
        covered, length = coverage(found, name)
        assert covered >= 0.93, name
        assert length < 2.6, name


def test_a_difference_counts_common_real_images_once():
    """Of the same images the excess is 0 without an error; the error of two single distances would not be."""
    sets = draw(0)
    found = frechet_influence(real=sets.heldout, generated=sets.generated)
    other = frechet_influence(real=sets.heldout, generated=sets.generated)
    gap = found.less(other, 0.95, "")
    own = found.estimate(0.95, "")
    share = np.sqrt(2 * np.sum(found.generated**2)) / len(found.generated) * 1.959964
    assert gap.high == pytest.approx(share)
    assert gap.high < np.sqrt(2) * (own.high - own.value)


@pytest.mark.parametrize("shape", [(40, 5), (20, 60)])
def test_frechet_influence_is_the_derivative(shape):
    """A row repeated k times in place of once moves the moments along its weight."""
    rng = np.random.default_rng(3)
    real, generated = rng.normal(size=shape), rng.normal(size=(shape[0] + 7, shape[1])) + 0.4
    found = frechet_influence(real=real, generated=generated)
    assert found.value == pytest.approx(frechet_distance(real=real, generated=generated), rel=1e-10)
    assert found.real.sum() == pytest.approx(0, abs=1e-8)
    many = 400
    even = np.repeat(real, many, axis=0)
    base = frechet_distance(real=even, generated=generated)
    for i in (0, 9):
        more = frechet_distance(real=np.concatenate([even, real[[i]]]), generated=generated)
        slope = (more - base) * (len(even) + 1)
        assert slope == pytest.approx(found.real[i], rel=0.08, abs=0.08 * np.abs(found.real).max())


def test_what_nothing_varies_has_width():
    rng = np.random.default_rng(4)
    real, train = rng.normal(size=(2, 100, 8))
    found = manifold_numbers(Sets(real, np.full((100, 8), 9.0), train), 5, 0.95, Stream(0))
    for name in ("precision", "recall", "coverage"):
        assert found[name].value == found[name].low == 0
        assert 0.02 < found[name].high < 0.05
    assert found["density"].high is None
    assert found["recall_gap"].low < found["recall_gap"].value < found["recall_gap"].high
    assert found["coverage_gap"].low >= -1


def test_the_shift_is_the_share_of_images_made_one():
    """A share ε of copies of one typical image shifts the law by about ε."""
    rng = np.random.default_rng(5)
    real, generated, train = rng.normal(size=(3, 1500, 20))
    own = ((generated @ generated.T / 20 + 1) ** 3).diagonal()
    typical = generated[np.argsort(own)[750]]
    generated[:300] = typical
    found = kernel_numbers(Sets(real, generated, train), 0.95, 99, Stream(0))
    assert found["kernel_shift"].value == pytest.approx(0.2, abs=0.05)
    assert found["kernel_shift"].low > 0.1
    assert found["kernel_shift_train"].low == 0
    assert found["kernel_pvalue"].value == 0.01
    assert found["kernel_pvalue_train"].value > 0.01
