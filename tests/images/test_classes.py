import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from didlearn.errors import DataError
from didlearn.images.classes import from_subfolders, from_values, printable


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99)), min_size=1, max_size=30, unique=True))
def test_subfolders_name_the_classes(pairs):
    names = sorted(f"top/{folder}/{number}.png" for folder, number in pairs)
    labels = from_subfolders(names)
    folders = [name.split("/")[1] for name in names]
    if len(set(folders)) == 1:
        assert labels.values is None
    else:
        assert [labels.classes[i] for i in labels.values] == folders


def test_similar_beginnings_are_not_a_shared_folder():
    labels = from_subfolders(["cat/1.png", "catfish/2.png"])
    assert labels.classes == ("cat", "catfish")


def test_numbered_folders_and_words_are_in_numeric_order():
    names = sorted(f"{label}/{i}.png" for label in (1, 2, 10) for i in range(2))
    labels = from_subfolders(names)
    assert labels.classes == ("1", "2", "10")
    assert [labels.classes[i] for i in labels.values] == [name.split("/")[0] for name in names]
    assert from_values(np.array(["10", "9", "10"]), 3, "x").values.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "values",
    [[2, 0, 1], [[2], [0], [1]], [2.0, 0.0, 1.0], [[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.array([2, 0, 1], np.uint8)],
)
def test_forms_of_the_same_labels(values):
    labels = from_values(np.array(values), 3, "x")
    assert labels.values.tolist() == [2, 0, 1]
    assert labels.values.dtype == np.int64


def test_words_become_classes():
    for words in np.array(["dog", "cat", "dog"]), np.array([b"dog", b"cat", b"dog"]):
        labels = from_values(words, 3, "x")
        assert (labels.values.tolist(), labels.classes) == ([1, 0, 1], ("cat", "dog"))


@pytest.mark.parametrize(
    "values", [[0.5, 1, 2], [-1, 0, 1], [0, 1, 10**12], [np.nan, 0, 1], [[1, 1], [0, 1], [1, 0]], np.zeros((3, 2, 2))]
)
def test_what_is_no_class_is_left_out_and_said(values):
    labels = from_values(np.array(values), 3, "set.npz:y")
    assert labels.values is None
    assert labels.notes[0].startswith("set.npz:y: the labels (")


@pytest.mark.parametrize("values", [[1, 2], [1, 2, 3, 4], 5])
def test_another_number_of_labels(values):
    with pytest.raises(DataError, match=r"set\.npz:y: 3 images but .* give one label per image"):
        from_values(np.array(values), 3, "set.npz:y")


@given(st.text())
def test_plain_text_stays(text):
    assert printable(text) == text


def test_plain_text_can_be_written():
    assert printable("a\udcffb").encode("utf-8") == b"a?b"
