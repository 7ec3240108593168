"""How much of the data's spread is used: counted by hand over all pairs, and the parts that it is made of."""

import numpy as np
import pytest

from didlearn.checks.relative_support import FEWEST_HELD_OUT, relative_support
from didlearn.statistics.relative_support import near_pairs


def points(count, seed, dimension=2):
    return np.random.default_rng(seed).random((count, dimension)).astype(np.float32)


def apart(a, b):
    return np.linalg.norm(a[:, None].astype(float) - b, axis=2)


def by_hand(images, reference):
    """Pairs of images of which one lies within the other's distance to its nearest reference."""
    near = apart(images, images) <= apart(images, reference).min(axis=1)[:, None]
    np.fill_diagonal(near, False)
    return near_pairs(near.sum(axis=1), near.sum(axis=0), len(reference), 1)


@pytest.mark.parametrize("held_out", [40, 41])
def test_it_is_counted_over_all_pairs_by_one_half_of_the_held_out_images(held_out):
    samples, heldout = points(60, 0), points(held_out, 1)
    found = relative_support(samples, heldout, np.random.default_rng(5), "cpu")
    order = np.random.default_rng(5).permutation(held_out)
    reference, control = heldout[np.sort(order[:20])], heldout[np.sort(order[20:])]
    assert found.own == by_hand(samples, reference)
    assert found.control == by_hand(control, reference)
    assert (found.own.images, found.control.images, found.own.null) == (60, held_out - 20, 1 / 21)
    reach = apart(control, reference).min(axis=1)
    assert found.around.counts.tolist() == (apart(control, samples) <= reach[:, None]).sum(axis=1).tolist()
    assert (found.around.samples, found.around.null) == (60, 1 / 21)


def test_too_few_held_out_images_tell_nothing():
    rng = np.random.default_rng(0)
    assert FEWEST_HELD_OUT == 40  # two halves of twenty
    assert relative_support(points(50, 0), points(39, 1), rng, "cpu") is None
    assert relative_support(points(50, 0), points(40, 1), rng, "cpu") is not None


def test_of_many_samples_five_thousand_are_compared():
    found = relative_support(points(5_001, 0, 1), points(40, 1, 1), np.random.default_rng(0), "cpu")
    assert (found.own.images, found.around.samples) == (5_000, 5_000)


def test_it_is_named_by_what_it_is_measured_with():
    found = relative_support(points(60, 0), points(41, 1), np.random.default_rng(5), "cpu").estimates(0.9)
    assert list(found) == ["relative_support", "near_pairs", "near_pairs_heldout", "mass_near_real", "spread_near_real"]
    assert found["relative_support"].method.endswith("by the nearest of 20 real ones")
    ratio = found["near_pairs_heldout"].value / found["near_pairs"].value
    assert found["relative_support"].value == pytest.approx(ratio)
    assert {estimate.level for estimate in found.values()} == {0.9}


def test_samples_far_from_all_real_images_have_no_spread_near_them():
    found = relative_support(points(60, 0) + 100, points(40, 1), np.random.default_rng(5), "cpu").estimates(0.95)
    assert "spread_near_real" not in found
    assert found["mass_near_real"].value == 0
