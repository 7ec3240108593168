"""Hugging Face ``datasets``: the hub, ``.parquet`` files and ``save_to_disk`` folders, through the extra ``hub``.

Pictures are taken as the encoded bytes they are stored as and decoded here, so the limits of ``decoding`` hold.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, overload

import numpy as np

from didlearn.errors import DataError, MissingExtraError
from didlearn.foreign.files import refuse_special_below
from didlearn.images.base import Images
from didlearn.images.classes import Labels, from_values, printable
from didlearn.images.fit import Fit
from didlearn.images.formats.decoding import BrokenFileError
from didlearn.images.formats.folder import read_bounded
from didlearn.images.formats.picture_files import MAX_FILE, open_encoded
from didlearn.images.formats.pictures.kinds import is_picture_name

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

_IMAGE_COLUMNS = ("image", "img", "picture", "pixels")
_LABEL_COLUMNS = ("label", "labels", "fine_label", "class", "y", "target")


def open_hub_dataset(source: str, fit: Fit, *, skip_broken: bool = False) -> Images:
    """Open ``hf:NAME`` or ``hf:NAME:SPLIT``; the split ``train`` where none is named and there are several.

    Raises:
        MissingExtraError: ``datasets`` is not installed. DataError: it cannot load that name, or finds no pictures.
    """
    name, _, split = source.removeprefix("hf:").partition(":")
    if not name:
        raise DataError(f"{source!r} names no data set: write hf:NAME or hf:NAME:SPLIT")
    loaded = _load(lambda hub: hub.load_dataset(name, split=split or None), source)
    return _open(loaded, source, _caches(), fit, skip_broken=skip_broken)


def open_parquet(path: Path, fit: Fit, *, skip_broken: bool = False) -> Images:
    """Open a ``.parquet`` file with a column of pictures.

    Raises:
        MissingExtraError: ``datasets`` is not installed. DataError: the file is damaged or holds no pictures.
    """
    loaded = _load(lambda hub: hub.Dataset.from_parquet(str(path)), str(path))
    return _open(loaded, str(path), (path.parent,), fit, skip_broken=skip_broken)


def is_saved_dataset(folder: Path) -> bool:
    """Tell a folder written by ``save_to_disk``."""
    saved = (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    return saved or (folder / "dataset_dict.json").is_file()


def open_saved(folder: Path, fit: Fit, *, skip_broken: bool = False) -> Images:
    """Open a folder written by ``save_to_disk``, without a network.

    Raises:
        MissingExtraError: ``datasets`` is not installed. DataError: the folder is damaged or holds no pictures.
    """
    refuse_special_below(folder, DataError)
    loaded = _load(lambda hub: hub.load_from_disk(str(folder)), str(folder))
    return _open(loaded, str(folder), (folder,), fit, skip_broken=skip_broken)


@dataclass(frozen=True, eq=False)
class HubSource:
    """The pictures in one column of a table, as encoded bytes.

    Attributes:
        name: of the set. table: a ``datasets.Dataset``. column: where the pictures are.
        homes: folders that files a row names may lie in; a row may not name any other file of the machine.
    """

    name: str
    table: Dataset
    column: str
    homes: tuple[Path, ...]
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def names(self) -> Sequence[str]:
        """Return the rows' names: their numbers."""
        return _RowNames(len(self.table))

    def where(self, index: int) -> str:
        """Return the set's name and the row."""
        return f"{self.name}: row {index}"

    def size(self, index: int) -> int:
        """Return how many bytes the picture in a row has."""
        return len(self.fetch(index))

    def fetch(self, index: int, limit: int | None = None) -> bytes:
        """Return the encoded picture in a row; ``limit`` saves nothing here."""
        with self.lock:
            cell = self.table[index][self.column]
        data, path = (cell.get("bytes"), cell.get("path")) if isinstance(cell, Mapping) else (cell, None)
        if isinstance(data, bytes) and len(data) <= MAX_FILE:
            return data
        if isinstance(data, bytes):
            raise DataError(f"{self.where(index)} is larger than {MAX_FILE >> 20} MiB: remove it")
        if isinstance(path, str) and is_picture_name(path):
            return read_bounded(self._own(path, index), limit)
        raise BrokenFileError(self.where(index), "there is no picture in it, nor a file where it points")

    def _own(self, path: str, index: int) -> Path:
        """Return the file that a row names: below one of the homes, links followed."""
        for home in self.homes:
            found = (home / path).resolve()
            if found.is_relative_to(home.resolve()) and found.is_file():
                return found
        where = " or ".join(str(home) for home in self.homes)
        raise BrokenFileError(self.where(index), f"it names a file that is not below {where}")


@dataclass(frozen=True)
class _RowNames(Sequence[str]):
    rows: int

    def __len__(self) -> int:
        return self.rows

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        chosen = range(self.rows)[index]
        return f"row {chosen}" if isinstance(chosen, int) else [f"row {row}" for row in chosen]


def _load(load: Callable[[ModuleType], Dataset | DatasetDict], name: str) -> Dataset | DatasetDict:
    try:
        import datasets
    except ImportError:
        raise MissingExtraError(
            f"{name} needs the Hugging Face datasets package, which is not installed: pip install 'didlearn[hub]'"
        ) from None
    try:
        with _no_progress_bars(datasets):
            return load(datasets)
    except Exception as error:  # noqa: BLE001 (the network, the cache, the file and the format all fail in their own ways)
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"Hugging Face datasets cannot load {name} ({reason}): check the name, the network or the file, or give a "
            "save_to_disk folder"
        ) from None


@contextmanager
def _no_progress_bars(datasets: ModuleType) -> Iterator[None]:
    before = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if before:
            datasets.enable_progress_bars()


def _open(loaded: Dataset | DatasetDict, name: str, homes: tuple[Path, ...], fit: Fit, *, skip_broken: bool) -> Images:
    table, notes = _one_split(loaded, name)
    if not hasattr(table, "column_names") or len(table) == 0:
        raise DataError(f"{name} holds no images: give at least one")
    column = _image_column(table, name)
    labels = _labels(table, name)
    source = HubSource(name, _as_stored(table.select_columns([column]), column), column, homes)
    labels = Labels(labels.values, labels.classes, notes + labels.notes)
    return open_encoded(source, labels, fit, skip_broken=skip_broken)


def _caches() -> tuple[Path, ...]:
    """Return where the hub's own files are kept on this machine."""
    import datasets

    return (Path(datasets.config.HF_DATASETS_CACHE), Path(datasets.config.HF_CACHE_HOME))


def _one_split(loaded: Dataset | DatasetDict, name: str) -> tuple[Dataset, tuple[str, ...]]:
    if not isinstance(loaded, Mapping):
        return loaded, ()
    splits = sorted(loaded)
    if len(splits) == 1 or "train" in splits:
        chosen = "train" if "train" in splits else splits[0]
        return loaded[chosen], ((f"the split 'train' was taken of {', '.join(splits)}",) if len(splits) > 1 else ())
    raise DataError(f"{name} has the splits {', '.join(splits)}: name one (hf:NAME:SPLIT, or its folder)")


def _image_column(table: Dataset, name: str) -> str:
    found = [column for column, feature in table.features.items() if _holds_pictures(feature)]
    preferred = [column for column in found if column.lower() in _IMAGE_COLUMNS]
    if not found:
        columns = printable(", ".join(table.column_names))
        raise DataError(f"{name} has no column of encoded pictures (columns: {columns}): give it one of type Image")
    return (preferred or found)[0]


def _holds_pictures(feature: object) -> bool:
    if isinstance(feature, Mapping):
        return "bytes" in feature
    return type(feature).__name__ == "Image" or getattr(feature, "dtype", None) in ("binary", "large_binary")


def _as_stored(table: Dataset, column: str) -> Dataset:
    if type(table.features[column]).__name__ != "Image":
        return table
    import datasets

    return table.cast_column(column, datasets.Image(decode=False))


def _labels(table: Dataset, name: str) -> Labels:
    named = [column for column in _LABEL_COLUMNS if column in table.column_names]
    classed = [column for column, feature in table.features.items() if type(feature).__name__ == "ClassLabel"]
    chosen = next(iter([*named, *classed]), None)
    if chosen is None:
        return Labels()
    values = np.asarray(table.select_columns([chosen]).with_format("arrow")[:][chosen].to_pylist())
    labels = from_values(values, len(table), f"{name}: column {printable(chosen)}")
    classes = getattr(table.features[chosen], "names", None)
    if labels.values is None or not classes:
        return labels
    return Labels(labels.values, tuple(printable(str(c)) for c in classes), labels.notes)
