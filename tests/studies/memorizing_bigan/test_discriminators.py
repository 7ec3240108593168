import math

import pytest
import torch
from scipy.stats import norm

from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan.discriminators import DiscriminatorTraining, PairDiscriminator, distinguish

QUICK = DiscriminatorTraining(steps=400, batch=128, validation=2_000, test=10_000, learning_rate=5e-3)


def normal(shift=0.0):
    """Pairs of images N(0, I) whose first pixel is moved, and codes N(0, I)."""

    def draw(count, generator):
        images = torch.randn(count, 1, 2, 2, generator=generator)
        images[:, 0, 0, 0] += shift
        return images, torch.randn(count, 2, generator=generator)

    return draw


def tied(sign):
    """Pairs whose parts alone have the same law: only image and code together tell the sign."""

    def draw(count, generator):
        codes = torch.randn(count, 1, generator=generator)
        noise = torch.randn(count, 1, 1, 1, generator=generator)
        return sign * codes.reshape(-1, 1, 1, 1) + 0.5 * noise, codes

    return draw


@pytest.mark.parametrize("shift", [0.3, 1.0])
@pytest.mark.parametrize("width", [0, 16])
def test_the_best_advantage_of_a_shift_is_reached_and_not_passed(shift, width):
    found = distinguish(normal(shift), normal(), width, QUICK, Stream(0))
    best = 2 * norm.cdf(shift / 2) - 1
    assert found.advantage.low < best
    assert found.advantage.value > best - 0.04


def test_real_against_real_is_told_apart_as_often_as_the_level_says():
    found = [distinguish(normal(), normal(), 16, QUICK, Stream(seed)).advantage for seed in range(8)]
    outside = sum(not (a.low <= 0 <= a.high) for a in found)
    assert outside <= 2  # Binomial(8, 0.05): P(> 2) = 0.006
    assert all(abs(a.value) < 0.03 for a in found)


def test_what_is_generated_is_the_second():
    found = distinguish(normal(1.0), normal(), 0, QUICK, Stream(0))
    assert found.real_taken > found.generated_taken
    assert found.advantage.value == pytest.approx((found.real_taken - found.generated_taken) / QUICK.test)


def test_the_code_is_seen_beside_the_image():
    assert distinguish(tied(1), tied(-1), 16, QUICK, Stream(0)).advantage.value > 0.4
    alone = distinguish(tied(1), tied(-1), 0, QUICK, Stream(0)).advantage
    assert alone.low < 0.01, "a linear discriminator cannot see a correlation"


def test_the_advantage_is_measured_on_pairs_of_their_own():
    asked = []

    def spied(count, generator):
        asked.append((count, generator.initial_seed()))
        return normal()(count, generator)

    distinguish(spied, normal(), 0, DiscriminatorTraining(steps=20, batch=8, validation=50, test=70), Stream(0))
    seeds = {count: {seed for n, seed in asked if n == count} for count in (8, 50, 70)}
    assert not seeds[8] & seeds[70]
    assert not seeds[50] & seeds[70]
    assert not seeds[8] & seeds[50]


def test_the_same_stream_gives_the_same_numbers_and_another_does_not():
    one, again, other = (distinguish(normal(0.2), normal(), 4, QUICK, Stream(seed)) for seed in (1, 1, 2))
    assert one == again
    assert one.real_taken != other.real_taken


def test_training_stops_when_nothing_improves():
    steps = 0

    def counted(count, generator):
        nonlocal steps
        steps += count == 16
        return normal()(count, generator)

    found = distinguish(
        counted, normal(), 16, DiscriminatorTraining(steps=2000, batch=16, looks=200, patience=3), Stream(0)
    )
    assert found.steps + 40 == steps < 2000


def test_parameters_are_counted():
    def count(width):
        return sum(p.numel() for p in PairDiscriminator(68, width, torch.Generator()).parameters())

    assert count(0) == 69
    assert count(8) == 68 * 8 + 8 + 8 * 8 + 8 + 8 + 1


def test_weights_come_from_the_generator():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = PairDiscriminator(6, 3, torch.Generator().manual_seed(1)).state_dict()
    second = PairDiscriminator(6, 3, torch.Generator().manual_seed(1)).state_dict()
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert torch.equal(before, torch.get_rng_state())
    assert math.isclose(
        float(next(PairDiscriminator(4000, 50, torch.Generator().manual_seed(1)).parameters()).detach().std()),
        (2 / 4000) ** 0.5,
        rel_tol=0.02,
    )
