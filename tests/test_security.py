"""Hostile files through the front door: each is refused in one sentence, or comes out inert."""

import base64
import hashlib
import io
import pickle
import re
import struct
import zipfile
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from tests.typed import didlearn

HTML = "<img src=x onerror=alert(1)>"


def png(seed=0, size=8):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class Evil:
    def __reduce__(self):
        return (open, ("ran", "w"))


def pickle_model(folder):
    (folder / "bad.pt").write_bytes(pickle.dumps(Evil()))
    return "bad.pt"


def pickled_module(folder):
    torch.save({"state": Evil()}, folder / "bad.pth")
    return "bad.pth"


def pickled_array(folder):
    np.save(folder / "bad.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    return "bad.npy"


def traversing_zip(folder):
    with zipfile.ZipFile(folder / "bad.zip", "w") as archive:
        archive.writestr("../../outside.png", png())
    return "bad.zip"


def zip_bomb(folder):
    with zipfile.ZipFile(folder / "bad.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.png", png())
        archive.writestr("b.png", bytes(600 * 2**20))
    return "bad.zip"


def enormous_png(folder):
    (folder / "pictures").mkdir()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    (folder / "pictures" / "big.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    return "pictures"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (pickle_model, "pickle"),
        (pickled_module, "pickle"),
        (pickled_array, "pickle"),
        (traversing_zip, ".."),
        (zip_bomb, "zip bomb"),
        (enormous_png, "50000"),
    ],
)
@pytest.mark.parametrize("flag", ["--generator", "--train"])
def test_hostile_files_are_refused(tmp_path, make, words, flag):
    spec = make(tmp_path)
    rest = ["--train", "digits"] if flag == "--generator" else ["--generator", "digits"]
    done = didlearn("audit", flag, spec, *rest, "-q", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    message = done.stderr + done.stdout
    assert "Traceback" not in message
    assert words in message.replace("\u202f", "").replace(" × ", "×"), message
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path.parent / "outside.png").exists()


@pytest.mark.usefixtures("no_figure_files")
def test_html_in_names_comes_out_inert(tmp_path):
    for kind, first in (("train", 0), ("generated", 1000)):
        for label in (HTML, "plain"):
            folder = tmp_path / kind / label.replace("/", "")
            folder.mkdir(parents=True)
            for i in range(60):
                seed = first + i % 50 + (500 if label == "plain" else 0)
                (folder / f"{i}{HTML}.png").write_bytes(png(seed))
    args = [
        "audit",
        "--train",
        "train",
        "--generator",
        "generated",
        "--fail-on",
        "never",
        "-q",
        "-o",
        "run",
        "--threads",
        "1",
    ]
    few = (
        "concentration.replicates=19",
        "fidelity.permutations=19",
        "gaussianity.replicates=19",
        "gaussianity.alpha=0.2",
        "gaussianity.dimension=8",
    )
    args += [word for setting in few for word in ("--set", setting)]
    done = didlearn(*args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert HTML not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == page.count("<script")
    for script in scripts:  # the package's own, each allowed by its hash and by nothing else
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in page
        assert "onerror" not in script
