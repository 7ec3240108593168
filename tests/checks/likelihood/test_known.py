"""Likelihood and typicality of models that know their density."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch import nn

from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.likelihood.check import LikelihoodCheck
from didlearn.checks.log_likelihood.cost import annealing_work, decoding_operations
from didlearn.checks.log_likelihood.effort import ChainEffort
from didlearn.checks.log_likelihood.known import known_log_density, own_stored, stored_groups
from didlearn.checks.typicality.check import TypicalityCheck
from didlearn.images import open_images
from didlearn.models import open_model
from didlearn.models.known.linear import LinearFlow
from didlearn.rng import Stream
from tests.models.diffusion.gaussians import pictures

SHAPE = (1, 4, 4)
D = 16


def flow(seed=0, spread=0.05):
    g = torch.Generator().manual_seed(seed)
    W = spread * (torch.eye(D) + 0.4 * torch.randn(D, D, generator=g)).double()
    return LinearFlow(W, torch.full((D,), 0.5, dtype=torch.float64), SHAPE, "flow")


def images(model, count, seed):
    drawn = model.decode(model.sample_prior(count, Stream(seed)).double())
    return open_images(np.clip(drawn.float().numpy(), 0, 1))


def subject(model, data, outside=None):
    others = {} if outside is None else {"other": images(outside, 60, 9)}
    return Subject(model, images(data, 100, 1), images(data, 100, 2), outside=others)


LIKELIHOOD = LikelihoodCheck(images=12, chains=4, budget=120, sigma=0.05)


@pytest.fixture(scope="module")
def result():
    return run_check(LIKELIHOOD, subject(flow(), flow(), flow(spread=0.1)))


def test_the_density_is_that_of_the_closed_form(result):
    assert result.verdict == "pass", result.answer
    stored = stored_groups(subject(flow(), flow()), LIKELIHOOD.images)
    exact = flow().log_density(torch.from_numpy(stored["held-out"]))
    assert result.estimates["density_heldout"].value == pytest.approx(exact.mean().item(), abs=1e-5)
    bits = 8 - exact.mean().item() / (D * math.log(2))
    assert result.estimates["density_bits_heldout"].value == pytest.approx(bits, abs=1e-5)
    assert "pixels in [0, 1]" in result.estimates["density_heldout"].method


def test_annealing_beside_it_agrees_with_the_noisy_density(result):
    from didlearn.checks.log_likelihood.images import real_groups

    held = real_groups(subject(flow(), flow()), LIKELIHOOD.images, "gaussian")["held-out"]
    noisy = flow().log_evidence(torch.from_numpy(held), 0.05)
    found = result.estimates["log_likelihood_heldout"]
    assert found.value == pytest.approx(noisy.mean().item(), abs=0.3)
    assert result.estimates["bound_gap"].value < 0.5


def test_preferences_are_those_of_the_density(result):
    held, other = (result.arrays[f"{name}_log_density"] for name in ("held-out", "other"))
    assert result.estimates["preference_heldout_other"].value == pytest.approx(held.mean() - other.mean())
    assert len({table.name for table in result.tables}) == len(result.tables)
    assert len({figure.name for figure in result.figures}) == len(result.figures)


def test_an_outside_set_that_is_likelier_fails():
    found = run_check(LikelihoodCheck(images=40, affordable=0), subject(flow(), flow(spread=0.09), flow(spread=0.07)))
    assert found.verdict == "fail"
    assert "other is likelier" in found.reason
    assert "log_likelihood_train" not in found.estimates


@pytest.mark.parametrize("seeds", [3, pytest.param(200, marks=pytest.mark.slow)])
def test_a_perfect_generator_never_fails_whatever_is_outside(seeds):
    """Simpler images are likelier than real ones under the right density itself; they fail nobody."""
    counted: Counter[tuple[float, str]] = Counter()
    for seed in range(seeds):
        law, asked = flow(seed), LikelihoodCheck(images=16, affordable=0, sigma_curves=False)
        for spread in (0.02, 0.05, 0.07):
            others = {"other": images(flow(seed, spread), 40, 3 * seed)}
            train, heldout = (images(law, 40, 3 * seed + part) for part in (1, 2))
            counted[spread, run_check(asked, Subject(law, train, heldout, outside=others, seed=seed)).verdict] += 1
    assert not [key for key in counted if key[1] == "fail"]
    assert counted[0.02, "measured"] > 0.8 * seeds  # likelier than its own: says nothing
    assert counted[0.05, "inconclusive"] > 0.8 * seeds  # of the law itself
    assert counted[0.07, "pass"] > 0.8 * seeds


def test_what_is_left_out_says_what_it_would_take():
    found = run_check(LikelihoodCheck(affordable=1e-6), subject(flow(), flow()))
    assert found.verdict == "measured"
    assert any("operations" in note for note in found.notes)
    assert "bound_gap" not in found.estimates


def test_arithmetic_is_counted():
    network = nn.Sequential(nn.Linear(8, 20), nn.Tanh(), nn.Linear(20, 16), nn.Unflatten(1, (1, 4, 4)))
    model = open_model(network, latent_shape=8, value_range=None)
    assert decoding_operations(model, "cpu") == 2 * (8 * 20 + 20 * 16)
    effort = ChainEffort(images=16, chains=8, budget=480, observation="gaussian", sigma=0.1)
    gradients = 8 * 480 * (16 * 4 * 1.75 + 16)
    assert annealing_work(model, effort, 4, 1, "cpu") == pytest.approx(3 * 960 * gradients / 1e12)
    assert annealing_work(model, effort, 4, 10, "cpu") == pytest.approx(30 * 960 * gradients / 1e12)


class Grey(nn.Module):
    """Uniform on [0, 1]: 8 bits a pixel, whatever the image."""

    latent_shape, value_range, prior = SHAPE, (0, 1), "normal"

    def forward(self, z):
        return torch.special.ndtr(z)

    def encode(self, x):
        return torch.special.ndtri(x)

    def log_density(self, x):
        return torch.zeros(len(x))


def test_uniform_pixels_take_eight_bits():
    rng = np.random.default_rng(0)
    data = [open_images(rng.integers(0, 256, (40, *SHAPE), dtype=np.uint8)) for _ in range(2)]
    grey = Subject(open_model(Grey()), *data)
    # Without a product its decoder takes no operations, which nothing at all would pay for.
    found = run_check(LikelihoodCheck(affordable=-1), grey)
    assert found.estimates["density_bits_heldout"].value == pytest.approx(8)
    assert found.estimates["density_generated"].value == pytest.approx(0)
    assert own_stored(grey, 4, stored_groups(grey, 2)["train"]).dtype == np.uint8


class Peaked(Grey):
    """A density that varies within a grey level: 2u on the lattice's cells."""

    def log_density(self, x):
        return (2 * ((x * 256) % 1)).clamp_min(1e-6).log().flatten(1).sum(dim=1)


def test_more_dequantisations_come_nearer_to_the_bytes():
    data = open_images(np.random.default_rng(0).integers(0, 256, (40, *SHAPE), dtype=np.uint8))
    peaked = Subject(open_model(Peaked()), data, data)
    raw = stored_groups(peaked, 40)["train"]
    several = known_log_density(peaked, "train", raw)
    # The mass of every cell is 1; one draw says log 2u on average, log 2 − 1 a pixel.
    assert -D * (1 - math.log(2)) + 1 < several.mean() < 0.3


def test_typicality_by_the_density_passes_a_perfect_generator_and_fails_another():
    check = TypicalityCheck(drawn=100, images=60)
    good = run_check(check, subject(flow(), flow()))
    assert good.verdict == "pass", good.answer
    assert "bound_gap" not in good.estimates
    assert any("own density" in note for note in good.notes)
    assert run_check(check, subject(flow(), flow(spread=0.02))).verdict == "fail"


@pytest.mark.parametrize("seeds", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_typicality_by_the_density_fails_the_right_generators(seeds):
    """Real images of two fifths and of twice the spread are too likely and too unlikely; the law's own are neither."""
    counted: Counter[tuple[float, str]] = Counter()
    for seed in range(seeds):
        for spread in (0.02, 0.05, 0.1):
            law, real = flow(seed), flow(seed, spread)
            data = Subject(law, images(real, 60, 2 * seed), images(real, 60, 2 * seed + 1), seed=seed)
            counted[spread, run_check(TypicalityCheck(drawn=100, images=40), data).verdict] += 1
    assert counted[0.05, "fail"] <= binom.ppf(0.999, seeds, 0.05)
    assert counted[0.05, "pass"] >= 0.8 * seeds
    assert min(counted[0.02, "fail"], counted[0.1, "fail"]) >= 0.95 * seeds


def test_the_pvalue_of_typicality_is_uniform_for_a_perfect_generator():
    check, data = TypicalityCheck(drawn=40, images=20), flow()
    pvalues = []
    for seed in range(40):
        real = Subject(data, images(data, 20, 100 + seed), images(data, 20, 200 + seed), seed=seed)
        pvalues.append(run_check(check, real).estimates["typicality_pvalue_train"].value)
    # Holm's correction over two groups makes them no smaller than uniform ones.
    assert np.mean(np.array(pvalues) < 0.2) < 0.4
    assert np.median(pvalues) > 0.3


def test_a_diffusion_models_density_is_named_an_estimate():
    model = open_model(pictures(5))
    data = images(model, 40, 1)
    found = run_check(LikelihoodCheck(images=8, affordable=0), Subject(model, data, data))
    assert "random probes" in found.estimates["density_train"].method
    assert found.verdict == "measured"
