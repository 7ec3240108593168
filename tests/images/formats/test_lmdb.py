"""LMDB data bases as its own library writes them, read without it.

Mistakes seen: the older of the two meta pages, large values' first page without its header, branches below branches,
entries of a page in the order of its places, a size of which only the low half is read.
"""

import lmdb
import numpy as np
import pytest

from didlearn.errors import DataError
from didlearn.images import open_images
from didlearn.images.formats.lmdb.pages import value_places
from didlearn.models import open_model


def write(path, values, several=False):
    """Write {key: bytes}; with ``several`` in many transactions, the later of which undo some of the earlier."""
    with lmdb.open(str(path), map_size=2**28) as env:
        if several:
            for number in range(3):
                with env.begin(write=True) as txn:
                    txn.put(f"zz{number}".encode(), b"x" * 3000 * number)
            with env.begin(write=True) as txn:
                for number in range(3):
                    txn.delete(f"zz{number}".encode())
        with env.begin(write=True) as txn:
            for key, value in values.items():
                txn.put(key, value)
    return path


def read(path):
    data = (path / "data.mdb").read_bytes()
    return {key: data[place.start : place.start + place.size] for key, place in value_places(path / "data.mdb")}


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("count", [0, 1, 40, 3000])
def test_entries_are_those_that_were_written(tmp_path, count, several):
    """Of all sizes from none to many pages, in a tree of one page and of several levels."""
    rng = np.random.default_rng(count)
    keys = [rng.bytes(int(n)) for n in rng.integers(1, 200, count)]
    values = {key: rng.bytes(int(n)) for key, n in zip(keys, rng.integers(0, 9000, count), strict=True)}
    path = write(tmp_path / "db", values, several)
    found = read(path)
    assert found == values
    assert list(found) == sorted(values)


def test_a_value_larger_than_two_to_the_sixteen(tmp_path):
    value = np.random.default_rng(0).bytes(200_000)
    assert read(write(tmp_path / "db", {b"a": value, b"b": b"small"})) == {b"a": value, b"b": b"small"}


@pytest.fixture
def lsun(tmp_path, pictures, encoded):
    """As LSUN comes: encoded pictures under hashes, here in lossless webp and in png."""
    pixels = pictures(50, 12, 16)
    kinds = [{"kind": "WEBP", "lossless": True}, {"kind": "PNG"}]
    keys = [f"{(i * 7919) % 1000:040x}".encode() for i in range(50)]
    values = {key: encoded(p, **kinds[i % 2]) for i, (key, p) in enumerate(zip(keys, pixels, strict=True))}
    order = np.argsort(keys)
    return write(tmp_path / "church_train_lmdb", values), pixels[order], [keys[i].decode() for i in order]


def test_pictures_in_the_order_of_their_keys(lsun):
    path, pixels, keys = lsun
    for source in (path, path / "data.mdb"):
        images = open_images(source)
        assert images.shape == (3, 12, 16)
        assert images.labels is None
        order = [3, 49, 0]
        assert np.array_equal(images.read_raw(order), pixels[order])
        assert images.source_name(3) == keys[3]
    assert open_images(path, crop=12, size=6).shape == (3, 6, 6)


def test_broken_values_are_named_or_skipped(tmp_path, pictures, encoded):
    values = {f"{i:02}".encode(): encoded(p) for i, p in enumerate(pictures(6))}
    values[b"03"] = b"no picture"
    path = write(tmp_path / "db", values)
    with pytest.raises(DataError, match=r"db: 03 is truncated or damaged"):
        open_images(path)
    assert len(open_images(path, skip_broken=True)) == 5
    with pytest.raises(DataError, match="holds no images"):
        open_images(write(tmp_path / "empty", {}))


def test_files_cut_short_or_of_something_else_are_refused(lsun, tmp_path):
    data = (lsun[0] / "data.mdb").read_bytes()
    for wrong in (b"", b"x" * 9000, data[:5000], data[: len(data) // 2], data[:4096] + b"\0" * (len(data) - 4096)):
        (tmp_path / "wrong.mdb").write_bytes(wrong)
        with pytest.raises(DataError, match="LMDB data base"):
            open_images(tmp_path / "wrong.mdb")


@pytest.mark.parametrize("onto", ["itself", "its first"])
def test_a_tree_whose_pages_are_named_twice_ends(tmp_path, onto):
    """Every page that a branch names is made the branch itself, or all of them the first: 50**levels ways down."""
    rng = np.random.default_rng(0)
    path = write(tmp_path / "db", {rng.bytes(50): rng.bytes(1000) for _ in range(200)}) / "data.mdb"
    data = bytearray(path.read_bytes())
    branches = [
        n for n in range(len(data) // 4096) if int.from_bytes(data[n * 4096 + 10 : n * 4096 + 12], "little") == 1
    ]
    assert branches
    for number in branches:
        start = number * 4096
        lower = int.from_bytes(data[start + 12 : start + 14], "little")
        nodes = [start + int.from_bytes(data[at : at + 2], "little") for at in range(start + 16, start + lower, 2)]
        target = number.to_bytes(6, "little") if onto == "itself" else bytes(data[nodes[0] : nodes[0] + 6])
        for node in nodes:
            data[node : node + 6] = target
    path.write_bytes(data)
    with pytest.raises(DataError, match="two places name page"):
        list(value_places(path))


def test_a_data_base_of_samples_is_a_bank(lsun):
    model = open_model(str(lsun[0]))
    assert (model.size, model.image_shape) == (50, (3, 12, 16))
    assert open_model(str(lsun[0] / "data.mdb")).size == 50
