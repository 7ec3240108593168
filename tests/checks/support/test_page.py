"""What is drawn and tabulated of duplicates placed by hand."""

import numpy as np
import pytest

from didlearn.checks.duplicate_counts import count_duplicates
from didlearn.checks.sameness import Criterion
from didlearn.checks.support import page
from didlearn.checks.support.measure import ClassDuplicates, Compared, Embedded
from didlearn.checks.support.page import atom_parts, class_parts, criterion_notes, criterion_parts, pair_parts
from didlearn.checks.support.pairs import Candidate, Listed
from didlearn.images import open_images
from didlearn.models.base import Samples
from didlearn.neighbors import Neighbors, closest_pairs
from didlearn.statistics.birthday.atoms import Atom, heavy_atoms
from didlearn.statistics.intervals import proportion
from didlearn.statistics.threshold import LowerTail

LINE = np.array([[0.0], [1.0], [3.0]], np.float32)  # distances 1, 2 and 3
SQUARE = LowerTail(distance=1.0, count=100, exponent=2.0, trials=10_000)
CHANGES = {"mild": np.array([1.0, 2.0, 3.0, 5.0])}
THIN = "\N{NARROW NO-BREAK SPACE}"


def grey(*levels):
    """(n, 1, 2, 2) uint8 pictures of one grey level each."""
    return np.array(levels, np.uint8)[:, None, None, None].repeat(2, axis=2).repeat(2, axis=3)


def compared(features, heldout=None):
    images = grey(*range(10, 10 + len(features)))
    known = None if heldout is None else Embedded(open_images(grey(*range(10, 10 + len(heldout)))), heldout)
    return Compared(Samples(images, None, np.ones(len(images), bool)), features, known, None)


def criterion(threshold=2.0, lookalikes=(), tail=None):
    wider = {f"{rank}": distance for rank, distance in enumerate(lookalikes)}
    return Criterion(threshold, "why", wider, CHANGES, tail, 77, np.zeros(0), given=False)


def figures(found, features=LINE, heldout=None):
    parts = criterion_parts(compared(features, heldout), found, 0.95, "cpu")
    return {figure.name: figure for figure in parts.figures}


def shown(tile):
    """The grey level of a picture."""
    return int(tile.pixels[0, 0])


# The criterion


def test_what_the_threshold_recognises_is_tabulated():
    table = criterion_parts(compared(LINE), criterion(), 0.95, "cpu").tables[0]
    kind, median, recognised, low, high = table.rows[0]
    assert (kind, median, recognised) == ("mild", 2.5, 0.5)  # 1 and 2 of 1, 2, 3 and 5
    assert low < 0.5 < high
    assert table.caption == "The threshold is 2: why."


def test_the_share_of_pairs_within_each_distance():
    curve = figures(criterion(), heldout=LINE[:2])["thresholds"]
    own, real = curve.series
    assert (own.role, real.role) == ("generated", "heldout")
    rates = dict(zip(own.x, own.y, strict=True))
    assert all(
        rate == pytest.approx(1 / 3 if radius < 2 else 2 / 3 if radius < 3 else 1) for radius, rate in rates.items()
    )
    assert min(rates) >= 1  # nearer than any pair there is nothing to draw
    assert max(rates) == pytest.approx(4)  # twice the threshold
    assert set(real.y) == {1.0}
    assert [mark.x for mark in curve.marks] == [2.0]


def test_the_curve_begins_at_a_quarter_of_the_threshold():
    dense = np.array([[0.0], [0.001]], np.float32)
    radii = figures(criterion(), dense)["thresholds"].series[0].x
    assert radii[0] == pytest.approx(0.5)
    assert len(radii) == 60


def test_the_fitted_tail_is_drawn_from_below_the_threshold_to_where_it_is_anchored():
    curve = figures(criterion(0.5, [1.0, 3.0], tail=SQUARE))["thresholds"]
    fit = curve.series[-1]
    assert fit.role == "theory"
    assert fit.y == pytest.approx(np.square(fit.x) / 100)
    assert 0.35 <= min(fit.x) < max(fit.x) <= 1.0
    assert [(mark.label, mark.x) for mark in curve.marks] == [("duplicate", 0.5), ("look-alike", 1.0)]


def test_the_curve_reaches_beyond_the_lookalikes():
    dense = np.array([[0.0], [0.001]], np.float32)
    assert max(figures(criterion(0.5, [1.0, 4.0]), dense)["thresholds"].series[0].x) == pytest.approx(5.2)
    assert max(figures(criterion(0.5, [0.6]), dense)["thresholds"].series[0].x) == pytest.approx(1.0)
    assert max(figures(criterion(0.5), dense)["thresholds"].series[0].x) == pytest.approx(1.0)


@pytest.mark.parametrize(("lookalikes", "radius"), [([], 1.0), ([10.0], 13.0)])
def test_a_threshold_of_nothing_is_drawn_at_one_radius(lookalikes, radius):
    dense = np.array([[0.0], [0.001]], np.float32)
    assert figures(criterion(0.0, lookalikes), dense)["thresholds"].series[0].x == pytest.approx((radius,))


def test_how_far_mild_changes_go():
    curve = figures(criterion())["perturbations"].series[0]
    assert (curve.label, curve.x, curve.y) == ("mild", (1, 2, 3, 5), (0.25, 0.5, 0.75, 1.0))


def test_chains_are_named():
    chain = count_duplicates(np.array([[0.0], [0.1], [0.2]], np.float32), 0.15)
    notes = criterion_notes(criterion(0.15), chain).notes
    assert notes[0] == "Two images are duplicates at a distance of 0.15 or less: why."
    assert notes[1].startswith(f"Only 67{THIN}% of pairs within clusters are duplicates themselves")
    assert len(criterion_notes(criterion(2.0), count_duplicates(LINE, 3.0)).notes) == 1


# Pairs


PAIRS = [Candidate(2, 0, 0.5, True), Candidate(1, 2, 4.0, False)]


def test_pairs_are_listed_and_shown():
    parts = pair_parts(grey(10, 20, 30), Listed(PAIRS, PAIRS), None, None)
    assert parts.tables[0].rows == ((1, 2, 0, 0.5, "yes"), (2, 1, 2, 4.0, "no"))
    assert len(parts.tables[0].columns) == 5
    assert [[shown(tile) for tile in row] for row in parts.galleries[0].rows] == [[30, 10], [20, 30]]
    assert [tile.caption for tile in parts.galleries[0].rows[0]] == ["sample 2", "sample 0 · 0.5, same"]
    assert parts.galleries[0].rows[1][1].caption == "sample 2 · 4, different"
    assert parts.galleries[0].columns == ("sample A", "sample B")


def test_each_sample_stands_beside_its_nearest_training_image():
    train = open_images(grey(50, 60, 70))
    near = Neighbors(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), np.array([2, 0, 1, 1, 0, 2]))
    parts = pair_parts(grey(10, 20, 30), Listed(PAIRS, PAIRS[:1]), train, near)
    name = train.source_name
    assert [row[5:] for row in parts.tables[0].rows] == [
        (2, name(2), 1.0, 0, name(0), 2.0),
        (1, name(1), 3.0, 1, name(1), 4.0),
    ]
    assert parts.tables[0].columns[5:] == (
        "train_a", "train_a_name", "train_a_distance", "train_b", "train_b_name", "train_b_distance",
    )  # fmt: skip
    assert [[shown(tile) for tile in row] for row in parts.galleries[0].rows] == [[30, 10, 70, 50], [20, 30, 60, 60]]
    assert parts.galleries[0].rows[0][2].caption == f"{name(2)} · 1"
    assert len(parts.galleries[0].columns) == 4
    assert [[shown(tile) for tile in row] for row in parts.galleries[1].rows] == [[30, 10, 50, 70]]
    assert [gallery.name for gallery in parts.galleries] == ["pairs", "apart"]


def test_twenty_pairs_are_shown_and_all_are_listed():
    many = [Candidate(0, 1, 1.0, False)] * 25
    parts = pair_parts(grey(10, 20), Listed(many, many), None, None)
    assert (len(parts.tables[0].rows), len(parts.galleries[0].rows), len(parts.galleries)) == (25, 20, 1)


# Atoms


def repeated(*sizes, alone=0):
    """Features of pictures drawn so often each, a hundred apart, and of others drawn once."""
    return (100 * np.repeat(np.arange(len(sizes) + alone), [*sizes, *[1] * alone]))[:, None].astype(np.float32)


def test_atoms_are_shown_heaviest_first():
    """The second picture was drawn 40 times of 130, the first 30: samples 30 and 0 are their first ones."""
    found = count_duplicates(repeated(30, 40, alone=60), 1.0)
    parts = atom_parts(grey(*range(130)), found, heavy_atoms(found.cluster_sizes, found.samples))
    assert [row[:2] for row in parts.tables[0].rows] == [(1, 40), (2, 30)]
    assert [row[2] for row in parts.tables[0].rows] == pytest.approx([40 / 130, 30 / 130])
    assert all(row[3] < row[2] < row[4] for row in parts.tables[0].rows)
    tiles = parts.galleries[0].rows[0]
    assert [shown(tile) for tile in tiles] == [30, 0]
    assert tiles[0].caption.startswith(f"31{THIN}% (23{THIN}% to ")
    assert parts.tables[0].caption == ""


def test_fifty_atoms_are_listed_and_a_dozen_shown():
    found = count_duplicates(repeated(*[2] * 51), 1.0)
    parts = atom_parts(np.zeros((102, 1, 1, 1), np.uint8), found, [Atom(2, proportion(2, 102))] * 51)
    assert len(parts.tables[0].rows) == 50
    assert parts.tables[0].caption == "50 of 51."
    assert len(parts.galleries[0].rows[0]) == 12


def test_without_atoms_there_is_no_table():
    assert atom_parts(grey(1, 2, 3), count_duplicates(LINE, 0.5), []).tables == ()


# Classes


def of_class(label, heldout=True):
    """Of three samples 0, 1 and 3 two are within 1 of one another, as are 1 of 1 pairs held out."""
    return ClassDuplicates(label, count_duplicates(LINE, 1.0), count_duplicates(LINE[:2], 1.0) if heldout else None)


def test_classes_are_named_and_stand_beside_held_out_images():
    parts = class_parts([of_class(0), of_class(5, heldout=False)], ("zero", "one"), beside=True, level=0.95)
    first, second = parts.tables[0].rows
    assert first[:4] == ("zero", 3, 1, pytest.approx(3.0))
    assert first[6:9] == (2, 1, pytest.approx(1.0))
    assert second[0] == "5"  # more classes than names
    assert second[6:] == (None,) * 5
    assert len(parts.tables[0].columns) == len(first) == 11


def test_classes_without_held_out_images():
    table = class_parts([of_class(1, heldout=False)], None, beside=False, level=0.95).tables[0]
    assert table.rows[0][:3] == ("1", 3, 1)
    assert len(table.columns) == len(table.rows[0]) == 6
    assert class_parts([], None, beside=True, level=0.95).tables == ()


@pytest.mark.parametrize(("enough", "pairs"), [(2, 6), (3, 15)])
def test_few_images_draw_the_curve_where_they_show_enough(monkeypatch, enough, pairs):
    """Of the first four (0, 1, 2, 9) two pairs lie within the threshold of 1; of all six, with 9.5 and 20, three do."""
    monkeypatch.setattr(page, "_CURVE", 4)
    monkeypatch.setattr(page, "_ENOUGH", enough)
    line = np.array([[0.0], [1.0], [2.0], [9.0], [9.5], [20.0]], np.float32)
    (curve,) = figures(criterion(1.0), line)["thresholds"].series
    at = dict(zip(curve.x, curve.y, strict=True))
    within = max(x for x in at if x < 1.9)
    assert at[within] == pytest.approx({6: 2 / 6, 15: 3 / 15}[pairs])


def test_of_many_samples_the_closest_pairs_of_all_draw_the_left_end(monkeypatch):
    """Pairs at .5 lie beyond the first four, which have theirs at 1, 2 and more; the last one listed may not be all."""
    monkeypatch.setattr(page, "_CURVE", 3)
    monkeypatch.setattr(page, "_MOST", 4)
    line = np.array([[0.0], [1.0], [3.0], [9.0], [20.0], [20.5], [40.0], [40.5]], np.float32)
    close = closest_pairs(line, k=3)
    assert close.distance.tolist() == [0.5, 0.5, 1.0]
    parts = criterion_parts(compared(line), criterion(1.0), 0.95, "cpu", close)
    curve = parts.figures[0]
    at = dict(zip(curve.series[0].x, curve.series[0].y, strict=True))
    assert min(at) == pytest.approx(0.5, rel=0.05)
    for radius, rate in at.items():
        assert rate == pytest.approx(2 / 28 if radius < 1 else 1 / 6 if radius < 2 else 2 / 6)
    assert curve.caption.endswith("of all 8 samples, the others those of the first 4 at most.")
