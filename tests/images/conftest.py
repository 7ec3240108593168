"""Small real files in every format."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def random_pictures(count, height=8, width=8, channels=3, seed=0):
    """(n, C, H, W) uint8 noise."""
    return np.random.default_rng(seed).integers(0, 256, (count, channels, height, width), dtype=np.uint8)


def encode(picture, kind="PNG", **options):
    """Bytes of a (C, H, W) picture."""
    pixels = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, kind, **options)
    return file.getvalue()


def write_folder(root, files):
    """Write {relative name: bytes} below ``root``."""
    for name, data in files.items():
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write_zip(path, files, compression=zipfile.ZIP_STORED):
    """Write {name: bytes} into an archive."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture(scope="session")
def pictures():
    return random_pictures


@pytest.fixture(scope="session")
def encoded():
    return encode


@pytest.fixture
def folder(tmp_path):
    """Write {relative name: bytes} as a folder."""
    return lambda files, name="pictures": write_folder(tmp_path / name, files)


@pytest.fixture
def zipped(tmp_path):
    """Write {name: bytes} as a zip archive."""
    return lambda files, name="pictures.zip", **options: write_zip(tmp_path / name, files, **options)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data beside the repository."""
    found = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not found.is_dir():
        pytest.skip("the real data is not here")
    return found
