"""How much memory the graph of a row takes, and how many rows, columns and workers go together for it.

How many rows pass through a network together changes its last bits. It is therefore a rule of the network alone: the
same number on every machine. The memory a machine has decides how many workers run side by side, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from didlearn.parallel import default_threads

GRAPH_BYTES = 2**30  # of the graph of one forward pass
COLUMN_BYTES = 2**28  # of the Jacobian columns held at once beside the result, with the graph behind them
_MOST_ROWS = 128  # more would not be faster
_KEPT_FREE = 0.8  # of the memory there is may be asked for
_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def row_bytes(run: Callable[[int], Tensor]) -> int:
    """Return the bytes that one more row adds to a graph.

    Args:
        run: passes so many rows through the network, with a graph.
    """
    return max(1, _saved(run, 2) - _saved(run, 1))


def _saved(run: Callable[[int], Tensor], rows: int) -> int:
    """Return the bytes of a forward pass's output and of what it keeps for the backward pass, each storage once."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.layout == torch.strided:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = run(rows)
        return sum(kept.values()) + output.numel() * output.element_size()


def rows_together(row: int, most: int = _MOST_ROWS) -> int:
    """Return how many rows of ``row`` bytes share a graph: a power of two, at most ``most``."""
    fit = GRAPH_BYTES // max(1, row)
    return most if fit >= most else 2 ** (max(1, fit).bit_length() - 1)


def columns_together(rows: int, row: int) -> int:
    """Return how many derivatives of ``rows`` rows, each with a graph of ``row`` bytes, are taken at once."""
    return max(1, COLUMN_BYTES // max(1, rows * row))


def fitting_workers(threads: int | None, each: int) -> int:
    """Return how many of ``threads`` workers that take ``each`` bytes fit into this machine's memory; at least one."""
    wanted = default_threads() if threads is None else threads
    free = free_memory()
    return wanted if free is None else max(1, min(wanted, int(free * _KEPT_FREE) // max(1, each)))


def free_memory() -> int | None:
    """Return the bytes that this process may still take; ``None`` where the system does not tell."""
    found = [value for value in (_available(), *(_below(*files) for files in _LIMITS)) if value is not None]
    return min(found) if found else None


def _available() -> int | None:
    text = _read("/proc/meminfo")
    lines = [line.split() for line in text.splitlines() if line.startswith("MemAvailable:")]
    return int(lines[0][1]) * 1024 if lines else None


def _below(limit: str, used: str) -> int | None:
    """Return what a container's limit leaves, if it has one."""
    most, now = _read(limit).strip(), _read(used).strip()
    return max(0, int(most) - int(now)) if most.isdigit() and now.isdigit() else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
