import math

import numpy as np
import pytest
import torch
from scipy.stats import binom, kstest
from torch import nn

from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan import lemmas
from didlearn.studies.memorizing_bigan.discriminators import Judge
from didlearn.studies.memorizing_bigan.lemmas import (
    concentration,
    lemma_cells,
    lemmas_row,
    non_colliding,
    reduction,
)
from didlearn.studies.memorizing_bigan.settings import MemorizingBigan
from didlearn.studies.memorizing_bigan.smoothed_law import SmoothedLaw
from didlearn.zoo.memorizing.generator import MemorizingGenerator, noised


def memory(support, scale=1.0, cells=None):
    images = torch.rand(support, 1, 4, 4, generator=torch.Generator().manual_seed(support))
    return MemorizingGenerator(images, 3, scale=scale, cells=cells)


def judge(weights, bias=0.0):
    """The discriminator that takes x for real where weights · (image, code) + bias > 0."""
    network = nn.Linear(len(weights), 1)
    network.load_state_dict({"weight": torch.tensor([weights]), "bias": torch.tensor([bias])})
    return Judge(network, lambda x: x, 0)


PIXEL = judge([1.0] + [0.0] * 18, -0.5)
CODE = judge([0.0] * 16 + [1.0, -0.5, 0.2], -0.3)


@pytest.mark.parametrize(("support", "scale"), [(12, 1.0), (27, 0.4), (7, 2.0)])
def test_each_cell_has_one_code_of_a_non_colliding_set(support, scale):
    generator = memory(support, scale)
    z = non_colliding(generator, 5, torch.Generator().manual_seed(0))
    assert torch.equal(generator.cell(z), torch.arange(support).repeat(5))


@pytest.mark.parametrize("support", [2, 12])
def test_non_colliding_codes_are_normal_together(support):
    """Over all cells, which are equally likely, they have the law of the codes."""
    z = non_colliding(memory(support, 0.5), 12_000 // support, torch.Generator().manual_seed(0)).numpy()
    for coordinate in z.T:
        assert kstest(coordinate / 0.5, "norm").pvalue > 0.001
    assert abs(np.corrcoef(z.T) - np.eye(3)).max() < 4 / math.sqrt(len(z))


@pytest.mark.parametrize("discriminator", [PIXEL, CODE])
def test_both_sides_of_the_first_lemma_are_equal(discriminator):
    inside = 0
    for seed in range(40):
        found = reduction(discriminator, memory(12), 100, Stream(seed))
        assert found["codes"] == 1200
        assert found["difference"] == pytest.approx(found["non_colliding"] - found["independent"])
        inside += found["difference_low"] <= 0 <= found["difference_high"]
    assert inside >= 34  # Binomial(40, 0.95): P(< 34) = 0.003


def test_cells_that_are_not_equally_likely_break_the_first_lemma(monkeypatch):
    generator = memory(12)
    generator.thresholds[0] = 0.1 * generator.thresholds[0]

    def one_in_each_cell(generator, sets, random):
        z = torch.randn(200_000, 3, generator=random, dtype=torch.float64)
        cell = generator.cell(z)
        return torch.cat([z[cell == i][:sets] for i in range(12)])

    monkeypatch.setattr(lemmas, "non_colliding", one_in_each_cell)
    found = reduction(PIXEL, generator, 200, Stream(0))
    assert found["codes"] == 2400
    assert not found["difference_low"] <= 0 <= found["difference_high"]


def law():
    return SmoothedLaw(torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(0)), None)


def test_the_deviation_is_that_of_a_mean_of_independent_images():
    """A discriminator of one pixel takes each image for real or not: the share of m is a binomial's."""
    images = law().draw(20_000, torch.Generator().manual_seed(5))
    p = float((images[:, 0, 0, 0] > 0.5).double().mean())
    found = concentration(PIXEL, law(), memory(24), 300, Stream(0))
    assert found["scaled_deviation_low"] < math.sqrt(p * (1 - p)) < found["scaled_deviation_high"]
    assert found["scaled_deviation"] <= 0.5 * 1.15
    assert found["beyond_low"] <= 0.05


def test_as_many_generators_are_beyond_as_the_binomial_law_has():
    """What is allowed is √(log 40 / 2m): of fair coins about one draw in 150 is beyond, of twice that bound none."""
    half = float(law().draw(100_000, torch.Generator().manual_seed(5))[:, 0, 0, 0].median())
    found = concentration(judge([1.0] + [0.0] * 18, -half), law(), memory(64), 3000, Stream(0))
    share = np.abs(np.arange(65) / 64 - 0.5) > math.sqrt(math.log(40) / 128)
    expected = float(binom.pmf(np.arange(65), 64, 0.5) @ share)
    assert found["beyond_low"] < expected < found["beyond_high"]
    assert found["beyond_low"] > 0


def test_codes_of_every_cell_leave_less_to_chance_than_independent_ones():
    """The share of codes far out is all but fixed where each of 512 cells has one of them; of free ones it is not."""
    far = Judge(lambda x: x[:, -1].abs() - 1.0, lambda x: x, 0)
    found = concentration(far, law(), memory(512), 60, Stream(0))
    p = 0.3173
    assert found["scaled_deviation_high"] < 0.7 * math.sqrt(p * (1 - p))


def test_images_that_are_all_alike_break_the_second_lemma():
    class Alike(SmoothedLaw):
        def draw(self, count, generator):
            return super().draw(1, generator).expand(count, -1, -1, -1)

    alike = Alike(law().images, None)
    found = concentration(PIXEL, alike, memory(24), 100, Stream(0))
    assert found["scaled_deviation_low"] > 0.5
    assert found["beyond_low"] > 0.05


def test_a_generator_makes_image_i_of_the_code_of_cell_i():
    generator = memory(12)
    z = non_colliding(generator, 1, torch.Generator().manual_seed(0))
    images = generator.memory.reshape(-1, 1, 4, 4)
    assert torch.equal(generator.lookup(z), noised(images, z))


def test_a_trained_discriminator_s_row():
    settings = MemorizingBigan(steps=100, batch=64, validation=200, test=4000, memories=40, sets=(64,))
    (cell,) = [c for c in lemma_cells(settings) if c["width"] == 8]
    found = lemmas_row(settings, cell, Stream(0))
    assert found["parameters"] == 68 * 8 + 8 + 8 * 8 + 8 + 8 + 1
    assert (found["codes"], found["memories"]) == (63 * 64, 40)
    assert found["difference_low"] <= 0 <= found["difference_high"]
    assert found["scaled_deviation_low"] < 0.5


def test_supports_of_which_few_generators_would_be_drawn_are_left_out():
    assert {c["support"] for c in lemma_cells(MemorizingBigan(sets=(16, 65536, 262144)))} == {16, 65536}
