"""CIFAR's binary version: records of one or two label bytes and 3 × 32 × 32 pixel bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from didlearn.arrays import Bytes
from didlearn.errors import DataError
from didlearn.images.base import Images

PIXELS = 3 * 32 * 32
# Label bytes of a record -> how many classes each may name; the last byte is the label used.
_KINDS = {1: (10,), 2: (20, 100)}
_NAMES = {1: "batches.meta.txt", 2: "fine_label_names.txt"}


def cifar_files(folder: Path) -> list[Path]:
    """Return a folder's CIFAR files: the training batches, or else whatever there is."""
    batches = sorted(path for path in folder.glob("data_batch_*.bin") if path.is_file())
    for names in ("train.bin",), ("test_batch.bin",), ("test.bin",):
        batches = batches or [folder / name for name in names if (folder / name).is_file()]
    return batches


def open_cifar(path: Path) -> Images:
    """Open a CIFAR-10 or CIFAR-100 binary file, or a folder of training batches; labels are the (fine) classes.

    Raises:
        DataError: the file's length or labels fit neither data set.
    """
    files = cifar_files(path) if path.is_dir() else [path]
    label_bytes = _label_bytes(files[0])
    parts = [_records(file, label_bytes) for file in files]
    reader = CifarReader(tuple(parts), label_bytes)
    labels = np.concatenate([part[:, label_bytes - 1] for part in parts]).astype(np.int64)
    notes = (f"read from {', '.join(file.name for file in files)}",) if path.is_dir() else ()
    return Images(reader, (3, 32, 32), str(path), labels, _class_names(files[0].parent, label_bytes), notes=notes)


@dataclass(frozen=True, eq=False)
class CifarReader:
    """Gives images from memory-mapped records.

    Attributes:
        parts: (n, label bytes + 3072) uint8 records of each file. label_bytes: how many lead each record.
    """

    parts: tuple[Bytes, ...]
    label_bytes: int

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def read(self, indices: Sequence[int]) -> Bytes:
        """Return the images at ``indices`` as (n, 3, 32, 32) uint8."""
        starts = np.cumsum([0, *(len(part) for part in self.parts)])
        wanted = np.asarray(indices, dtype=np.int64)
        out = np.empty((len(wanted), PIXELS), dtype=np.uint8)
        for part, start in zip(self.parts, starts, strict=False):
            here = (wanted >= start) & (wanted < start + len(part))
            out[here] = part[wanted[here] - start, self.label_bytes :]
        return out.reshape(-1, 3, 32, 32)


def _label_bytes(path: Path) -> int:
    for label_bytes in _KINDS:
        if _problem(path, label_bytes) is None:
            return label_bytes
    raise DataError(
        f"{path} is no CIFAR binary file: {_problem(path, 1)}, and {_problem(path, 2)}; see the list of formats"
    )


def _records(path: Path, label_bytes: int) -> Bytes:
    problem = _problem(path, label_bytes)
    if problem is not None:
        raise DataError(f"{path} is truncated or damaged: {problem}; copy or download it again")
    return np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, label_bytes + PIXELS)


def _problem(path: Path, label_bytes: int) -> str | None:
    """Return why a file is no CIFAR file with this many label bytes, or ``None``."""
    size, record = path.stat().st_size, label_bytes + PIXELS
    if size == 0 or size % record:
        return f"its {size} bytes are no multiple of {record}"
    labels = np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, record)[:, :label_bytes]
    if (labels >= np.array(_KINDS[label_bytes])).any():
        return f"its labels are not below {' and '.join(map(str, _KINDS[label_bytes]))}"
    return None


def _class_names(folder: Path, label_bytes: int) -> tuple[str, ...] | None:
    path = folder / _NAMES[label_bytes]
    if not path.is_file() or path.stat().st_size > 65_536:
        return None
    names = tuple(path.read_text("utf-8", "replace").split())
    return names if len(names) == _KINDS[label_bytes][-1] else None
