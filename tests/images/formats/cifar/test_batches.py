"""CIFAR's Python version: pickles that are read, and pickles that would run something."""

import os
import pickle

import numpy as np
import pytest

import didlearn as dl
from didlearn.errors import DataError
from didlearn.images import open_images
from didlearn.models.formats.bank import Bank


def bank(spec):
    """The images of a bank of samples."""
    model = dl.open_model(spec)
    assert isinstance(model, Bank)
    return model.images


def test_a_folder_is_its_training_batches(written, pictures, folder):
    pixels = pictures(12, 32, 32)
    files = {f"data_batch_{i}": written["python2"](pixels[i - 1 : i], [i % 10]) for i in range(12, 0, -1)}
    names = [f"class {i}" for i in range(10)]
    files["batches.meta"] = written["items"]({"label_names": written["texts"](names)})
    files |= {"test_batch": written["python2"](pixels[:2], [0, 1]), "readme.html": b"<html>"}
    images = open_images(folder(files))
    order = [11, 0, 7, 7, 3]
    assert (len(images), images.shape, images.classes) == (12, (3, 32, 32), tuple(names))
    assert np.array_equal(images.read_raw(order), pixels[order])
    assert images.labels.tolist() == [i % 10 for i in range(1, 13)]
    assert images.notes == (f"read from {', '.join(f'data_batch_{i}' for i in range(1, 13))}",)


def test_one_file_under_any_name(written, rows, tmp_path):
    (tmp_path / "mine.pkl").write_bytes(written["python2"](rows, [3, 0, 9, 1]))
    images = open_images(tmp_path / "mine.pkl")
    assert np.array_equal(images.read_raw(range(4)), rows)
    assert (images.labels.tolist(), images.classes, images.notes) == ([3, 0, 9, 1], None, ())
    assert len(bank(str(tmp_path / "mine.pkl"))) == 4


def test_cifar100_uses_the_fine_label(written, rows, folder):
    text, items, numbers, texts, array = (written[k] for k in ("text", "items", "numbers", "texts", "array"))
    batch = {
        "filenames": texts(f"{i}.png" for i in range(4)),
        "batch_label": text("training batch 1 of 1"),
        "fine_labels": numbers([99, 0, 50, 3]),
        "coarse_labels": numbers([19, 0, 1, 2]),
        "data": array(rows.reshape(4, -1)),
    }
    names = [f"n{i}" for i in range(100)]
    meta = items({"fine_label_names": texts(names), "coarse_label_names": texts(names[:20])})
    path = folder({"train": items(batch), "test": items(batch), "meta": meta, "file.txt~": b""})
    images = open_images(path)
    assert images.labels.tolist() == [99, 0, 50, 3]
    assert images.label_name(0) == "n99"
    assert images.notes == ("read from train",)
    assert np.array_equal(images.read_raw(range(4)), rows)
    assert len(open_images(path / "test")) == 4


def test_filenames_that_fill_the_beginning_do_not_hide_what_it_is(written, rows, tmp_path):
    names = written["texts"](f"{i:090}.png" for i in range(5000))
    data = {"filenames": names, "data": written["array"](rows.reshape(4, -1)), "labels": written["numbers"]([1] * 4)}
    (tmp_path / "b").write_bytes(written["items"](data))
    assert len(open_images(tmp_path / "b")) == 4


@pytest.mark.parametrize("as_bytes", [True, False])
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_saved_again_by_python_3(written, rows, tmp_path, protocol, as_bytes):
    (tmp_path / "b").write_bytes(written["python3"](rows, [3, 0, 9, 1], protocol, as_bytes))
    images = open_images(tmp_path / "b")
    assert np.array_equal(images.read_raw(range(4)), rows)
    assert images.labels.tolist() == [3, 0, 9, 1]


def test_columns_first_is_read_as_numpy_reads_it(written, rows, tmp_path):
    turned = np.asfortranarray(rows.reshape(4, -1))
    (tmp_path / "b").write_bytes(written["python3"](turned, [1] * 4, 4))
    assert np.array_equal(open_images(tmp_path / "b").read_raw(range(4)), rows)


def test_names_that_cannot_be_read_are_left_out_and_said(written, rows, folder):
    meta = b"\x80\x02cos\nsystem\n" + written["text"]("touch ran") + b"\x85R."
    images = open_images(folder({"data_batch_1": written["python2"](rows, [1] * 4), "batches.meta": meta}))
    assert images.classes is None
    assert images.notes[0] == "batches.meta beside holds no names of 10 classes and was left out"


def refused(path, said):
    with pytest.raises(DataError, match=said) as caught:
        open_images(path)
    assert "\n" not in str(caught.value)
    assert "cifar-10-binary" in str(caught.value)


class Evil:
    def __reduce__(self):
        return os.system, ("touch ran",)


def hidden(written, what):
    """A sound batch but for one value of it."""
    rows = np.zeros((1, 3072), np.uint8)
    content = {"batch_label": written["text"]("x"), "labels": written["numbers"]([1]), "data": written["array"](rows)}
    return written["items"]({**content, **what})


SYSTEM = b"cos\nsystem\nU\ttouch ran\x85R"
HOSTILE = {
    "a global called": {"filenames": SYSTEM},
    "a class instantiated": {"filenames": b"(U\ttouch raniposix\nsystem\n"},
    "an object made": {"filenames": b"(cos\nsystem\nU\ttouch rano"},
    "a new object made": {"filenames": b"cos\nsystem\nU\ttouch ran\x85\x81"},
    "a registered extension": {"filenames": b"\x82\x01"},
    "a persistent identity": {"filenames": b"U\x01xQ"},
    "names on the stack": {"filenames": b"X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93U\ttouch ran\x85R"},
    "numbers for names on the stack": {"filenames": b"K\x01K\x02\x93"},
    "numpy's own loader": {"filenames": b"cnumpy\nload\nU\x05x.npy\x85R"},
    "a stand-in called twice": {"filenames": b"cnumpy\ndtype\nU\x02u1\x85R)R"},
    "a text called": {"filenames": b"U\x06system)R"},
    "hidden in the state of an array": {"data": b"cnumpy.core.multiarray\n_reconstruct\n)R" + SYSTEM + b"b"},
    "a state set as attributes": {"data": b"cnumpy.core.multiarray\n_reconstruct\n)R}U\x09__class__" + SYSTEM + b"sb"},
    "a state of a list": {"filenames": b"]" + b"}U\x09__class__K\x01sb"},
    "a state set twice": {"filenames": b"cnumpy\ndtype\n)RK\x01bK\x01b"},
    "a place in the memory far out": {"filenames": b"]r\xff\xff\xff\x7f"},
    "a place never filled": {"filenames": b"j\x00\x00\x00\x40"},
    "a length that is a lie": {"filenames": b"T\xff\xff\xff\x7fxx"},
    "a key of tuples": {"filenames": b"})" + b"q\x09h\x09\x86" * 60 + b"K\x01s"},
    "a key that is too long": {"filenames": b"}" + b"X\x00\x01\x00\x00" + b"k" * 256 + b"K\x01s"},
    "items of a list": {"filenames": b"]U\x01kK\x01s"},
    "appended to a dict": {"filenames": b"}K\x01a"},
    "a mark too few": {"filenames": b"eee"},
    "a text duplicated": {"filenames": b"U\x01x2"},
    "a float in old letters": {"filenames": b"F1.0\n"},
    "no end": {"filenames": b"N" * 10},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_of_a_pickle_is_run(written, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pickle, "loads", None)
    data = hidden(written, HOSTILE[kind])
    (tmp_path / "b").write_bytes(data[:-2] if kind == "no end" else data)
    refused(tmp_path / "b", "cannot be read without running it, which is not done")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_pickled_object_beside_runs_nothing(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for protocol in range(2, 6):
        content = {"batch_label": Evil(), "labels": [1], "data": np.zeros((1, 3072), np.uint8)}
        (tmp_path / "b").write_bytes(pickle.dumps(content, protocol=protocol))
        refused(tmp_path / "b", "it would call 'posix.system'")
    assert not (tmp_path / "ran").exists()


def data(**changes):
    return lambda written: {"data": written["array"](np.zeros((1, 3072), np.uint8), **changes)}


FALSE = {
    "another type": (data(kind="f4"), "no array of bytes"),
    "objects": (data(kind="O8"), "no array of bytes"),
    "fields": (data(state=b"](K\x01eNNK\x01K\x01K\x00"), "no array of bytes"),
    "another width": (data(shape=(3, 1024)), "is not \\(n, 3072\\)"),
    "more rows than bytes": (data(shape=(65535, 3072)), "is not \\(n, 3072\\)"),
    "fewer bytes": (data(raw=b"x" * 3071), "is not \\(n, 3072\\)"),
    "no bytes": (data(raw=b"", shape=(0, 3072)), "is not \\(n, 3072\\)"),
    "an order that is a number": (data(order=b"K\x01"), "no array of bytes"),
    "a list": (lambda _: {"data": b"]"}, "no numpy array as CIFAR has it"),
    "a type alone": (lambda _: {"data": b"cnumpy\ndtype\n"}, "no numpy array as CIFAR has it"),
    "too many labels": (lambda w: {"labels": w["numbers"]([1, 2])}, "no list of 1 numbers"),
    "a label too large": (lambda w: {"labels": w["numbers"]([10])}, "not whole numbers below 10"),
    "a negative label": (lambda _: {"labels": b"](J\xff\xff\xff\xffe"}, "not whole numbers below 10"),
    "a true label": (lambda _: {"labels": b"](\x88e"}, "not whole numbers below 10"),
    "a label in text": (lambda w: {"labels": w["texts"](["1"])}, "not whole numbers below 10"),
    "an enormous label": (lambda _: {"labels": b"](\x8a\xff" + b"\x01" * 255 + b"e"}, "not whole numbers below 10"),
}


@pytest.mark.parametrize("kind", FALSE)
def test_what_does_not_add_up_is_refused(written, tmp_path, kind):
    make, said = FALSE[kind]
    (tmp_path / "b").write_bytes(hidden(written, make(written)))
    refused(tmp_path / "b", said)


def test_text_in_place_of_bytes(written, tmp_path):
    content = {"labels": [1], "batch_label": 1, "data": np.zeros((1, 3072), np.uint8)}
    saved = pickle.dumps(content, protocol=2)
    assert b"latin1" in saved
    (tmp_path / "b").write_bytes(saved.replace(b"latin1", b"utf_16"))
    refused(tmp_path / "b", "not as Latin-1")


def test_a_batch_without_labels(written, rows, tmp_path):
    data = {"batch_label": written["text"]("x"), "data": written["array"](rows.reshape(4, -1))}
    (tmp_path / "b").write_bytes(written["items"](data))
    refused(tmp_path / "b", "no 'labels'")


def test_batches_of_both_data_sets_in_one_folder(written, rows, folder):
    batches = {
        f"data_batch_{i}": written["python2"](rows, [1] * 4, key) for i, key in ((1, "labels"), (2, "fine_labels"))
    }
    with pytest.raises(DataError, match="CIFAR-10 and of CIFAR-100: name one"):
        open_images(folder(batches))


def test_an_empty_batch_among_others(written, rows, folder):
    refused(
        folder({"data_batch_1": written["python2"](rows, [1] * 4), "data_batch_2": b""}), r"data_batch_2 .* is empty"
    )


@pytest.mark.parametrize("limit", ["_MOST_BYTES", "_MOST_TOGETHER"])
def test_more_bytes_than_cifar_has(written, rows, folder, monkeypatch, limit):
    batch = written["python2"](rows, [1] * 4)
    path = folder({"data_batch_1": batch, "data_batch_2": batch})
    assert len(open_images(path)) == 8
    monkeypatch.setattr(
        f"didlearn.images.formats.cifar.batches.{limit}", len(batch) * (1 + (limit != "_MOST_BYTES")) - 1
    )
    refused(path, "CIFAR is not")
