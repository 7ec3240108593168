"""σ: from what a linear generator must leave of images, and from where their likelihood is largest."""

import math

import numpy as np
import pytest

from didlearn.checks.log_likelihood import sigma as module
from didlearn.checks.log_likelihood.effort import FEW
from didlearn.checks.log_likelihood.sigma import (
    Calibration,
    choose_sigma,
    peak,
    reconstruction_sigma,
    try_around,
)
from tests.checks.inversions import effort_of, ended, line_model, residuals, subject_of, uniform_images


@pytest.mark.parametrize("d", [2, 8, 15])
def test_the_dimensions_that_the_search_fits_away_are_given_back(d):
    """σ² = mean ‖x − G(ẑ)‖² / (D − d): with d = 8 of 16 pixels, twice the error per pixel."""
    model, images = line_model(d), uniform_images(5, 0)
    expected = math.sqrt(residuals(model, images).mean() * 16 / (16 - d))
    assert reconstruction_sigma(subject_of(model), images) == pytest.approx(expected, rel=1e-4)


def test_the_search_for_it_is_quick_and_takes_images_of_any_value(monkeypatch):
    asked = {}

    def record(model, images, **options):
        asked.update(options)
        return ended(np.full(len(images), 0.01))

    monkeypatch.setattr(module, "invert", record)
    assert reconstruction_sigma(subject_of(line_model(), seed=3, threads=2), uniform_images(2, 0)) == pytest.approx(
        math.sqrt(0.01 * 16 / 14)
    )
    assert asked == {
        "seed": 3,
        "labels": None,
        "rounds": 1,
        "within": False,
        "device": "cpu",
        "threads": 2,
        "records": None,
    }


def test_a_latent_as_wide_as_the_image_and_an_exact_fit_leave_some_noise():
    assert reconstruction_sigma(subject_of(line_model(16)), uniform_images(3, 0)) == 1e-3


def climbed(top, start, tried):
    """log-likelihoods that fall with the square of log σ − log top."""

    def mean_at(sigma):
        tried.append(sigma)
        return -((math.log(sigma) - math.log(top)) ** 2)

    return try_around(start, mean_at)


@pytest.mark.parametrize("top", [0.13, 0.03, 0.5])
def test_a_peak_about_the_start_or_beyond_an_end_is_found(top):
    asked: list = []
    tried, means = climbed(top, 0.1, asked)
    assert tried == sorted(asked)
    assert np.allclose(np.diff(np.log(tried)), math.log(1.4), rtol=0.1)
    assert set(np.round(tried, 6)) >= {0.05, 0.07, 0.1, 0.14, 0.2}
    assert math.exp(peak(np.log(tried), np.array(means))) == pytest.approx(top)
    # One value beyond the largest and no more.
    assert sorted(range(len(means)), key=means.__getitem__)[-1] in (1, len(means) - 2) or top == 0.13


def test_steps_beyond_an_end_are_of_one_size():
    low, _ = climbed(0.02, 0.1, [])
    high, _ = climbed(0.9, 0.1, [])
    assert low[0] == pytest.approx(low[1] / 1.4)
    assert high[-1] == pytest.approx(high[-2] * 1.4)


def test_the_search_ends_where_there_is_no_peak():
    rising, _ = try_around(0.1, lambda sigma: sigma)
    assert len(rising) == 10
    assert rising[-1] == pytest.approx(0.2 * 1.4**5)
    falling, _ = try_around(0.1, lambda sigma: -sigma)
    assert falling[0] <= 1e-3 < falling[1]
    assert try_around(2e-3, lambda sigma: -sigma)[0][0] == 1e-3


@pytest.mark.parametrize(
    ("x", "y", "top"),
    [
        ([0, 1, 2, 3], [-1.69, -0.09, -0.49, -2.89], 1.3),
        ([0, 1, 2, 3], [0, 1, 2, 3], 3),
        ([0, 1, 2, 3], [3, 2, 1, 0], 0),
        ([0, 1, 2], [1, 1, 1], 0),
        ([0, 1, 4, 5], [0, 1, 1, 0], 2.5),
    ],
)
def test_the_peak_is_the_top_of_the_parabola_through_the_highest_point(x, y, top):
    assert peak(np.array(x, float), np.array(y, float)) == pytest.approx(top)


def test_given_noise_is_taken_and_bernoulli_has_none():
    subject = subject_of(line_model())
    assert choose_sigma(subject, None, effort_of(sigma=0.25)) == Calibration(0.25)
    assert choose_sigma(subject, None, effort_of(observation="bernoulli")).sigma == 1.0
    assert choose_sigma(subject, None, effort_of(observation="bernoulli")).tried == ()


def test_it_is_chosen_once_where_a_few_held_out_images_are_likeliest(monkeypatch):
    """The mean log-likelihood stands in for the closed form, with its top at the σ that made the images."""
    model, asked = line_model(), []
    truth = 0.1

    def closed_form(subject, name, images, sigma, effort, budget, classes):
        asked.append((name, len(images), budget))
        return np.full(len(images), -((math.log(sigma) - math.log(truth)) ** 2)) + [1, -1] * 4

    monkeypatch.setattr(module, "log_likelihood", closed_form)
    subject, images = subject_of(model), uniform_images(20, 0)
    effort = effort_of(budget=400)
    found = choose_sigma(subject, images, effort)
    assert found.sigma == found.likeliest == pytest.approx(truth)
    assert found.reconstruction == pytest.approx(math.sqrt(residuals(model, images[:FEW]).mean() * 16 / 14), rel=1e-4)
    assert found.mean == pytest.approx([-((math.log(sigma) - math.log(truth)) ** 2) for sigma in found.tried])
    assert {(count, budget) for _, count, budget in asked} == {(8, 200)}
    assert f"σ = {found.tried[0]:.3g}" in {name for name, *_ in asked}
    assert choose_sigma(subject, images, effort) is found
    assert choose_sigma(subject, images, effort_of(budget=160)) is not found
    assert asked[-1][2] == 120
