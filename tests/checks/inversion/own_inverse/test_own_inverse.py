"""Inversion of generators that make every image."""

from collections import Counter

import numpy as np
import pytest
import torch
from scipy.stats import binom, kstest
from torch import nn

from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.inversion.check import InversionCheck
from didlearn.checks.inversion.own_inverse.verdict import ZERO_DISTANCE
from didlearn.checks.latents.encoding import encoded
from didlearn.checks.latents.typical import PriorLaw
from didlearn.checks.manifold_classifier.check import ManifoldClassifier
from didlearn.checks.targets import planted
from didlearn.images import open_images
from didlearn.models import open_model
from didlearn.models.known.linear import LinearFlow
from didlearn.rng import Stream
from tests.models.diffusion.gaussians import pictures

SHAPE, D = (1, 8, 8), 64
CHECK = InversionCheck(images=24)


def smooth(spread=0.1, reach=2.0):
    """A linear flow of 8×8 pictures whose neighbours are alike."""
    at = torch.cartesian_prod(torch.arange(8.0), torch.arange(8.0))
    near = torch.exp(-torch.cdist(at, at) / reach).double()
    W = spread * torch.linalg.cholesky(near + 1e-3 * torch.eye(D))
    return LinearFlow(W, torch.full((D,), 0.5, dtype=torch.float64), SHAPE, "flow")


def drawn(model, count, seed, *, stored=True):
    images = np.clip(model.decode(model.sample_prior(count, Stream(seed)).double()).float().numpy(), 0, 1)
    return open_images(np.rint(255 * images).astype(np.uint8) if stored else images)


def subject(model, train, heldout=None, seed=0, **others):
    outside = {name: drawn(other, 40, 7) for name, other in others.items()}
    return Subject(model, drawn(train, 60, 1), drawn(heldout or train, 60, 2), outside=outside, seed=seed)


@pytest.fixture(scope="module")
def perfect():
    return run_check(CHECK, subject(smooth(), smooth(), rough=smooth(reach=0.5)))


def test_a_perfect_generator_passes(perfect):
    assert perfect.verdict == "pass", perfect.answer
    assert ZERO_DISTANCE in perfect.answer
    assert perfect.estimates["recovered"].value == 1
    assert perfect.estimates["round_trip_train"].value < 1e-8
    assert perfect.estimates["latent_size_planted"].value == pytest.approx(1, abs=0.1)
    assert "error_train" not in perfect.estimates
    assert "made" not in perfect.estimates


def test_outside_images_and_noise_are_told_from_the_prior(perfect):
    for name in ("rough", "noise", "shifted"):
        assert perfect.estimates[f"latent_pvalue_{name}"].value < 0.02
    assert perfect.estimates["atypical_latents_rough"].value > 0.7
    assert perfect.estimates["latent_pvalue_planted"].value > 0.02


def test_pvalues_of_generated_images_are_uniform():
    model, found = smooth(), []
    law = PriorLaw.learn(model, Stream(0))
    for seed in range(20):
        images = planted(model, 8, Stream(seed, ("planted",)), "cpu")
        latents = encoded(Subject(model), "planted", images).latents
        found.append(law.pvalue(latents, Stream(seed, ("null",)))[0])
    assert kstest(found, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("stored", [True, False])
def test_images_that_it_does_not_make_fail(stored):
    rough = smooth(reach=0.5)
    data = [drawn(rough, 60, seed, stored=stored) for seed in (1, 2)]
    result = run_check(CHECK, Subject(smooth(), *data))
    assert result.verdict == "fail"
    assert "not typical of it" in result.reason
    (effect,) = result.effects
    assert effect.estimate == "atypical_latents_train"


@pytest.mark.parametrize("seeds", [3, pytest.param(200, marks=pytest.mark.slow)])
def test_perfect_generators_pass_and_others_fail(seeds):
    """The truth table: one linear flow against its own images, and against some whose neighbours are less alike."""
    counted: Counter[tuple[float, str]] = Counter()
    for seed in range(seeds):
        for reach in (2.0, 0.5):
            train, heldout = (drawn(smooth(reach=reach), 60, 3 * seed + part) for part in (1, 2))
            asked = Subject(smooth(), train, heldout, seed=seed)
            counted[reach, run_check(InversionCheck(images=40), asked).verdict] += 1
    assert counted[2.0, "fail"] <= binom.ppf(0.999, seeds, 0.05)
    assert counted[2.0, "pass"] >= 0.8 * seeds
    assert counted[0.5, "fail"] >= 0.95 * seeds


def test_training_images_alone_that_are_typical_were_learned_by_heart():
    fitted = subject(smooth(), smooth(), smooth(reach=1.0))
    result = run_check(InversionCheck(images=40), fitted)
    assert result.verdict == "fail"
    assert "it fits the images it was shown" in result.reason
    split = Subject(fitted.model, fitted.train, fitted.heldout, split_off=True)
    assert run_check(InversionCheck(images=40), split).verdict == "pass"


def test_where_shuffled_pixels_are_its_own_nothing_is_decided():
    white = LinearFlow(0.1 * torch.eye(D).double(), torch.full((D,), 0.5).double(), SHAPE, "white")
    result = run_check(CHECK, subject(white, white))
    assert result.verdict == "inconclusive"
    assert "shuffled pixels" in result.reason


class Flow(nn.Module):
    """A flow of grey pictures whose inverse may be left out, or be wrong."""

    latent_shape = image_shape = SHAPE
    value_range, prior = (0, 1), "normal"

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.05))

    def forward(self, z):
        return 0.5 + self.scale * z

    def log_density(self, x):
        return torch.distributions.Normal(0.5, self.scale).log_prob(x).flatten(1).sum(dim=1)


class Inexact(Flow):
    def encode(self, x):
        return (x - 0.5) / self.scale * 1.1


def test_a_density_without_an_inverse_is_asked_for_one():
    result = run_check(CHECK, subject(open_model(Flow()), smooth()))
    assert result.verdict == "inconclusive"
    assert ZERO_DISTANCE in result.answer
    assert "encode(x)" in result.reason


def test_an_inverse_that_misses_decides_nothing():
    result = run_check(CHECK, subject(open_model(Inexact()), smooth()))
    assert result.verdict == "inconclusive"
    assert "its inverse finds the latents of only 0" in result.reason


def test_a_diffusion_model_is_inverted_by_its_own_steps():
    model = open_model(pictures(8))
    result = run_check(InversionCheck(images=12), Subject(model, drawn(model, 30, 1), drawn(model, 30, 2)))
    assert result.estimates["recovered"].value == 1
    assert result.estimates["round_trip_train"].value < 1e-8
    assert result.estimates["latent_pvalue_planted"].value > 0.005


def test_the_manifold_classifier_tells_by_latents_where_distances_are_zero():
    result = run_check(ManifoldClassifier(images=24), subject(smooth(), smooth(), rough=smooth(reach=0.5)))
    assert result.estimates["auroc_rough"].value > 0.9
    assert any("in place of the distance" in note for note in result.notes)
    other = run_check(ManifoldClassifier(images=24), subject(open_model(Flow()), smooth(), rough=smooth(reach=0.5)))
    assert other.verdict == "inconclusive"
