import numpy as np
import pytest
import torch

from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan import finite_sets
from didlearn.studies.memorizing_bigan.discriminators import train_judge
from didlearn.studies.memorizing_bigan.finite_sets import drawn_from, sets_row
from didlearn.studies.memorizing_bigan.finite_summary import pool_sets, sets_estimates, sets_figure, sets_table
from didlearn.studies.memorizing_bigan.settings import MemorizingBigan

QUICK = MemorizingBigan(steps=300, batch=128, validation=1000, test=5000)


def row(model, size, width, seed=0, settings=QUICK):
    cell = {"measure": "sets", "model": model, "size": size, "width": width, "seed": seed}
    return cell | sets_row(settings, cell, Stream(0, tuple(map(str, cell.values()))))


def test_small_sets_are_learned_by_heart_whoever_made_them():
    """Below the capacity the corollary promises nothing: even the honest generator is told apart on its own sets."""
    honest = row("honest", 16, 32)
    assert honest["on_sets"] == 1
    assert abs(honest["fresh"]) < 3.5 * (2 * 0.25 / QUICK.test) ** 0.5


def test_on_sets_above_capacity_no_generator_is_told_apart():
    for model in ("honest", "memorizing"):
        found = row(model, 16384, 0)
        # 69 weights fitted to 2 x 16 384 pairs: of the order of √(p/n) by heart.
        assert 0 <= found["on_sets"] < (69 / 16384) ** 0.5
        assert found["parameters"] == 69


def test_a_small_memory_is_found_out_on_fresh_pairs_too():
    found = row("memorizing", 16, 16)
    assert found["on_sets"] == 1
    assert found["fresh"] > 0.3


def test_a_discriminator_is_trained_on_the_sets_alone(monkeypatch):
    """What training sees are the pairs of the sets, and each of them."""
    seen: list[int] = []

    def spied(real, generated, width, training, stream):
        draw = [pairs(4000, torch.Generator().manual_seed(1)) for pairs in (real, generated)]
        seen.extend(len(torch.unique(torch.cat([x.flatten(1), z], dim=1).double(), dim=0)) for x, z in draw)
        return train_judge(real, generated, width, training, stream)

    monkeypatch.setattr(finite_sets, "train_judge", spied)
    row("memorizing", 64, 0, settings=MemorizingBigan(steps=2, validation=10, test=10))
    assert seen == [64, 64]


def test_all_widths_of_a_seed_face_the_same_sets(monkeypatch):
    seen = []

    def spied(pairs):
        seen.append(pairs[1].double())
        return drawn_from(pairs)

    monkeypatch.setattr(finite_sets, "drawn_from", spied)
    tiny = MemorizingBigan(steps=2, validation=10, test=10)
    for width, seed in [(0, 0), (4, 0), (0, 1)]:
        row("memorizing", 32, width, seed, tiny)
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    assert not torch.equal(seen[0], seen[4])
    assert not torch.equal(seen[1], seen[5])


def test_pairs_stay_together_as_they_are_drawn():
    pairs = torch.arange(5.0)[:, None], 10 * torch.arange(5.0)[:, None]
    images, codes = drawn_from(pairs)(2000, torch.Generator().manual_seed(0))
    assert torch.equal(10 * images, codes)
    counts = torch.bincount(images.flatten().long())
    assert float(((counts - 400) ** 2 / 400).sum()) < 18.5  # chi-squared with 4 degrees of freedom, p = 0.001


def made_up(model, size, seed, on_sets, taken=5_200):
    counts = {"real_taken": taken, "generated_taken": 10_000 - taken, "test": 10_000, "parameters": 69}
    return {"measure": "sets", "model": model, "size": size, "width": 0, "seed": seed, "on_sets": on_sets} | counts


def test_seeds_are_pooled_with_intervals_of_their_own():
    rows = [made_up("honest", 64, s, gain) for s, gain in enumerate((0.1, 0.2, 0.3))]
    rows += [made_up("memorizing", 64, 0, 0.4), {"measure": "code"}]
    memory, honest = pool_sets(rows)
    assert (memory.model, memory.on_sets.value, memory.on_sets.low, memory.on_sets.high) == (
        "memorizing",
        0.4,
        None,
        None,
    )
    assert honest.on_sets.value == pytest.approx(0.2)
    # Student's t with 2 degrees of freedom: 4.303 · 0.1 / √3.
    assert honest.on_sets.high == pytest.approx(0.2 + 4.303 * 0.1 / 3**0.5, abs=1e-4)
    assert honest.fresh.value == pytest.approx(0.04)
    assert honest.fresh.n == 60_000
    assert memory.fresh.high - memory.fresh.low > honest.fresh.high - honest.fresh.low
    assert len(sets_table([memory, honest]).rows) == 2
    assert [s.label for s in sets_figure([memory, honest]).series] == [
        f"{name}, {where}" for name in ("memorising", "honest") for where in ("on the sets", "on fresh pairs")
    ]


def test_a_gain_is_no_more_than_all():
    rows = [made_up("honest", 4, s, gain) for s, gain in enumerate((1.0, 0.9))]
    assert pool_sets(rows)[0].on_sets.high == 1


def test_the_estimates_are_of_the_largest_sets():
    rows = [made_up("memorizing", size, 0, 1 / size) for size in (4, 64)] + [made_up("honest", 64, 0, 0.5)]
    assert {k: e.value for k, e in sets_estimates(pool_sets(rows)).items()} == {"largest_sets_width_0": 1 / 64}
    assert sets_estimates([]) == {}


@pytest.mark.slow
def test_the_interval_of_fresh_pairs_holds_for_an_honest_generator():
    small = MemorizingBigan(steps=50, batch=64, validation=200, test=2000)
    found = [pool_sets([row("honest", 64, 8, seed, small)])[0].fresh for seed in range(60)]
    outside = sum(not (e.low <= 0 <= e.high) for e in found)
    assert outside <= 8  # Binomial(60, 0.05): P(> 8) = 0.004
    assert abs(np.mean([e.value for e in found])) < 0.01
