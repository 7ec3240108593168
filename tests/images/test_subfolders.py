from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didlearn.errors import DataError
from didlearn.images.subfolders import arrange, other_kinds, passed_over


def named(folders, count=3):
    return sorted(f"{folder}/{i}.png" for folder in folders for i in range(count))


@pytest.mark.parametrize(
    "folders", [("train", "val"), ("Train", "Test", "Valid"), ("train2017", "val2017"), ("training", "evaluation")]
)
@pytest.mark.parametrize("above", ["", "top/"])
def test_splits_are_no_classes(folders, above):
    names = sorted(above + name for folder in folders for name in named([f"{folder}/cat", f"{folder}/dog"]))
    with pytest.raises(DataError, match=r"set holds .*the splits of a data set and not its classes: name one of them"):
        arrange(names, "set")


def test_a_class_that_is_called_as_splits_are():
    assert arrange(named(["bus", "car", "train"]), "set").labels.classes == ("bus", "car", "train")
    assert arrange(named(["train/cat", "train/dog"]), "set").labels.classes == ("cat", "dog")


@pytest.mark.parametrize(
    "names",
    [
        [f"{i // 40 * 40:06d}/{i:06d}.png" for i in range(100)],  # EDM --subdirs
        [f"{i // 1000:05d}/img{i:08d}.png" for i in range(0, 3000, 100)],  # StyleGAN's packing
        [f"{i // 1000 * 1000:05d}/{i:05d}.png" for i in range(0, 70_000, 500)],  # FFHQ
        [f"shard-{i % 4}/{i}.png" for i in range(20)],
        [f"part_{i % 4:03d}/x{i}.png" for i in range(20)],
        [f"rank{i % 2}/sample_{i}.png" for i in range(20)],
    ],
)
def test_numbered_parts_are_no_classes(names):
    arranged = arrange(sorted(names), "set")
    assert arranged.names == sorted(names)
    assert arranged.labels.values is None
    assert "parts of the set, not classes" in arranged.labels.notes[0]


@pytest.mark.parametrize(
    "names",
    [
        [f"{c}/{c}.png" for c in range(12)],
        [f"{c}/{c * 50 + i}.png" for c in range(10) for i in range(50)],  # numbered on from class to class
        [f"{c:02d}/{c * 10 + i}.png" for c in range(20) for i in range(10)],
        [f"{c:05d}/{c:05d}_{i:05d}.ppm" for c in range(43) for i in range(30)],  # GTSRB
        [f"{c}/{i}.png" for i in range(50) for c in (i * 7 % 10,)],  # MNIST as pictures: numbers of the whole set
        [f"{c}/photo.png" for c in (1000, 2000)],
    ],
)
def test_numbered_classes_are_classes(names):
    labels = arrange(sorted(names), "set").labels
    assert labels.classes == tuple(sorted({name.split("/")[0] for name in names}, key=int))


def test_a_stray_picture_is_left_out_and_said():
    arranged = arrange(sorted([*named(["cat", "dog"]), "grid.png"]), "set")
    assert "grid.png" not in arranged.names
    assert (len(arranged.names), arranged.labels.classes) == (6, ("cat", "dog"))
    assert any("1 picture beside the subfolders left out: grid.png" in note for note in arranged.labels.notes)


def test_as_many_pictures_beside_as_in_subfolders_are_all_read():
    names = sorted([*named(["cat", "dog"]), *(f"{i}.png" for i in range(3))])
    arranged = arrange(names, "set")
    assert (arranged.names, arranged.labels.values) == (names, None)
    assert "3 pictures beside the subfolders are read too" in arranged.labels.notes[0]


@given(st.lists(st.text("ab1/", min_size=1, max_size=6).map(lambda text: f"{text.strip('/')}x.png"), min_size=1))
def test_no_picture_is_lost_without_a_word(names):
    once = sorted(set(names))
    arranged = arrange(once, "set")
    assert set(arranged.names) <= set(once)
    assert len(arranged.names) == len(once) or any("left out" in note for note in arranged.labels.notes)
    assert arranged.labels.values is None or len(arranged.labels.values) == len(arranged.names)


def test_files_passed_over_are_counted():
    assert passed_over(Counter()) == ()
    assert passed_over(other_kinds(["a/x.txt"])) == ("1 file of other kinds passed over (1 .txt)",)
    kinds = other_kinds(["a.b/README", "x.TXT", "y.txt", "z.eps", "w.json"])
    assert passed_over(kinds)[0].startswith("5 files of other kinds passed over (2 .txt, 1 without a suffix,")


@pytest.mark.parametrize(
    "names",
    [
        ["10/10.png", "20/20.png", "30/30.png"],
        [f"{age}/{age + i}.png" for age in (0, 10, 20) for i in range(5)],
        [f"{i // 100:04d}/{i:05d}.png" for i in range(500)],
        ["0010/10.png", "0020/20.png"],
    ],
)
def test_numbered_classes_stay_classes(names):
    """The mistake this sees: labels lost because files are numbered too."""
    assert arrange(sorted(names), "set").labels.values is not None
