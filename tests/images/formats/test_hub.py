import sys
from typing import Any

import numpy as np
import pytest

from didlearn.errors import DataError, MissingExtraError
from didlearn.images import open_images
from didlearn.images.formats.decoding import BrokenFileError

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


@pytest.fixture
def table(pictures, encoded):
    """A table of PNG pictures with class labels, and its pixels."""

    def make(count=6, labels=True, broken=()):
        pixels = pictures(count)
        cells = [{"bytes": encoded(p)[: 40 if i in broken else None], "path": f"{i}.png"} for i, p in enumerate(pixels)]
        columns: dict[str, list[Any]] = {"image": cells}
        features = {"image": datasets.Image()}
        if labels:
            columns["label"] = [i % 3 for i in range(count)]
            features["label"] = datasets.ClassLabel(names=["ant", "bee", "<b>cow"])
        return datasets.Dataset.from_dict(columns, features=datasets.Features(features)), pixels

    return make


def check(images, pixels):
    assert np.array_equal(images.read_raw([5, 0, 5]), pixels[[5, 0, 5]])
    assert images.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert images.classes == ("ant", "bee", "<b>cow")
    assert images.source_name(4) == "row 4"


def test_parquet(table, tmp_path):
    made, pixels = table()
    made.to_parquet(tmp_path / "a.parquet")
    check(open_images(tmp_path / "a.parquet"), pixels)


def test_parquet_of_bare_bytes(pictures, encoded, tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pixels = pictures(6)
    columns = {"png": [encoded(p) for p in pixels], "y": ["b", "a", "b", "c", "a", "b"]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    images = open_images(tmp_path / "a.parquet")
    assert np.array_equal(images.read_raw(range(6)), pixels)
    assert [images.label_name(i) for i in range(6)] == columns["y"]


def test_saved_to_disk(table, tmp_path):
    made, pixels = table()
    made.save_to_disk(tmp_path / "saved")
    check(open_images(tmp_path / "saved"), pixels)


def test_selected_rows_keep_their_labels(table, tmp_path):
    made, pixels = table()
    made.select([4, 1]).save_to_disk(tmp_path / "saved")
    images = open_images(tmp_path / "saved")
    assert np.array_equal(images.read_raw([0, 1]), pixels[[4, 1]])
    assert images.labels.tolist() == [1, 1]


def test_splits(table, tmp_path):
    made, pixels = table()
    datasets.DatasetDict({"train": made, "test": made.select([2])}).save_to_disk(tmp_path / "both")
    images = open_images(tmp_path / "both")
    check(images, pixels)
    assert images.notes == ("the split 'train' was taken of test, train",)
    assert len(open_images(tmp_path / "both" / "test")) == 1
    datasets.DatasetDict({"a": made, "b": made}).save_to_disk(tmp_path / "neither")
    with pytest.raises(DataError, match="has the splits a, b: name one"):
        open_images(tmp_path / "neither")


def test_hub_name_with_split(table, tmp_path):
    made, pixels = table()
    (tmp_path / "repo").mkdir()
    made.to_parquet(tmp_path / "repo" / "train.parquet")
    made.select([3]).to_parquet(tmp_path / "repo" / "test.parquet")
    check(open_images(f"hf:{tmp_path / 'repo'}:train"), pixels)
    images = open_images(f"hf:{tmp_path / 'repo'}:test", size=4)
    assert images.shape == (3, 4, 4)
    assert images.labels.tolist() == [0]


def test_files_below_the_table_s_folder_are_read_and_no_others(pictures, encoded, tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    outside, home = tmp_path / "outside.png", tmp_path / "home"
    home.mkdir()
    for path in (outside, home / "0.png"):
        path.write_bytes(encoded(pictures(1)[0]))
    (home / "link.png").symlink_to(outside)
    (home / "passwd.png").symlink_to("/etc/passwd")
    named = ["0.png", str(home / "0.png"), str(outside), "../outside.png", "link.png", "passwd.png", "/etc/passwd"]
    cell = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    cells = pyarrow.array([{"bytes": None, "path": path} for path in named], cell)
    parquet.write_table(pyarrow.table({"img": cells}), home / "a.parquet")
    with pytest.raises(BrokenFileError, match=r"row 2 .*not below"):
        open_images(home / "a.parquet")
    images = open_images(home / "a.parquet", skip_broken=True)
    assert np.array_equal(images.read_raw([0, 1]), np.repeat(pictures(1), 2, axis=0))
    assert images.notes == ("5 broken files skipped: row 2, row 3, row 4, row 5, row 6",)


def test_a_saved_table_names_no_files_outside_its_folder(pictures, encoded, folder, tmp_path):
    files = folder({"0.png": encoded(pictures(1)[0])})
    rows = [{"img": {"bytes": None, "path": str(files / "0.png")}}]
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "saved")  # as an Image, its bytes would be taken in
    with pytest.raises(BrokenFileError, match=r"row 0 .*not below .*saved"):
        open_images(tmp_path / "saved")


def test_broken_rows(table, tmp_path):
    made, pixels = table(broken=(2,))
    made.to_parquet(tmp_path / "a.parquet")
    images = open_images(tmp_path / "a.parquet", skip_broken=True)
    assert images.labels.tolist() == [0, 1, 0, 1, 2]
    assert np.array_equal(images.read_raw([2]), pixels[[3]])
    assert images.source_name(2) == "row 3"


def test_no_pictures(tmp_path):
    datasets.Dataset.from_dict({"text": ["a", "b"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"no column of encoded pictures \(columns: text\)"):
        open_images(tmp_path / "a.parquet")


def test_damaged_parquet_and_unknown_names(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError, match=r"cannot load .*a\.parquet \("):
        open_images(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"cannot load hf:nobody/nothing"):
        open_images("hf:nobody/nothing")
    with pytest.raises(DataError, match=r"write hf:NAME or hf:NAME:SPLIT"):
        open_images("hf:")


def test_missing_extra_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "datasets", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    for spec in "hf:mnist", tmp_path / "a.parquet":
        with pytest.raises(MissingExtraError, match=r"pip install 'didlearn\[hub\]'"):
            open_images(spec)


def test_progress_bars_are_left_as_they_were(table, tmp_path):
    made, _ = table()
    made.to_parquet(tmp_path / "a.parquet")
    datasets.enable_progress_bars()
    open_images(tmp_path / "a.parquet")
    assert datasets.is_progress_bar_enabled()
