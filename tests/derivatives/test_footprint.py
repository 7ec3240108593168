"""What a graph takes is counted, and what goes together follows from it and never from the machine."""

import pytest
import torch

from didlearn.derivatives import footprint
from didlearn.derivatives.footprint import (
    columns_together,
    fitting_workers,
    free_memory,
    row_bytes,
    rows_together,
)


def test_a_row_is_what_one_more_adds_and_weights_are_not_in_it():
    weight = torch.randn(4000, 10)

    def run(rows):
        z = torch.zeros(rows, 10, requires_grad=True)
        return torch.tanh(z @ weight.T)  # tanh keeps its result, which is the output too

    assert row_bytes(run) == 2 * 4 * 4000


def test_what_ignores_its_latent_still_takes_something():
    assert row_bytes(lambda rows: torch.zeros(1)) == 1


@pytest.mark.parametrize(
    ("row", "rows"), [(1, 128), (2**23, 128), (2**23 + 1, 64), (90 * 2**20, 8), (2**30, 1), (2**34, 1)]
)
def test_rows_are_a_power_of_two_that_fits_a_gigabyte(row, rows):
    assert rows_together(row) == rows


def test_columns_share_their_memory_with_the_rows_graphs():
    assert columns_together(2, 2**20) == 128
    assert columns_together(1, 2**30) == 1


def test_workers_are_as_many_as_fit(monkeypatch):
    monkeypatch.setattr(footprint, "free_memory", lambda: 10 * 2**30)
    assert [fitting_workers(16, each) for each in (1, 2**30, 3 * 2**30, 2**40)] == [16, 8, 2, 1]
    monkeypatch.setattr(footprint, "free_memory", lambda: None)
    assert fitting_workers(16, 2**40) == 16


def test_a_containers_limit_goes_before_the_machines(monkeypatch):
    files = {"/proc/meminfo": "MemTotal: 9 kB\nMemAvailable:  2048 kB\n"}
    monkeypatch.setattr(footprint, "_read", lambda path: files.get(path, ""))
    assert free_memory() == 2**21
    files |= {"/sys/fs/cgroup/memory.max": "1000000\n", "/sys/fs/cgroup/memory.current": "400000\n"}
    assert free_memory() == 600_000
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    assert free_memory() == 2**21
    files.clear()
    assert free_memory() is None
