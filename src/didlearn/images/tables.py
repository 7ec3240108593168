"""Tables of numbers (N, D): ``.npy``, ``.npz``, ``.csv``, ``.tsv`` and ``.parquet``; nothing in them is run."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np

from didlearn.arrays import Array
from didlearn.errors import DataError, MissingExtraError, ResultError
from didlearn.images.formats.numpy_files import npy_header
from didlearn.result.arrays_file import read_arrays

TABLES: Final = (".npy", ".npz", ".csv", ".tsv", ".parquet")
_DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}
_KEYS: Final = ("features", "embeddings", "x", "X", "data", "arr_0")
_REMEDY: Final = "save the rows again with numpy.savez('x.npz', features=rows)"


def read_table(path: Path, key: str | None = None) -> Array:
    """Return the numbers of a file as they are stored; a ``.npy`` stays on disk.

    Args:
        path: of the file. key: of the array of a ``.npz``.

    Raises:
        DataError: it is no such file, or holds what is no number. MissingExtraError: parquet needs pyarrow.
    """
    match path.suffix.lower():
        case ".npy":
            npy_header(path)
            return np.load(path, mmap_mode="r", allow_pickle=False)
        case ".npz":
            return _of_archive(path, key)
        case ".csv" | ".tsv":
            return _of_text(path)
        case ".parquet":
            return _of_parquet(path)
    raise DataError(f"{path} is no table that is read: give a .npy, .npz, .csv, .tsv or .parquet of rows of numbers")


def _of_archive(path: Path, key: str | None) -> Array:
    try:
        arrays = read_arrays(path, None if key is None else (key,), _REMEDY)
    except ResultError as error:
        raise DataError(str(error)) from None
    if key is not None and key not in arrays:
        raise DataError(f"{path} has no array {key!r}: name one that it has")
    tables = {name: array for name, array in arrays.items() if array.ndim == 2}
    chosen = next((name for name in (*([key] if key else ()), *_KEYS) if name in tables), None)
    if chosen is None and len(tables) != 1:
        listed = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "nothing"
        raise DataError(f"{path} holds {listed}, and which are the rows is not plain: give {path.name}:KEY")
    return tables[chosen] if chosen is not None else next(iter(tables.values()))


def _of_text(path: Path) -> Array:
    """Read a table of text, whose first line may name the columns."""
    delimiter = _DELIMITERS[path.suffix.lower()]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next(csv.reader(file, delimiter=delimiter), [])
            if all(map(_is_number, first)):
                file.seek(0)
                first = [f"column {i + 1}" for i in range(len(first))]
            return np.loadtxt(file, delimiter=delimiter, quotechar='"', ndmin=2, comments=None)
    except (ValueError, csv.Error, UnicodeDecodeError) as error:
        said = str(error).split(";")[0].rstrip(".")
        raise DataError(
            f"{path} holds what is no table of numbers ({said}): give numbers alone, below at most one line of names"
        ) from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _of_parquet(path: Path) -> Array:
    """Read numeric columns beside one another, or one column of lists of equal length."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError(
            "reading .parquet needs pyarrow; install it with: pip install 'didlearn[hub]'"
        ) from None
    try:
        table = parquet.read_table(path)
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as parquet ({str(error).splitlines()[0]}): write it again") from None
    columns = [_column(path, name, table.column(name).to_numpy()) for name in table.column_names]
    widths = {len(column) for column in columns}
    if not columns or len(widths) != 1:
        raise DataError(f"{path} holds no rows of numbers: give a table of numeric columns")
    return np.concatenate([column.reshape(len(column), -1) for column in columns], axis=1)


def _column(path: Path, name: str, values: Array) -> Array:
    if values.dtype == object:  # lists, of which an embedding column is made
        try:
            values = np.stack([np.asarray(value, dtype=np.float64) for value in values])
        except (ValueError, TypeError):
            raise DataError(f"column {name!r} of {path} holds what is no number: give numeric columns alone") from None
    if values.dtype.kind not in "fiub":
        raise DataError(f"column {name!r} of {path} holds {values.dtype}, no numbers: give numeric columns alone")
    return values
