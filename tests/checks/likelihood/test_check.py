"""Likelihood and typicality on a model whose density is known."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import t as student

from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.likelihood.check import LikelihoodCheck
from didlearn.checks.log_likelihood.effort import FEW
from didlearn.checks.log_likelihood.images import own_images, real_groups
from didlearn.checks.typicality.check import TypicalityCheck
from didlearn.images import open_images
from didlearn.models.oracles import PPCA, DiscreteGenerator

SHAPE = (1, 8, 8)
SIGMA = 0.1
FAST: dict[str, Any] = {"images": 12, "chains": 4, "budget": 120}


def model_of(d=4, seed=0, scale=0.6):
    g = torch.Generator().manual_seed(seed)
    W = torch.linalg.qr(torch.randn(64, d, generator=g, dtype=torch.float64))[0] * scale
    return PPCA(W, torch.full((64,), 0.5, dtype=torch.float64), SHAPE)


def drawn(model, count, seed, sigma=SIGMA):
    """Images of the model with its noise, as floats; nearly all within [0, 1]."""
    rng = torch.Generator().manual_seed(seed)
    x = model.decode(torch.randn(count, model.W.shape[1], generator=rng))
    return (x + sigma * torch.randn(x.shape, generator=rng)).numpy()


def images(x):
    return open_images(np.clip(x, 0, 1).astype(np.float32))


@pytest.fixture(scope="module")
def subject():
    model = model_of()
    flat = np.full((40, *SHAPE), 0.5) + np.linspace(-0.02, 0.02, 40)[:, None, None, None]
    outside = {"noise": images(np.random.default_rng(0).random((40, *SHAPE))), "flat": images(flat)}
    return Subject(model, images(drawn(model, 120, 1)), images(drawn(model, 60, 2)), outside=outside)


@pytest.fixture(scope="module")
def found(subject):
    return run_check(LikelihoodCheck(**FAST | {"budget": 160}), subject)  # three quarters of which still do


def covers(estimate, truth, level=0.9999):
    """Whether Student's interval, widened from the estimate's level to one that chance hardly ever leaves, covers."""
    wider = np.divide(*(student.ppf((1 + share) / 2, estimate.n - 1) for share in (level, estimate.level)))
    return abs(estimate.value - truth) < wider * (estimate.high - estimate.low) / 2


@pytest.fixture(scope="module")
def ratios(subject, found):
    """The mean over chains of w/p(x), whose expectation is exactly 1, of every image with a known density: (36,)."""
    sigma, count = found.estimates["sigma"].value, FAST["images"]
    groups = real_groups(subject, count, "gaussian") | {"generated": own_images(subject, count, "gaussian", sigma)}
    return np.concatenate([
        np.exp(found.arrays[f"{name}_log_likelihood"] - subject.model.log_evidence(torch.from_numpy(x), sigma).numpy())
        for name, x in groups.items() if name in ("train", "held-out", "generated")
    ])  # fmt: skip


def test_likelihoods_are_those_of_the_closed_form(ratios):
    error = ratios.std(ddof=1) / math.sqrt(len(ratios))
    assert abs(ratios.mean() - 1) < 4 * error
    # One chain in twenty starts in the prior and weighs nothing; twice the spread of that would still be seen here.
    assert ratios.std(ddof=1) < 2 * math.sqrt(0.05 * 0.95 / FAST["chains"])


def test_group_means_are_those_of_the_model(subject, found):
    sigma = found.estimates["sigma"].value
    for name, group in (("train", subject.train), ("heldout", subject.heldout)):
        truth = subject.model.log_evidence(group.read(range(len(group))), sigma)
        assert covers(found.estimates[f"log_likelihood_{name}"], float(truth.mean())), name


def test_the_bounds_are_as_far_apart_as_the_weights_spread(found, ratios):
    """To second order either bound is off by half the variance of the mean weight, on its own side."""
    assert covers(found.estimates["bound_gap"], ratios.var(ddof=1))


def test_sigma_is_found_again(found):
    # A variance from k normal numbers is off by √(2/k): here D − d = 60 of each of 8 images, and half for its root.
    error = 4 * math.sqrt(2 / (60 * FEW)) / 2
    assert found.estimates["sigma_reconstruction"].value == pytest.approx(SIGMA, rel=error)
    # A parabola in log σ through points a step apart misses the top of −log σ − S/2σ² by up to a third of the step².
    parabola = math.log(1.4) ** 2 / 3
    assert found.estimates["sigma"].value == pytest.approx(SIGMA, rel=error + parabola)
    assert found.estimates["sigma"].value == found.estimates["sigma_likeliest"].value


def test_smooth_outside_images_are_likelier_and_that_is_no_fault_of_a_perfect_generator(found):
    assert found.verdict == "pass", found.answer
    assert "It finds held-out images likelier than noise." in found.answer
    assert "its own images too are less likely than flat" in found.reason
    rows = next(t for t in found.tables if t.name == "preferences").rows
    likelier = {(row[0], row[1]): row[-1] for row in rows if row[1] in ("noise", "flat")}
    assert likelier == {
        ("held-out", "noise"): "held-out", ("generated", "noise"): "generated",
        ("held-out", "flat"): "flat", ("generated", "flat"): "flat",
    }  # fmt: skip


def test_outside_images_likelier_than_real_ones_and_not_than_its_own_fail(subject):
    """Real images of half as much noise again lie farther off than outside ones of a fifth more."""
    real, outside = (images(drawn(subject.model, 60, seed, sigma)) for seed, sigma in ((3, 0.15), (4, 0.12)))
    wrong = Subject(subject.model, real, real, outside={"other": outside})
    found = run_check(LikelihoodCheck(sigma=SIGMA, sigma_curves=False, **FAST), wrong)
    assert found.verdict == "fail", found.answer
    assert "It finds other likelier than the kind it was trained on" in found.answer


def test_bits_per_dimension_go_with_the_nats(found):
    nats, bits = (found.estimates[f"{kind}_heldout"].value for kind in ("log_likelihood", "bits_per_dim"))
    assert bits == pytest.approx(8 - nats / (64 * math.log(2)))


def test_ppca_lies_below_the_truth_by_what_its_parameters_cost(found):
    """Fitted with q parameters to n images, it loses q/2n nats an image on others, give or take the root of twice that.

    A mixture has more of them, and the same images to learn them from.
    """
    ppca, mixture, own = (
        found.estimates[f"{kind}_heldout"].value for kind in ("ppca", "mixture", "log_likelihood")
    )  # fmt: skip
    loss = (64 * 4 - 6 + 64 + 1) / (2 * 120)
    error = math.sqrt(2 * loss / FAST["images"])
    assert abs(own - ppca - loss) < 4 * error
    assert mixture < ppca + 4 * error


def test_noise_has_more_local_variance_and_is_less_likely(found):
    assert found.estimates["correlation_local_variance"].high < 0
    assert found.estimates["correlation_local_variance_ppca"].high < 0


def test_the_ranking_is_shown_at_several_efforts(found):
    table = next(t for t in found.tables if t.name == "ranking")
    assert [row[0] for row in table.rows] == [120, 160]


def test_without_outside_sets_it_is_measured(subject):
    alone = Subject(subject.model, subject.train, subject.heldout)
    found = run_check(LikelihoodCheck(sigma=SIGMA, sigma_curves=False, **FAST), alone)
    assert found.verdict == "measured"
    assert "neither surely likelier" in found.answer
    assert "sigma_likeliest" not in found.estimates


def test_images_of_the_model_are_typical_and_others_are_not(subject):
    check = TypicalityCheck(sigma=SIGMA, drawn=30, **FAST)
    found = run_check(check, subject)
    assert found.verdict in ("pass", "inconclusive")
    assert found.estimates["typicality_pvalue_train"].value > 0.01
    # Flat images are far likelier than samples: too likely to be typical.
    assert found.estimates["typicality_shift_flat"].low > 2
    assert found.estimates["typicality_shift_noise"].high < -2
    D, noise = 64, SIGMA
    truth = 0.5 * D * (1 + math.log(2 * math.pi)) + 0.5 * float(
        torch.linalg.slogdet(subject.model.W @ subject.model.W.T + noise**2 * torch.eye(D, dtype=torch.float64))[1]
    )
    assert covers(found.estimates["entropy"], truth)
    other = Subject(subject.model, subject.outside["noise"], subject.outside["flat"])
    assert run_check(check, other).verdict == "fail"


@pytest.mark.parametrize("check", [LikelihoodCheck(), TypicalityCheck()])
def test_what_is_missing_is_said(check, subject):
    bank = DiscreteGenerator(np.zeros((9, *SHAPE), np.uint8))
    assert "needs a model file, not samples" in run_check(check, Subject(bank, subject.train, subject.heldout)).reason
    assert "with heldout=..." in run_check(check, Subject(subject.model, subject.train)).reason
    assert "no generator" in run_check(check, Subject(None)).reason


@pytest.mark.slow
def test_the_published_protocol_is_looser_and_valid_and_what_it_would_say_is_said():
    """In 16 dimensions at σ = 0.01 the posterior is 15 times narrower than the prior where its chains start."""
    model = model_of(d=16, scale=0.15)
    subject = Subject(model, images(drawn(model, 30, 1, 0.01)), images(drawn(model, 30, 2, 0.01)))
    check = LikelihoodCheck(images=4, chains=2, budget=160, sigma=0.01, published=True, sigma_curves=False)
    found = run_check(check, subject)
    ours, theirs = (found.estimates[f"log_likelihood_train{end}"].value for end in ("", "_published"))
    assert theirs < ours
    assert found.estimates["bound_gap_published"].value > found.estimates["bound_gap"].value
    assert "The published protocol would have concluded" in found.answer
    table = next(table for table in found.tables if table.name == "published")
    assert table.rows[1][1] == pytest.approx(theirs)


def test_every_group_is_drawn_against_the_noise(found):
    figure = next(figure for figure in found.figures if figure.name == "sigma_groups")
    assert {series.label for series in figure.series} == {"train", "held-out", "generated", "noise", "flat"}
    own = next(series for series in figure.series if series.label == "held-out")
    sigma = found.estimates["sigma"].value
    assert own.x == pytest.approx([0.5 * sigma, 0.7 * sigma, sigma, 1.4 * sigma, 2 * sigma])
    # The mean log-likelihood of the model's own kind is largest at the σ that made it.
    assert own.y[2] > max(own.y[0], own.y[-1])
