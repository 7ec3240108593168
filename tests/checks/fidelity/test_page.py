"""The scores on the page. Mistakes seen: columns exchanged, the null's ends, a gallery of the nearest."""

import numpy as np
import pytest

from didlearn.checks.fidelity.measure import Sets
from didlearn.checks.fidelity.page import bias_figure, far_gallery, score_table
from didlearn.images import open_images
from didlearn.result.values import Estimate
from didlearn.statistics.fidelity.frechet import frechet_distance

SCORES = (
    "frechet_distance", "kernel_distance", "kernel_shift", "precision", "recall", "density", "coverage", "vendi_score",
)  # fmt: skip


def test_every_score_stands_beside_the_training_images():
    found = {}
    for i, name in enumerate(SCORES):
        for end, value in (("", 10 * i + 2), ("_train", 10 * i + 5)):
            high = None if name == "density" else value + 1
            found[name + end] = Estimate(value=value, low=value - 1, high=high, n=9, method="")
    rows = score_table(found).rows
    assert [row[0] for row in rows][:4] == ["Fréchet distance", "kernel distance", "kernel shift", "precision"]
    assert rows[1][1:] == (12, 11, 13, 15, 14, 16, "0")
    assert rows[5] == ("density", 52, 51, None, 55, 54, None, "1")
    assert [row[-1] for row in rows] == ["0", "0", "0", "high", "high", "1", "high", "high"]


def test_the_bias_is_drawn_at_halves_of_all_sets():
    rng = np.random.default_rng(0)
    sets = Sets(rng.normal(size=(70, 3)), rng.normal(size=(40, 3)) + 2, rng.normal(size=(40, 3)))
    generated, train = bias_figure(sets, np.random.default_rng(1)).series
    assert (generated.role, train.role) == ("generated", "train")
    assert generated.x == train.x == (40, 20, 10), "of 70, 35 and 17.5 held-out images; 8.75 are too few"
    assert generated.y[0] == pytest.approx(frechet_distance(real=sets.heldout, generated=sets.generated))
    assert train.y[0] == pytest.approx(frechet_distance(real=sets.heldout, generated=sets.train))
    assert min(generated.y) > max(train.y)
    mixed = np.random.default_rng(1)
    real, own = mixed.permutation(sets.heldout)[:35], mixed.permutation(sets.generated)[:20]
    assert generated.y[1] == pytest.approx(frechet_distance(real=real, generated=own))


def shades(first, count):
    """Images of one colour each, told by their shade."""
    return np.repeat(np.arange(first, first + count), 4).reshape(count, 1, 2, 2).astype(np.uint8)


def test_the_gallery_shows_the_farthest_with_what_is_nearest_to_them():
    """Held-out images at 0, 1, …, 5 and 100; generated ones at 0.5, 5.5, 9 and 2, the samples 1, 3, 4 and 7.

    9 lies four units of its neighbour's radius from 5; 100 lies 91 of 95 from 9, and 4 lies one from 5.5 less a half.
    """
    line = np.array([0.0, 1, 2, 3, 4, 5, 100])[:, None]
    own = np.array([0.5, 5.5, 9, 2])[:, None]
    sets = Sets(line, own, own)
    heldout = open_images(shades(100, 7))
    chosen = np.array([1, 3, 4, 7])
    rows = far_gallery(sets, shades(0, 9), chosen, heldout, 1).rows
    assert len(rows) == 4
    captions = [tile.caption for tile in rows[0]]
    assert [tile.pixels[0, 0] for tile in rows[0]] == [4, 105, 104, 3]
    assert captions[0] == "sample 4 · 4"
    assert captions[1] == heldout.source_name(5)
    assert captions[2] == f"{heldout.source_name(4)} · 1.5"
    assert captions[3] == "sample 3"
    assert rows[1][0].caption == "sample 1 · 0.5"
    assert [tile.pixels[0, 0] for tile in rows[1][2:]] == [103, 7]


def test_copies_of_one_held_out_image_have_no_radius_to_divide_by():
    same = np.zeros((3, 1))
    sets = Sets(same, np.array([[0.0], [100]]), same)  # 100 over the least of floats is no float
    rows = far_gallery(sets, shades(0, 2), np.arange(2), open_images(shades(100, 3)), 1).rows
    assert rows[0][0].caption == "sample 1 · 1\N{NO-BREAK SPACE}billion"
    assert rows[1][0].caption == "sample 0 · 0"
