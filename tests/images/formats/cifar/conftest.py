"""CIFAR's pickles, written opcode by opcode as Python 2 wrote them, or by Python 3."""

import pickle
import struct

import numpy as np
import pytest


def text(value):
    """Python 2's str."""
    value = value.encode("latin-1") if isinstance(value, str) else value
    short = len(value) < 256
    return (b"U" + bytes([len(value)]) if short else b"T" + struct.pack("<i", len(value))) + value


def number(value):
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)


def array(pixels, raw=None, shape=None, kind="u1", order=b"\x89", state=b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"):
    """numpy's array, (n, 3072) uint8."""
    rows, columns = pixels.shape if shape is None else shape
    call = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85" + text("b") + b"tR"
    dtype = b"cnumpy\ndtype\n(" + text(kind) + b"K\x00K\x01tR(K\x03" + text("|") + state + b"tb"
    held = text(pixels.tobytes() if raw is None else raw)
    return call + b"(K\x01" + number(rows) + number(columns) + b"\x86" + dtype + order + held + b"tb"


def items(content):
    return b"\x80\x02}q\x01(" + b"".join(text(key) + value for key, value in content.items()) + b"u."


def numbers(values):
    return b"](" + b"".join(map(number, values)) + b"e"


def texts(values):
    return b"](" + b"".join(map(text, values)) + b"e"


def python2(pixels, labels, key="labels"):
    """A batch as Python 2 wrote it."""
    rows = pixels.reshape(len(pixels), -1)
    names = texts(f"{i}.png" for i in range(len(rows)))
    content = {"batch_label": text("batch 1 of 5"), key: numbers(labels), "data": array(rows), "filenames": names}
    return items(content)


def python3(pixels, labels, protocol, as_bytes=True, key="labels"):
    """A batch that was loaded in Python 3 and saved again."""
    content = {"batch_label": "x", key: list(map(int, labels)), "data": pixels.reshape(len(pixels), -1)}
    if as_bytes:
        content = {k.encode(): v for k, v in content.items()}
    return pickle.dumps(content, protocol=protocol)


@pytest.fixture(scope="session")
def written():
    """The ways to write a pickle: by name."""
    return {f.__name__: f for f in (text, number, array, items, numbers, texts, python2, python3)}


@pytest.fixture
def rows():
    return np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
