"""Less at a time where memory runs out: the answers stay, and it is said."""

import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.neighbors import closest_pairs, near_duplicates, nearest
from didlearn.neighbors.balls import count_in_both
from didlearn.neighbors.screening.bounds import Room
from didlearn.units import memory

ERRORS = [
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to"),
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("std::bad_alloc"),
]


@pytest.fixture
def little_memory(monkeypatch):
    """Let no block of more than 40 000 pairs be held; return how often one was asked for."""
    refused = []
    take = Room.take

    def reluctant(self, rows, columns):
        if rows * columns > 40_000:
            refused.append((rows, columns))
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return take(self, rows, columns)

    monkeypatch.setattr(Room, "take", reluctant)
    return refused


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_work_is_tried_again_with_half(error):
    sizes = []

    def work():
        sizes.append(memory.at_once(1000))
        if len(sizes) < 4:
            raise error
        return "done"

    with memory.noted() as shortage:
        assert memory.within_memory(work) == "done"
        assert memory.at_once(3) == 1  # never nothing
    assert sizes == [1000, 500, 250, 125]
    assert "1/8 as large" in shortage.note
    assert memory.at_once(1000) == 1000


@pytest.mark.parametrize(("error", "tries"), [(ValueError("no"), 1), (RuntimeError("shapes"), 1), (MemoryError(), 7)])
def test_other_errors_and_no_end_of_it_are_the_work_s_own(error, tries):
    asked = []

    def work():
        asked.append(memory.at_once(64))
        raise error

    with pytest.raises(type(error)):
        memory.within_memory(work)
    assert len(asked) == tries


def test_where_there_is_enough_nothing_is_said():
    with memory.noted() as shortage:
        assert memory.within_memory(lambda: 3) == 3
    assert not shortage.note


def answers(x, y):
    """What every kind of search finds, as arrays."""
    radii = np.full(len(x), 2.5), np.full(len(y), 2.5)
    return [
        *closest_pairs(x, 7),
        *nearest(x, y, 3),
        *nearest(x, x, 2, exclude=np.arange(len(x))),
        *near_duplicates(x, 2.0)[1:],
        *(part for counts in count_in_both((x, radii[0]), (y, radii[1])) for part in counts),
    ]


def test_searches_find_the_same_with_less(little_memory, monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(900, 6)), rng.normal(size=(700, 6))
    found = answers(x, y)
    assert little_memory
    monkeypatch.undo()
    for less, enough in zip(found, answers(x, y), strict=True):
        np.testing.assert_array_equal(less, enough)


def test_an_audit_says_so(little_memory):
    rng = np.random.default_rng(1)
    train, heldout, drawn = (rng.integers(0, 256, (400, 6, 6, 1)).astype(np.uint8) for _ in range(3))
    audited = dl.audit(train=train, heldout=heldout, generator=drawn, checks=["support"], seed=0)
    assert little_memory
    assert any("memory ran out" in note for note in audited.checks[0].notes)
