"""Products of 8-bit numbers: exact of bytes and of fractions made of them, within a known error of anything else."""

import numpy as np
import pytest
import torch

from didlearn.neighbors import nearest
from didlearn.neighbors.screening import levels, products
from didlearn.neighbors.screening.eight_bit import EightBit
from didlearn.neighbors.screening.rows import as_rows

EVERYTHING = slice(0, 60)


def bounds_of(x):
    (rows,) = as_rows(x)
    step = EightBit(rows, rows)
    step.hold(EVERYTHING)
    return step, step.bounds(EVERYTHING, EVERYTHING)


@pytest.mark.parametrize("kind", ["bytes", "fractions", "whole numbers"])
def test_of_bytes_nothing_is_lost(kind):
    """In float32 alone the sums of so many squares would be off by hundreds; here by a millionth."""
    stored = np.random.default_rng(0).integers(0, 256, (60, 9000)).astype(np.uint8)
    x = {"bytes": stored, "fractions": (stored / 255).astype(np.float32), "whole numbers": stored.astype(np.float32)}[
        kind
    ]
    step, bounds = bounds_of(x)
    assert step.exact
    true = torch.cdist(torch.from_numpy(x).double(), torch.from_numpy(x).double())
    away = ~torch.eye(60).bool()
    j = torch.arange(60).expand(60, 60)
    low, high = bounds.below(j.T, j), bounds.above(j.T, j)
    assert (low <= true + 1e-9).all()
    assert (high >= true - 1e-9).all()
    assert ((high - low) / true)[away].max() < 1e-4


def test_other_numbers_are_rounded_by_what_is_known():
    x = np.random.default_rng(1).normal(size=(60, 500)).astype(np.float32)
    step, bounds = bounds_of(x)
    assert not step.exact
    assert not bounds.tight
    true = torch.cdist(torch.from_numpy(x).double(), torch.from_numpy(x).double())
    j = torch.arange(60).expand(60, 60)
    low, high = bounds.below(j.T, j), bounds.above(j.T, j)
    assert (low <= true).all()
    assert (high >= true).all()
    away = ~torch.eye(60).bool()
    assert 1e-3 < ((high - low) / true)[away].mean() < 0.1


@pytest.mark.parametrize("value", [0.5, 1e-3, -1 / 255, 256 / 255, 1e30])
def test_one_value_that_is_no_byte_is_seen(value):
    x = (np.random.default_rng(2).integers(0, 256, (60, 20)) / 255).astype(np.float32)
    assert as_rows(x)[0].byte_unit == pytest.approx(1 / 255)
    x[41, 7] = value
    assert as_rows(x)[0].byte_unit is None


def test_what_is_fast_decides_which_level_is_tried(monkeypatch):
    rng = np.random.default_rng(3)
    pictures, others = rng.integers(0, 256, (50, 40)).astype(np.uint8), rng.normal(size=(50, 40)).astype(np.float32)
    for fast in (False, True):
        monkeypatch.setattr(levels, "eight_bit_pays", lambda device, fast=fast: fast)
        for x, exact in ((pictures, True), (others, False)):
            (rows,) = as_rows(x)
            assert isinstance(levels.whole(rows, rows)[0], EightBit) is (fast and exact)
            assert any(isinstance(one, EightBit) for one in levels.sketched(rows, rows, 99)) is (fast and not exact)


def test_the_machine_is_asked_once_and_other_devices_never(monkeypatch):
    asked = []

    def product(left, right):
        asked.append(len(left))
        return left.int() @ right.int()

    monkeypatch.setattr(torch, "_int_mm", product)
    products.eight_bit_pays.cache_clear()
    try:
        first = products.eight_bit_pays("cpu")
        count = len(asked)
        assert products.eight_bit_pays("cpu") is first
        assert len(asked) == count > 0
        assert products.eight_bit_pays("cuda") is False
    finally:
        products.eight_bit_pays.cache_clear()


def test_a_machine_without_such_products_does_without(monkeypatch):
    def refuse(left, right):
        raise RuntimeError("not built for it")

    monkeypatch.setattr(torch, "_int_mm", refuse)
    products.eight_bit_pays.cache_clear()
    try:
        assert products.eight_bit_pays("cpu") is False
        x = np.random.default_rng(4).integers(0, 256, (30, 12)).astype(np.uint8)
        assert nearest(x, x, exclude=np.arange(30)).index.shape == (30, 1)
    finally:
        products.eight_bit_pays.cache_clear()
