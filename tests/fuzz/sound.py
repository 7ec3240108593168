"""Sound files to begin with, in every format of images."""

import importlib
import io
import json
import pickle
import tarfile
import warnings
import zipfile

import numpy as np
import torch
from PIL import Image


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


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def parquet():
    pyarrow, files = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    table = pyarrow.table({"image": [{"bytes": picture("PNG"), "path": None}] * 3, "label": [0, 1, 0]})
    buffer = io.BytesIO()
    files.write_table(table, buffer)
    return buffer.getvalue()


def exported():
    net = torch.nn.Sequential(
        torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Unflatten(1, (1, 4, 4)), torch.nn.Conv2d(1, 1, 3, padding=1)
    )
    net = torch.nn.Sequential(net, torch.nn.Upsample(scale_factor=2), torch.nn.Sigmoid())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return saved(lambda b: torch.export.save(torch.export.export(net.eval(), (torch.zeros(2, 4),)), b))
