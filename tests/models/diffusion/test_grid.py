"""The steps of deterministic sampling."""

import itertools
import math

import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.models.diffusion.grid import choose_steps, diffusion_steps, flow_steps
from tests.models.diffusion.gaussians import ALPHAS


def test_a_step_is_the_formula_of_song_et_al():
    (step,) = diffusion_steps([0.3, 0.8], [700.0, 200.0], None)
    x, noise = 0.4, -1.1
    clean = (x - math.sqrt(1 - 0.3) * noise) / math.sqrt(0.3)
    expected = math.sqrt(0.8) * clean + math.sqrt(1 - 0.8) * noise
    assert step.scale * x + step.length * noise == pytest.approx(expected, rel=1e-12)
    assert (step.time, step.next_time, step.next_alpha) == (700.0, 200.0, 0.8)


def test_the_last_step_to_no_noise_asks_the_network_no_more():
    *_, last = diffusion_steps([0.3, 0.8], [700.0, 200.0], 1.0)
    assert last.next_time is None
    assert last.length == pytest.approx(-math.sqrt(1 / 0.8) * math.sqrt(0.2))


def test_a_flow_steps_through_its_times_in_either_direction():
    assert [(step.time, step.length) for step in flow_steps([1.0, 0.5, 0.0])] == [(1.0, -0.5), (0.5, -0.5)]
    assert [(step.time, step.length) for step in flow_steps([0.0, 1.0])] == [(0.0, 1.0)]


def test_even_in_the_noise_means_even_ratios():
    chosen = choose_steps(ALPHAS, 8, "snr")
    sigma = np.sqrt((1 - ALPHAS[chosen]) / ALPHAS[chosen])
    ratios = sigma[:-1] / sigma[1:]
    assert chosen[0] == 999
    assert chosen[-1] == 0
    assert ratios.max() / ratios.min() < 1.3  # the schedule has whole steps only
    assert choose_steps(ALPHAS, 9, "uniform") == [999, 888, 777, 666, 555, 444, 333, 222, 111, 0]


@pytest.mark.parametrize("spacing", ["uniform", "snr"])
def test_noise_levels_fall_whatever_the_number_of_steps(spacing):
    for steps in (1, 7, 50, 400):
        assert all(b < a for a, b in itertools.pairwise(choose_steps(ALPHAS, steps, spacing)))


@pytest.mark.parametrize("steps", [0, 1000])
def test_more_steps_than_levels_are_refused(steps):
    with pytest.raises(UsageError, match="steps cannot be taken"):
        choose_steps(ALPHAS, steps, "uniform")


def test_a_level_without_any_image_left_is_not_begun_at():
    assert choose_steps(np.array([0.9, 0.5, 0.1, 0.0]), 2, "uniform") == [2, 1, 0]


@pytest.mark.parametrize("alphas", [[0.8, 0.3], [0.0, 0.5], [0.5, 1.5], [0.5]])
def test_levels_that_do_not_rise_to_the_image_are_refused(alphas):
    with pytest.raises(UsageError, match="rise from noise to the image"):
        diffusion_steps(alphas, range(len(alphas)), None)


@pytest.mark.parametrize("times", [[0.0], [0.0, 0.0, 1.0], [0.0, math.nan]])
def test_times_that_lead_nowhere_are_refused(times):
    with pytest.raises(UsageError, match="give at least two"):
        flow_steps(times)
