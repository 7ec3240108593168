"""The whole birthday test on a bank of three pictures, each twenty times."""

from dataclasses import replace

import numpy as np
import pytest

from didlearn.audit.subject import Subject
from didlearn.checks.support.check import Support
from didlearn.checks.support.run import run_support
from didlearn.images import open_images
from didlearn.models.formats.bank import Bank
from didlearn.rng import Stream

FREE = {"train": None, "heldout": None}


def pictures(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 6, 6)).astype(np.uint8)


def answer(samples, check=None, **options):
    real = {name: None if images is None else open_images(images) for name, images in (FREE | options).items()}
    steps = []
    subject = Subject(
        Bank(open_images(samples)), **real, progress=lambda name, done, of: steps.append((name, done, of))
    )
    return run_support(check or Support(samples=60, candidates=5), subject, Stream(0)), steps


THREE = np.repeat(pictures(3, 0), 20, axis=0)
REAL = {"heldout": pictures(300, 1), "train": pictures(300, 2)}


@pytest.fixture(scope="module")
def found():
    return answer(THREE, **REAL)


def test_three_pictures_are_found(found):
    """3·20·19/2 of 60·59/2 pairs collide."""
    estimates = found[0].estimates
    assert estimates["effective_support"].value == pytest.approx(60 * 59 / (3 * 20 * 19))
    assert list(estimates)[:4] == ["effective_support", "relative_support", "effective_support_heldout", "richness"]
    assert estimates["effective_support_heldout"].n == 300  # all that there are, whatever is drawn
    assert found[0].verdict == "fail"
    assert found[0].arrays["cluster_sizes"].tolist() == [20, 20, 20]
    assert len(np.unique(found[0].arrays["component"])) == 3


def test_the_page_is_in_the_order_in_which_it_is_read(found):
    result = found[0]
    assert [table.name for table in result.tables] == ["batches", "printed", "criterion", "pairs"]
    assert [figure.name for figure in result.figures] == ["birthday", "thresholds", "perturbations"]
    assert [gallery.name for gallery in result.galleries] == ["pairs", "apart"]
    assert len(next(table for table in result.tables if table.name == "pairs").rows) == 5


def test_atoms_and_classes_come_between():
    """40 draws of one picture in class 0, 60 pictures in class 1, which has two duplicates."""
    images = np.concatenate([THREE[:1].repeat(40, axis=0), pictures(58, 5), pictures(2, 5)])
    bank = Bank(replace(open_images(images), labels=np.repeat([0, 1], [40, 60])))
    heldout = replace(open_images(pictures(80, 1)), labels=np.arange(80) % 2)
    result = run_support(Support(samples=100), Subject(bank, heldout=heldout), Stream(0))
    assert [table.name for table in result.tables][-4:] == ["atoms", "classes", "criterion", "pairs"]
    assert [gallery.name for gallery in result.galleries] == ["atoms", "pairs", "apart"]
    assert result.estimates["largest_atom"].value == pytest.approx(0.4)
    assert result.estimates["effective_support_without_atoms"].value == pytest.approx(60 * 59 / 2 / 2)
    classes = next(table for table in result.tables if table.name == "classes")
    assert [row[:3] for row in classes.rows] == [("0", 40, 780), ("1", 60, 2)]
    assert [row[6:8] for row in classes.rows] == [(40, 0), (40, 0)]


def test_the_sheet_is_planted_from_the_larger_real_set(found):
    """59 training images would fill 60 up from one held-out image; here there are 60 held-out ones and no room."""
    assert found[0].arrays["sheet_truth"].tolist().count(1) == 40
    alone, _ = answer(THREE, heldout=pictures(10, 1), train=pictures(300, 2))
    assert alone.arrays["sheet_truth"].tolist().count(1) == 40  # of 50 training images, and not of 10 held-out ones


def test_it_tells_how_far_it_is(found):
    told = [step for step in found[1] if step[0] == "support"]
    assert told == [("support", done, 5) for done in range(1, 6)]


def test_the_parameters_are_passed_on():
    check = Support(samples=60, candidates=2, threshold=0.25, level=0.9)
    result, _ = answer(THREE, check, **REAL)
    assert result.estimates["threshold"].value == 0.25
    levels = {name: estimate.level for name, estimate in result.estimates.items()}
    distances = 1 + sum(name.startswith("lookalike_ratio_") for name in levels)
    assert distances == 4
    together = {"effective_support", "effective_support_heldout", "effective_support_real", "collision_probability"}
    together |= {name for name in levels if name.startswith("lookalike_support_")}
    assert {levels.pop(name) for name in together} == {1 - 0.1 / distances}
    assert set(levels.values()) == {0.9}
    assert len(next(table for table in result.tables if table.name == "pairs").rows) == 2


def test_without_real_images_it_measures():
    result, _ = answer(THREE)
    assert result.verdict == "measured"
    assert "sheet_truth" not in result.arrays
    assert "training" not in " ".join(result.galleries[-1].columns)


@pytest.mark.parametrize("name", ["heldout", "train"])
def test_images_of_another_shape_are_a_fault(name):
    result, _ = answer(THREE, **{name: np.zeros((60, 1, 5, 5), np.uint8)})
    assert result.verdict == "error"
    assert "size=6" in result.reason


@pytest.mark.parametrize(("count", "verdict"), [(49, "inconclusive"), (50, "measured")])
def test_fifty_samples_are_the_fewest(count, verdict):
    assert answer(pictures(count, 3))[0].verdict == verdict
