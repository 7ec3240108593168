"""Sound files to begin with, in every format of images."""

import importlib
import io
import json
import pickle
import tarfile
import tempfile
import warnings
import zipfile
from pathlib import Path

import lmdb
import numpy as np
import torch
from PIL import Image
from scipy.io import savemat


def pixels(count=6, channels=3, side=8):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels), dtype=np.uint8)


def picture(kind, mode="RGB", **options):
    array = pixels(1, 3)[0] if mode == "RGB" else pixels(1, 1)[0, ..., 0]
    buffer = io.BytesIO()
    image = Image.fromarray(array.astype(np.uint16) * 257 if mode == "I;16" else array)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def saved(save, *arrays, **named):
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.writestr(f"{'ab'[i % 2]}/{i}.png", picture("PNG"))
        archive.writestr("dataset.json", json.dumps({"labels": [[f"{'ab'[i % 2]}/{i}.png", i % 2] for i in range(3)]}))
    return buffer.getvalue()


def tarred(dialect=tarfile.PAX_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=dialect) as archive:
        for i in range(3):
            above = "long" * 30 if i == 2 else "a"
            for name, data in ((f"{above}/{i}é.cls", b"%d" % i), (f"{above}/{i}é.png", picture("PNG"))):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def pickled(protocol, count=2):
    content = {"batch_label": "x", "labels": [1] * count, "data": pixels(count, 3, 32).reshape(count, -1)}
    return pickle.dumps(content, protocol=protocol)


def matlab(**options):
    buffer = io.BytesIO()
    savemat(buffer, {"X": pixels().transpose(1, 2, 3, 0), "y": np.arange(6)}, **options)
    return buffer.getvalue()


def mapped(count=30):
    with tempfile.TemporaryDirectory() as folder:
        with lmdb.open(folder, map_size=2**24) as env, env.begin(write=True) as txn:
            for i in range(count):
                txn.put(f"{i:0300}".encode(), picture("PNG") if i else picture("PNG") + bytes(9000))
        return (Path(folder) / "data.mdb").read_bytes()


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def parquet():
    pyarrow, files = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    table = pyarrow.table({"image": [{"bytes": picture("PNG"), "path": None}] * 3, "label": [0, 1, 0]})
    buffer = io.BytesIO()
    files.write_table(table, buffer)
    return buffer.getvalue()


def graph():
    """An ONNX generator: a matrix, a convolution that enlarges, and a shape of its own."""
    from onnx import TensorProto, helper

    numbers = np.linspace(-1, 1, 4 * 16).tolist()
    nodes = [
        helper.make_node("MatMul", ["z", "w"], ["a"]),
        helper.make_node("Reshape", ["a", "s"], ["b"]),
        helper.make_node("ConvTranspose", ["b", "k"], ["c"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["c"], ["x"]),
    ]
    held = [
        helper.make_tensor("w", TensorProto.FLOAT, (4, 16), numbers),
        helper.make_tensor("s", TensorProto.INT64, (4,), [-1, 1, 4, 4]),
        helper.make_tensor("k", TensorProto.FLOAT, (1, 1, 4, 4), numbers[:16]),
    ]
    inputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ("n", 4))]
    outputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 1, 8, 8))]
    made = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, held))
    return bytes(made.SerializeToString())


def weights():
    net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.BatchNorm1d(16))
    held = {"g_ema": net.state_dict(), "hyper_parameters": {"width": 16}, "epoch": 3}
    return saved(lambda b: torch.save(held, b))


def exported():
    net = torch.nn.Sequential(
        torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Unflatten(1, (1, 4, 4)), torch.nn.Conv2d(1, 1, 3, padding=1)
    )
    net = torch.nn.Sequential(net, torch.nn.Upsample(scale_factor=2), torch.nn.Sigmoid())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return saved(lambda b: torch.export.save(torch.export.export(net.eval(), (torch.zeros(2, 4),)), b))
