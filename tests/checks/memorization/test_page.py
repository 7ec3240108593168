"""What is drawn and tabulated of distances laid out by hand."""

import numpy as np
import pytest

from didlearn.audit.subject import Subject
from didlearn.checks.memorization.measure import Everyone, Located
from didlearn.checks.memorization.page import cells_tables, closest_gallery, distance_figure, exact_table
from didlearn.images import open_images
from didlearn.images.perturb import PERTURBATIONS
from didlearn.neighbors import Neighbors
from didlearn.statistics.copying.data_copying import CellCopying


def grey(*levels):
    """(n, 1, 2, 2) uint8 pictures of one grey level each."""
    return np.array(levels, np.uint8)[:, None, None, None].repeat(2, axis=2).repeat(2, axis=3)


def near(*distances, index=None):
    places = np.zeros(len(distances), int) if index is None else np.array(index)
    return Neighbors(np.array(distances, float), places)


def located(*distances):
    return Located(np.zeros((len(distances), 1)), near(*distances))


def test_the_share_of_each_group_within_a_distance():
    everyone = Everyone(located(3, 1, 2, 4), located(5, 6), {"noise": located(9)})
    figure = distance_figure(everyone, {"mild": np.array([0.1]), "strong": np.array([0.3, 0.2])}, 0.5)
    assert [(series.label, series.role, series.x) for series in figure.series] == [
        ("generated", "generated", (1, 2, 3, 4)),
        ("held-out real", "heldout", (5, 6)),
        ("noise", "outside", (9,)),
        ("mildly changed copies", "perturbed", (0.1, 0.2, 0.3)),
    ]
    assert figure.series[0].y == (0.25, 0.5, 0.75, 1.0)
    assert figure.series[3].y == pytest.approx((1 / 3, 2 / 3, 1))
    assert [mark.x for mark in figure.marks] == [0.5]


def test_two_hundred_points_of_a_large_group_are_drawn():
    series = distance_figure(Everyone(located(*range(1000)), located(0), {}), {"mild": np.zeros(1)}, 0.5).series[0]
    assert len(series.x) == 200
    assert (series.x[0], series.y[0], series.x[-1], series.y[-1]) == (0, 0.001, 999, 1)


def test_the_closest_of_each_stand_beside_their_training_images():
    train, heldout = open_images(grey(100, 120, 140)), open_images(grey(50, 60))
    gallery = closest_gallery(
        grey(10, 20, 30), near(3, 1, 2, index=[0, 1, 2]), heldout, near(7, 5, index=[1, 0]), Subject(None, train)
    )
    levels = [[int(tile.pixels[0, 0]) for tile in row] for row in gallery.rows]
    assert [row[:4] for row in levels] == [[20, 120, 60, 100], [30, 140, 50, 120]]
    assert [row[5] for row in levels] == [100, 120]
    assert [row[4].caption for row in gallery.rows] == list(PERTURBATIONS)[:2]
    changed = [list(PERTURBATIONS.values())[row](grey(100 + 20 * row))[0, 0, 0, 0] for row in range(2)]
    assert [row[4] for row in levels] == changed
    first = gallery.rows[0]
    assert [tile.caption for tile in first[:4]] == [
        "sample 1 · 1", train.source_name(1), f"{heldout.source_name(1)} · 5", train.source_name(0),
    ]  # fmt: skip
    assert len(gallery.columns) == len(first)


def test_eight_rows_are_shown_and_planted_copies_begin_again():
    images, nobody = open_images(grey(100, 120)), near(*range(20))
    gallery = closest_gallery(grey(*range(20)), nobody, open_images(grey(*range(2, 22))), nobody, Subject(None, images))
    assert len(gallery.rows) == 8
    assert [int(row[5].pixels[0, 0]) for row in gallery.rows] == [100, 120] * 4
    assert [row[4].caption for row in gallery.rows[3:6]] == list(PERTURBATIONS)


def test_cells_are_tabulated():
    tables = cells_tables((CellCopying(0, 30, 25, -4.0), CellCopying(1, 5, 3, None)))
    assert tables[0].rows == ((0, 30, 25, -4.0), (1, 5, 3, None))
    assert cells_tables(()) == ()


def test_samples_that_are_training_images_are_listed():
    train = open_images(grey(100, 120))
    table = exact_table(near(0, 1e-9, 0, index=[1, 0, 0]), train)[0]
    assert table.rows == ((0, 1, train.source_name(1)), (2, 0, train.source_name(0)))
    assert table.caption == ""
    assert exact_table(near(1, 2), train) == ()


def test_the_first_exact_copies_are_listed_and_all_are_counted():
    table = exact_table(near(*[0] * 1001), open_images(grey(100, 120)))[0]
    assert table.caption == f"{len(table.rows)} of 1001."
    assert [row[0] for row in table.rows] == list(range(len(table.rows)))
