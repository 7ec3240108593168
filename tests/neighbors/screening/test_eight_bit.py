"""Products of 8-bit numbers: exact of bytes and of fractions made of them, within a known error of anything else."""

import dataclasses
import time

import numpy as np
import pytest
import torch

from didlearn.neighbors import closest_pairs, nearest
from didlearn.neighbors.screening import levels
from didlearn.neighbors.screening.integers import byte_form, products
from didlearn.neighbors.screening.integers.byte_form import ByteForm
from didlearn.neighbors.screening.integers.eight_bit import EightBit, SixteenBit
from didlearn.neighbors.screening.rows import as_rows

EVERYTHING = slice(0, 60)


def bounds_of(x, level=EightBit):
    (rows,) = as_rows(x)
    step = level(rows, rows)
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


def spiked(rng):
    """One value of a row is so large that the others are rounded to next to nothing."""
    x = rng.normal(size=(60, 500)).astype(np.float32)
    x[:, 3] *= 1e4
    return x


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: rng.normal(size=(60, 500)).astype(np.float32),
        lambda rng: rng.exponential(size=(60, 17)) ** 3,
        lambda rng: (1e-4 * rng.normal(size=(60, 300)) + 1).astype(np.float32),
        lambda rng: np.repeat(rng.normal(size=(30, 40)), 2, 0),
        lambda rng: np.zeros((60, 20), np.float32),
        spiked,
    ],
    ids=["normal", "heavy tails", "far from zero", "repeated", "zero", "spiked"],
)
def test_two_integers_hold_and_are_as_good_as_float32(make):
    """Rigour: no distance lies outside. Power: nor are the bounds much wider than the rounding of a millionth."""
    x = make(np.random.default_rng(7))
    _, bounds = bounds_of(x, SixteenBit)
    assert bounds.tight
    true = torch.cdist(
        torch.from_numpy(x).double(), torch.from_numpy(x).double(), compute_mode="donot_use_mm_for_euclid_dist"
    )
    j = torch.arange(60).expand(60, 60)
    low, high = bounds.below(j.T, j), bounds.above(j.T, j)
    assert (low <= true).all()
    assert (high >= true).all()
    norm = torch.linalg.vector_norm(torch.from_numpy(x - x.mean(0)).double(), dim=1)
    spread = (norm[:, None] + norm).clamp(min=1e-12)
    away = true > 0.1 * spread
    assert not away.any() or ((high - low) / spread)[away].max() < (0.02 if make is spiked else 2e-4)


def test_what_is_rounded_is_put_together_again():
    """Round trip: both integers give the row back within the error that is told, and the squares are theirs."""
    (rows,) = as_rows(np.random.default_rng(8).normal(size=(300, 70)))
    every = slice(0, 300)
    z = rows.load(every, slice(0, 70), torch.float64)
    for rounded in (rows.rounded.of(every), rows.rounded._round(every)):
        coarse = rounded.scale[:, None] * rounded.q
        fine = coarse + rounded.scale[:, None] * rounded.r / 254
        for made, square, error in (
            (coarse, rounded.square, rounded.error),
            (fine, rounded.fine_square, rounded.fine_error),
        ):
            torch.testing.assert_close(made.square().sum(1), square, rtol=1e-12, atol=0)
            off = torch.linalg.vector_norm(made - z, dim=1)
            assert (off <= error).all()
            assert (off >= 0.9 * error).all()


def test_few_pairs_tell_whether_rounding_leaves_too_many_open():
    """Of noise in many dimensions the nearest are nearly as far as all others; of points of a plane they are not."""
    rng = np.random.default_rng(9)
    noise = rng.normal(size=(1_200, 1_000)).astype(np.float32)
    plane = (rng.uniform(size=(1_200, 2)) @ rng.normal(size=(2, 1_000))).astype(np.float32)
    for x, due in ((noise, False), (plane, True)):
        (rows,) = as_rows(x)
        level = EightBit(rows, rows)
        distances = torch.cdist(torch.from_numpy(x), torch.from_numpy(x)).double().fill_diagonal_(torch.inf)
        nearest_ = distances.amin(1) * rows.scale
        assert level.due(nearest_) is due


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
    (rows,) = as_rows(rng.normal(size=(levels.ROUNDED_FROM, 40)).astype(np.float32))
    assert isinstance(levels.whole(rows, rows)[0], SixteenBit)
    (rows,) = as_rows(rng.normal(size=(levels.ROUNDED_FROM - 1, 40)).astype(np.float32))
    assert not isinstance(levels.whole(rows, rows)[0], SixteenBit)


def test_rows_are_not_looked_at_whole_while_components_tell_pairs_apart(monkeypatch):
    """Whether they are bytes takes as long as all of the closest pairs."""
    monkeypatch.setattr(levels, "eight_bit_pays", lambda device: True)
    asked = []

    def look(left, right):
        asked.append(1)
        return False

    monkeypatch.setattr(levels, "are_bytes", look)
    rng = np.random.default_rng(10)
    flat = rng.normal(size=(2_000, 20)) @ rng.normal(size=(20, 160))
    assert len(closest_pairs(flat.astype(np.float32)).distance) == 20
    assert not asked
    assert len(closest_pairs(rng.normal(size=(2_000, 160)).astype(np.float32)).distance) == 20
    assert asked


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


@pytest.mark.parametrize(("clock", "pays"), [(time.perf_counter, True), (time.thread_time, False)])
def test_only_work_is_counted(clock, pays, monkeypatch):
    """The mistake this sees: beside other processes fast products seemed slow, so the search took its slow way."""
    answer = torch.zeros(1)

    def product(left, right):
        begun = clock()
        while clock() - begun < 0.02:
            time.sleep(0.02 if pays else 0)
        return answer

    monkeypatch.setattr(torch, "_int_mm", product)
    products.eight_bit_pays.cache_clear()
    try:
        assert products.eight_bit_pays("cpu") is pays
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


@pytest.mark.parametrize("width", [1, 2, 15])
def test_few_coordinates_are_not_worth_it(width, monkeypatch):
    """The mistake this sees: torch._int_mm of single coordinates is wrong where the machine has instructions for it."""
    monkeypatch.setattr(levels, "eight_bit_pays", lambda device: True)
    (rows,) = as_rows(np.random.default_rng(3).integers(0, 256, (50, width)).astype(np.uint8))
    assert not isinstance(levels.whole(rows, rows)[0], EightBit)
    assert not any(isinstance(one, EightBit) for one in levels.sketched(rows, rows, 99))


@pytest.mark.parametrize("kept", [True, False])
def test_floats_made_of_bytes_give_these_back(kept, monkeypatch):
    """Also of more of them than are kept; squares are exact."""
    if not kept:
        monkeypatch.setattr(byte_form, "_MOST_KEPT", 0)
    stored = np.random.default_rng(4).integers(0, 256, (300, 700)).astype(np.uint8)
    stored[0] = 255
    whole = stored.astype(np.int64) - 128
    for x in (stored, stored.astype(np.float32), stored.astype(np.float32) / np.float32(255), stored / 255):
        form = ByteForm(torch.from_numpy(x))
        assert form.steps == (255 if x.max() <= 1 else 1)
        np.testing.assert_array_equal(form.shifted(slice(250, 290)), whole[250:290])
        np.testing.assert_array_equal(form.shifted(torch.tensor([299, 0])), whole[[299, 0]])
        np.testing.assert_array_equal(form.squares, (whole**2).sum(1))
        off = np.abs(x.astype(np.float64) * form.steps - stored)
        assert np.sqrt((off**2).sum(1)).max() <= form.error()


@pytest.mark.parametrize("off", [2e-4, -2e-4, 0.5])
def test_values_beside_bytes_are_none(off):
    x = np.random.default_rng(4).integers(1, 255, (300, 20)).astype(np.float32)
    x[299, 19] += off
    assert ByteForm(torch.from_numpy(x)).steps is None
    assert ByteForm(torch.zeros(0, 5)).steps is None


def test_what_is_given_twice_is_looked_at_once():
    x = np.random.default_rng(5).integers(0, 256, (30, 20)).astype(np.float32)
    same, again = as_rows(x, x)
    assert same.form is again.form
    fewer = dataclasses.replace(same, raw=same.raw[:9])  # as equal rows are merged
    assert fewer.form.squares.shape == (9,)
    one, other = as_rows(x, x[:20])
    assert one.form is not other.form


def test_no_rows_at_all_have_no_squares():
    """The mistake this sees: an error for an empty set of bytes, on machines that multiply them fast alone."""
    assert ByteForm(torch.zeros(0, 40, dtype=torch.uint8)).squares.shape == (0,)
