"""One target a reader: sound files to begin with, how they are made wrong, and what reads them."""

import gzip
import itertools
import shutil
import sqlite3
import tarfile
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

import didlearn as dl
from didlearn.audit.spec import make_spec, read_toml
from didlearn.labelling.store import Store
from didlearn.models.architectures import Mlp
from didlearn.report import render
from didlearn.report.labelled import with_labels
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate, Figure, Gallery, Series, Table, Tile
from tests.fuzz.mutations import mutated, mutated_json, mutated_pickle, mutated_tar, mutated_zip
from tests.fuzz.sound import (
    exported,
    graph,
    idx,
    mapped,
    matlab,
    parquet,
    pickled,
    picture,
    pixels,
    saved,
    tarred,
    weights,
    zipped,
)


@dataclass(frozen=True)
class Target:
    """How one kind of file is fuzzed.

    Attributes:
        name: of the target. file: where the file goes, below a folder. sound: makes files to begin with.
        read: reads what lies in the folder. mutate: makes a sound file wrong. beside: files that stay sound.
    """

    name: str
    file: str
    sound: Any
    read: Any
    mutate: Any = mutated
    beside: Any = dict


def run_files(folder):
    """Save a run with something of every kind."""
    estimate = Estimate(value=2.0, low=1.0, high=3.0, n=9, method="counting", unit="images")
    check = CheckResult(
        check="support",
        question="How many?",
        verdict="measured",
        answer="Some.",
        params={"level": 0.95},
        estimates={"effective_support": estimate},
        arrays={"sizes": np.arange(6)},
        tables=(Table(name="t", title="t", columns=("a", "b"), rows=((1, "x"), (None, 2.5)), csv="t.csv"),),
        figures=(
            Figure(name="f", title="f", x_label="x", y_label="y", series=(Series(label="s", x=(0, 1), y=(1, 2)),)),
        ),
        galleries=(Gallery(name="g", title="g", rows=((Tile(pixels=pixels(1)[0]),),)),),
    )
    labels = CheckResult(check="labels", question="?", verdict="measured", answer="Some.", params={})
    AuditResult(checks=(check,)).save(folder)
    (folder / "labels").mkdir(exist_ok=True)
    (folder / "labels" / "result.json").write_text(labels.model_dump_json())


def run_file(name):
    def content(folder):
        run_files(folder / "sound")
        found = (folder / "sound" / name).read_bytes()
        shutil.rmtree(folder / "sound")
        return [found]

    return content


def labels_file(folder):
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    store = Store.open(folder, "abc")
    store.say(store.person("Ada"), 3, "d")
    store.close()
    with sqlite3.connect(folder / "labels" / "labels.sqlite") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found = (folder / "labels" / "labels.sqlite").read_bytes()
    shutil.rmtree(folder / "labels")
    return [found]


def model_file(name):
    def content(folder):
        dl.save_model(Mlp((4,), (1, 8, 8), hidden=(8,)), folder / "sound")
        found = (folder / "sound" / name).read_bytes()
        shutil.rmtree(folder / "sound")
        return [found]

    return content


def look(images):
    images.read_raw(range(min(len(images), 8)))
    assert images.fingerprint


def images_at(name=""):
    return lambda folder: look(dl.open_images(folder / name if name else folder))


def read_run(folder):
    result = with_labels(AuditResult.load(folder), folder)
    render(result, folder)


def read_store(folder):
    for leftover in itertools.chain(folder.glob("labels/*-wal"), folder.glob("labels/*-shm")):
        leftover.unlink(missing_ok=True)
    store = Store.open(folder, "abc")
    try:
        store.labels()
        store.answers(1)
    finally:
        store.close()


def read_model(folder):
    model = dl.open_model(str(folder / "m"))
    assert model.image_shape


def read_exported(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = dl.open_model(str(folder / "g.pt2"), value_range=(0, 1))
    assert model.image_shape


def read_graph(folder):
    model = dl.open_model(str(folder / "g.onnx"), value_range=(0, 1))
    assert model.image_shape


def read_weights(folder):
    model = dl.open_model(str(folder / "w.ckpt"), architecture=f"{folder / 'net.py'}:Net", trust_code=True)
    assert model.image_shape


NET = b"""
import torch


class Net(torch.nn.Sequential):
    latent_shape, value_range = (4,), (0, 1)

    def __init__(self, width):
        super().__init__(torch.nn.Linear(4, width), torch.nn.BatchNorm1d(width))

    def forward(self, z):
        return super().forward(z).view(-1, 1, 4, 4).sigmoid()
"""
TOML = b"""train = "digits"
generator = "g.pt2"
latent_shape = [4, 1]
value_range = [-1, 1]
checks = ["support", "memorization"]
seed = 3
outside = {svhn = "s.npz"}
[support]
factor = 3
level = 0.9
"""

TARGETS = {
    target.name: target
    for target in (
        Target(
            "npy", "a.npy", lambda _: [saved(np.save, pixels()), saved(np.save, pixels() / 255)], images_at("a.npy")
        ),
        Target(
            "npz",
            "a.npz",
            lambda _: [saved(np.savez_compressed, x=pixels(), y=np.arange(6))],
            images_at("a.npz"),
            mutated_zip,
        ),
        Target("zip", "a.zip", lambda _: [zipped()], images_at("a.zip"), mutated_zip),
        Target(
            "png", "p/a.png", lambda _: [picture("PNG"), picture("PNG", "I;16"), picture("PNG", "L")], images_at("p")
        ),
        Target(
            "jpeg",
            "p/a.jpg",
            lambda _: [picture("JPEG"), picture("JPEG", "L", progressive=True), picture("JPEG", exif=b"Exif\0\0MM\0*")],
            images_at("p"),
        ),
        Target(
            "tiff",
            "p/a.tif",
            lambda _: (
                [picture("TIFF", compression=c) for c in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits")]
                + [picture("TIFF", "I;16")]
            ),
            images_at("p"),
        ),
        Target(
            "idx",
            "x-idx3-ubyte",
            lambda _: [idx(pixels()[..., 0]), gzip.compress(idx(pixels()[..., 0]))],
            images_at("x-idx3-ubyte"),
        ),
        Target(
            "idx labels",
            "x-labels-idx1-ubyte",
            lambda _: [idx(np.arange(6, dtype=np.uint8))],
            images_at("x-images-idx3-ubyte"),
            beside=lambda: {"x-images-idx3-ubyte": idx(pixels()[..., 0])},
        ),
        Target(
            "cifar",
            "c.bin",
            lambda _: [bytes(3073), np.r_[np.uint8(3), pixels(1, 3, 32).ravel()].tobytes() * 3],
            images_at("c.bin"),
        ),
        Target(
            "tar",
            "a.tar",
            lambda _: [tarred(dialect) for dialect in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT)],
            images_at("a.tar"),
            mutated_tar,
        ),
        Target(
            "cifar pickle",
            "data_batch_1",
            lambda _: [pickled(protocol) for protocol in (2, 3, 4)],
            images_at(),
            mutated_pickle,
        ),
        Target(
            "npy folder",
            "n/1.npy",
            lambda _: [saved(np.save, pixels()), saved(np.save, np.asfortranarray(pixels()))],
            images_at("n"),
            beside=lambda: {"n/0.npy": saved(np.save, pixels())},
        ),
        Target(
            "mat",
            "a.mat",
            lambda _: [matlab(), matlab(do_compression=True)],
            images_at("a.mat"),
        ),
        Target("lmdb", "a.mdb", lambda _: [mapped(), mapped(4)], images_at("a.mdb")),
        Target("parquet", "a.parquet", lambda _: [parquet()], images_at("a.parquet")),
        Target("pt2", "g.pt2", lambda _: [exported()], read_exported, mutated_zip),
        Target("onnx", "g.onnx", lambda _: [graph()], read_graph),
        Target("weights", "w.ckpt", lambda _: [weights()], read_weights, mutated_zip, lambda: {"net.py": NET}),
        Target(
            "model.json",
            "m/model.json",
            model_file("model.json"),
            read_model,
            mutated_json,
            beside=lambda: {"m/weights.safetensors": b""},
        ),
        Target("safetensors", "m/weights.safetensors", model_file("weights.safetensors"), read_model),
        Target("toml", "a.toml", lambda _: [TOML], lambda folder: make_spec(read_toml(folder / "a.toml"))),
        Target("audit.json", "audit.json", run_file("audit.json"), read_run, mutated_json),
        Target("arrays.npz", "arrays.npz", run_file("arrays.npz"), read_run, mutated_zip),
        Target("labels result", "labels/result.json", run_file("labels/result.json"), read_run, mutated_json),
        Target("labels", "labels/labels.sqlite", labels_file, read_store),
    )
}


class Case:
    """A target in a folder of its own, with the sound files around the one that is made wrong."""

    def __init__(self, target, folder):
        self.target, self.folder = target, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.sound = target.sound(folder)
        if target.read is read_run:
            run_files(folder)
        if target.read is read_model:
            dl.save_model(Mlp((4,), (1, 8, 8), hidden=(8,)), folder / "m")
        elif target.beside is not dict:
            for name, content in target.beside().items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(content)
        self.path = folder / target.file
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, rng):
        """Write a file made wrong."""
        self.path.write_bytes(self.target.mutate(self.sound[int(rng.integers(len(self.sound)))], rng))

    def read(self):
        """Read it: an error of ours is an answer."""
        try:
            self.target.read(self.folder)
        except dl.errors.DidlearnError:
            return
