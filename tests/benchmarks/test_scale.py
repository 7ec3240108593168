"""What is fitted to times and memory is what they were made of, and a bank holds the pairs that are planted."""

import numpy as np
import pytest
import scale

from didlearn.neighbors import near_duplicates

SIZES = (10_000, 20_000, 50_000, 100_000)


def rows(seconds, held=lambda n: 0.0):
    return [scale.Row(n, 0.0, seconds(n), held(n), held(n), 0, {}) for n in SIZES]


def test_a_power_law_has_its_exponent():
    assert scale.growth(rows(lambda n: 3e-6 * n**1.7)) == pytest.approx((1.7, 1.7))


def test_the_last_exponent_is_of_the_two_largest():
    everywhere, last = scale.growth(rows(lambda n: 100 + 1e-7 * n**2))
    assert everywhere < last < 2


def test_what_is_fixed_by_image_and_by_pair_is_told_apart():
    parts = scale.by_parts(rows(lambda n: 30 + 2e-3 * n + 4e-8 * n**2))
    assert parts == pytest.approx([30, 2e-3, 4e-8])
    assert scale.seconds_at(parts, 1e6) == pytest.approx(30 + 2_000 + 40_000)


def test_memory_is_a_fixed_part_and_one_of_each_image():
    held = rows(lambda n: 1.0, lambda n: 512 + 4 * n / 1024)
    assert scale.kilobytes(held, "peak") == pytest.approx((0.5, 4))


@pytest.mark.parametrize("count", [40_000, 10**6])
def test_the_first_panel_holds_its_share_of_the_pairs(count):
    pairs = sum(count - 1 - i for i in range(scale.BLOCK))
    assert scale.share_looked_at(count) == pytest.approx(pairs / (count * (count - 1) / 2), rel=1e-3)


def test_a_bank_holds_the_planted_pairs_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "PLANTED", 100)
    real = np.random.default_rng(0).integers(256, size=(60, 32, 32, 3), dtype=np.uint8)
    planted = scale.make_bank(tmp_path / "bank.npy", real, 1_000)
    bank = np.load(tmp_path / "bank.npy")
    found = near_duplicates(bank, 2 * np.sqrt(0.05 * 3072))
    assert (bank.shape, planted, found.pairs) == ((1_000, 32, 32, 3), 10, 10)
    assert near_duplicates(bank, 0.0).pairs == 5
