"""Log-likelihoods of a linear model, which are known, and of its classes."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from didlearn.checks.log_likelihood import estimate
from didlearn.checks.log_likelihood.estimate import log_likelihood, sandwich
from didlearn.evidence.bdmc import bdmc
from didlearn.evidence.log_evidence import log_evidence
from didlearn.models import open_model
from tests.checks.inversions import effort_of, line_model, subject_of

EFFORT = effort_of()
SIGMA = 0.1


def seen(model, count, seed=0):
    """Images of the model with its noise."""
    g = torch.Generator().manual_seed(seed)
    clean = model.decode(torch.randn(count, 2, generator=g))
    return (clean + SIGMA * torch.randn(clean.shape, generator=g)).numpy()


class Two(torch.nn.Module):
    """Class 0 makes dark images, class 1 light ones, both along one direction."""

    latent_shape, value_range, classes = (1,), None, 2

    def forward(self, z, labels):
        return (0.3 + 0.2 * labels[:, None] + 0.1 * z).repeat(1, 16).view(-1, 1, 4, 4)


def test_it_is_that_of_the_closed_form():
    model = line_model()
    images, subject = seen(model, 5), subject_of(model)
    found = log_likelihood(subject, "some", images, SIGMA, EFFORT)
    run = log_evidence(model, images, SIGMA, 0, 4, budget=160)
    # A lower bound lies by half of the weights' variance, over the chains, below: here less than its error.
    error = 4 * run.standard_error + run.log_weight_variance / 8
    assert (np.abs(found - model.log_evidence(torch.from_numpy(images), SIGMA).numpy()) <= error).all()


def test_classes_are_averaged():
    model, images = open_model(Two()), np.full((2, 1, 4, 4), 0.4, np.float32)
    images[1] = 0.5
    found = log_likelihood(subject_of(model), "some", images, SIGMA, EFFORT)
    each = [log_evidence(model, images, SIGMA, 0, 4, budget=160, labels=np.full(2, label)).lower for label in range(2)]
    assert found == pytest.approx(np.log((np.exp(each[0]) + np.exp(each[1])) / 2))
    # Half way between the classes both are as likely: the average is what each says.
    assert each[0][0] == pytest.approx(each[1][0], abs=0.5)
    assert found[1] == pytest.approx(each[1][1] - math.log(2) + math.log1p(math.exp(each[0][1] - each[1][1])))


def test_the_annealing_is_told_all_that_was_asked(monkeypatch):
    asked, told = [], []

    def record(*args, advance, **options):
        advance(2)
        asked.append((args, options))
        return type("Found", (), {"lower": np.zeros(3)})

    monkeypatch.setattr(estimate, "log_evidence", record)
    model, images = line_model(), np.zeros((3, 1, 4, 4), np.float32)
    subject = subject_of(model, seed=5, threads=2, progress=lambda *of: told.append(of))
    effort = effort_of(images=6, chains=7, budget=333, observation="laplace")
    log_likelihood(subject, "sevens", images, 0.2, effort)
    log_likelihood(subject, "sevens", images, 0.2, effort, 150)
    (args, options), (_, shorter) = asked
    assert args[0] is model
    assert args[1] is images
    assert args[2:] == (0.2, 5, 7)
    assert options == {
        "observation": "laplace",
        "budget": 333,
        "labels": None,
        "device": "cpu",
        "threads": 2,
        "records": None,
    }
    assert shorter == options | {"budget": 150}
    assert told == [("likelihood of sevens", 2, 3)] * 2


def test_the_same_question_is_answered_once(monkeypatch):
    asked = []

    def answer(*of, **_):
        asked.append(of)
        return SimpleNamespace(lower=np.zeros(3))

    monkeypatch.setattr(estimate, "log_evidence", answer)
    subject, images = subject_of(line_model()), np.zeros((3, 1, 4, 4), np.float32)
    for _ in range(2):
        log_likelihood(subject, "a", images, 0.1, EFFORT)
        log_likelihood(subject, "a", images, 0.1, EFFORT, 160)
        log_likelihood(subject, "a", images, 0.1, EFFORT, 120)
        log_likelihood(subject, "a", images, 0.2, EFFORT)
        log_likelihood(subject, "a", images + 1, 0.1, EFFORT)
        log_likelihood(subject, "a", images, 0.1, effort_of(chains=9))
    assert len(asked) == 5


def test_the_sandwich_is_that_of_half_as_many_simulated_images():
    model, told = line_model(), []
    subject = subject_of(model, seed=2, progress=lambda *of: told.append(of))
    found = sandwich(subject, SIGMA, EFFORT)
    expected = bdmc(model, SIGMA, 3, 2, 4, budget=160)
    assert np.array_equal(found.lower, expected.lower)
    assert np.array_equal(found.upper, expected.upper)
    assert told[-1] == ("bounds on simulated images", 3, 3)
    assert sandwich(subject, SIGMA, EFFORT) is found
    assert len(sandwich(subject, SIGMA, effort_of(images=1, chains=2, budget=120)).lower) == 2


def test_the_sandwich_is_told_the_observation(monkeypatch):
    asked = []
    monkeypatch.setattr(estimate, "bdmc", lambda *of, **options: asked.append(options))
    sandwich(subject_of(line_model(), threads=3), SIGMA, effort_of(observation="laplace", budget=222))
    asked[0].pop("advance")
    assert asked == [{"observation": "laplace", "budget": 222, "device": "cpu", "threads": 3, "records": None}]
