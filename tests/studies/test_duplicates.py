"""Closest pairs with their nearest training image. Mistakes seen: one picture in every pair, rows of a class taken for
rows of all samples, the nearest of the second sample, pictures that change on the way through a row.
"""

import json

import numpy as np
import pytest

import didlearn as dl
from didlearn.audit.subject import Subject
from didlearn.errors import ResultError
from didlearn.models import open_model
from didlearn.studies.duplicates import (
    as_picture,
    as_text,
    class_duplicates,
    different_pairs,
    duplicates_gallery,
    duplicates_of,
    look_alike_distance,
)
from didlearn.studies.encoder import EncoderStudy
from didlearn.studies.per_class import PerClass


@pytest.mark.parametrize("shape", [(8, 8), (5, 9, 3)])
def test_pictures_go_through_a_row_unchanged(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    text = json.loads(json.dumps(as_text(picture)))
    assert np.array_equal(as_picture(text), picture)


@pytest.mark.parametrize("text", ["?", "", "aGVsbG8="])
def test_what_is_no_picture_is_refused(text):
    with pytest.raises(ResultError, match="a picture of the study's rows cannot be read"):
        as_picture(text)


def test_pairs_are_of_different_pictures():
    """Three pictures, one made a hundred times, the others twice; all pairs of the first are closer than theirs."""
    heavy = np.random.default_rng(0).normal(size=(100, 4)) * 0.01
    others = np.array([[10.0, 0, 0, 0], [0, 10.0, 0, 0], [10.1, 0, 0, 0], [0, 10.2, 0, 0], [0, 0, 30, 0]])
    x = np.concatenate([heavy, others]).astype(np.float32)
    found = different_pairs(x, 3, 0.5)
    assert [(first, second) for _, first, second in found[1:]] == [(100, 102), (101, 103)]
    assert [distance for distance, _, _ in found[1:]] == pytest.approx([0.1, 0.2], rel=1e-4)
    assert found[0][0] == pytest.approx(
        min(np.linalg.norm(x[i] - x[j]) for i in range(100) for j in range(i)), rel=1e-4
    )
    assert max(found[0][1:]) < 100


def test_of_one_picture_there_is_one_pair():
    assert len(different_pairs(np.zeros((30, 4), np.float32), 3, 0.0)) == 1
    assert different_pairs(np.zeros((1, 4), np.float32), 3, 0.0) == []


def test_no_sample_is_in_two_pairs():
    found = different_pairs(np.random.default_rng(0).normal(size=(7, 50)).astype(np.float32), 5, 0.0)
    assert len(found) == 3
    assert len({end for _, first, second in found for end in (first, second)}) == 6


def test_alike_are_real_images_as_near_as_one_pair_in_ten_thousand():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 4, 4)).astype(np.uint8)
    found = look_alike_distance(Subject(None, dl.open_images(pixels)))
    flat = pixels.reshape(300, -1) / 255
    near = sorted(np.linalg.norm(flat[i] - flat[j]) for i in range(300) for j in range(i))
    assert found == pytest.approx(near[round(44850 / 1e4) - 1], rel=1e-5)


@pytest.fixture
def planted():
    """Samples of two classes, all far apart but for a planted pair in each; training images near the first of each."""
    rng = np.random.default_rng(1)
    made = rng.integers(0, 200, (40, 8, 8)).astype(np.uint8)
    labels = np.arange(40) % 2
    made[21], made[30] = made[7], made[4]
    made[21, 0, 0] += 3
    made[30, 0, 0] += 9
    real = rng.integers(0, 200, (60, 8, 8)).astype(np.uint8)
    real[11], real[50] = made[7], made[4]
    real[11, 2, 2], real[50, 2, 2] = made[7, 2, 2] + 20, made[4, 2, 2] + 30
    return made, labels, real


def subject_of(made, labels, real, tmp_path):
    np.savez(tmp_path / "bank.npz", x=made, y=labels)
    np.savez(tmp_path / "real.npz", x=real, y=np.arange(len(real)) % 2)
    train = dl.open_images(str(tmp_path / "real.npz"))
    return Subject(open_model(str(tmp_path / "bank.npz")), train, train)


def test_a_planted_pair_is_shown_with_its_training_image(planted, tmp_path):
    made, labels, real = planted
    first, second, _ = duplicates_of(subject_of(made, labels, real, tmp_path), 40)
    for pair, ends, near, apart, away in ((first, (7, 21), 11, 3, 20), (second, (4, 30), 50, 9, 30)):
        shown = [as_picture(pair[side]).tolist() for side in ("first", "second")]
        assert sorted(shown) == sorted(made[list(ends)].tolist())
        assert np.array_equal(as_picture(pair["training"]), real[near])
        assert pair["distance"] == pytest.approx(apart / 255, rel=1e-4)
        exact = np.hypot(away, apart * (shown[0] == made[ends[1]].tolist()))
        assert pair["training_distance"] == pytest.approx(exact / 255, rel=1e-4)


def test_pairs_of_a_class_are_within_it(planted, tmp_path):
    made, labels, real = planted
    found = class_duplicates(subject_of(made, labels, real, tmp_path), 40)
    assert list(found) == ["0", "1"]
    for c, ends in ((1, (7, 21)), (0, (4, 30))):
        closest = [as_picture(found[str(c)][0][side]).tolist() for side in ("first", "second")]
        assert sorted(closest) == sorted(made[list(ends)].tolist())
        own = made[labels == c].tolist()
        assert all(as_picture(pair[side]).tolist() in own for pair in found[str(c)] for side in ("first", "second"))


def pair(distance):
    picture = as_text(np.full((4, 4), int(distance), np.uint8))
    return {"distance": distance, "first": picture, "second": picture, "training": picture, "training_distance": 9.0}


def test_a_gallery_has_a_row_a_model_and_none_without_pairs():
    (gallery,) = duplicates_gallery([("a", [pair(1.0), pair(2.0)]), ("b", []), ("c", [pair(3.0)])], "model")
    assert gallery.columns == ("sample", "sample", "nearest training image") * 2
    assert [[tile.caption for tile in row] for row in gallery.rows] == [
        ["a", "1 apart", "9 away", "", "2 apart", "9 away"],
        ["c", "3 apart", "9 away"],
    ]
    assert [int(row[0].pixels[0, 0]) for row in gallery.rows] == [1, 3]
    assert duplicates_gallery([("a", [])], "model") == ()


def test_rows_of_an_earlier_version_have_no_gallery():
    row = {"model": "dcgan", "seed": 0, "effective_support": [1.0, None, None], "frechet_distance": 1.0}
    assert EncoderStudy().summarise([row]).galleries == ()
    (gallery,) = EncoderStudy().summarise([row | {"duplicates": [pair(1.0)]}]).galleries
    assert gallery.rows[0][0].caption == "dcgan, seed 0"
    rows = [{"seed": s, "classes": {}, "duplicates": {"cat": [pair(s)], "dog": []}} for s in (2, 1)]
    (gallery,) = PerClass().summarise(rows).galleries
    assert [row[0].caption for row in gallery.rows] == ["cat, seed 1"]
