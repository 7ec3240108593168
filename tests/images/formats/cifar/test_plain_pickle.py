"""A machine for pickles that runs nothing."""

import io
import pickle
import time
import tracemalloc

import numpy as np
import pytest

from didlearn.images.formats.cifar import plain_pickle
from didlearn.images.formats.cifar.plain_pickle import PickleError, Recorded, latin, read_plain_pickle, resolved


def read(data):
    return read_plain_pickle(io.BytesIO(data))


PLAIN = {
    "numbers": [0, 1, -1, 255, 65535, -(2**31), 2**40, -(2**70), True, False, None],
    "texts": ["", "é", "日本", "x" * 300],
    "nested": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [[1], {"a": {}}]],
}


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_plain_values_as_pickle_reads_them(protocol):
    assert read(pickle.dumps(PLAIN, protocol=protocol)) == PLAIN


def test_what_is_met_twice_is_one():
    shared = ["x"]
    first, second = read(pickle.dumps([shared, shared], protocol=2))
    assert first is second


def test_an_array_is_a_record_of_its_making():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    found = read(pickle.dumps(array, protocol=4))
    assert isinstance(found, Recorded)
    assert found.name.endswith("multiarray._reconstruct")
    assert isinstance(found.state, tuple)
    version, shape, dtype, columns_first, raw = found.state
    assert (version, shape, columns_first, raw) == (1, (2, 3), False, array.tobytes())
    assert (dtype.name, dtype.arguments[0]) == ("numpy.dtype", "u1")


def test_bytes_for_older_readers():
    found = read(pickle.dumps(b"\x00\xff", protocol=2))
    assert isinstance(found, Recorded)
    assert resolved(found) == b"\x00\xff"
    assert resolved("x") == "x"
    for wrong in ((), ("x",), ("x", "utf-8"), (1, "latin1"), ("日", "latin1")):
        with pytest.raises(PickleError):
            resolved(Recorded("_codecs.encode", wrong))
    with pytest.raises(PickleError):
        latin("日")


@pytest.mark.parametrize(
    "body",
    [
        b"]" * 1_000_000,
        b"(" * 1_000_000,
        b"}" * 1_000_000,
        b"N" + b"\x85" * 1_000_000,  # tuples within tuples
        b"N" + b"q\x01h\x01\x86" * 300_000,  # each twice in the next
        b"X\x00\x00\x01\x00"
        + b"x" * 65536
        + b"q\x01"
        + b"c_codecs\nencode\nh\x01X\x06\x00\x00\x00latin1\x86R" * 40_000,
        b"T\xff\xff\xff\x7f",
        b"\x8e" + b"\xff" * 7 + b"\x7f",  # bytes by the exabyte
        b"Nr\xff\xff\xff\xff",
    ],
)
def test_a_bomb_takes_little_memory_and_time(body, monkeypatch):
    monkeypatch.setattr(plain_pickle, "MOST_OPCODES", 50_000)
    file = io.BytesIO(b"\x80\x02" + body + b"." * (not body.startswith(b"T")))
    tracemalloc.start()
    began = time.process_time()
    try:
        found = read_plain_pickle(file)
        assert isinstance(found, Recorded)
    except PickleError:
        pass
    assert tracemalloc.get_traced_memory()[1] < 60e6
    assert time.process_time() - began < 10
    tracemalloc.stop()
