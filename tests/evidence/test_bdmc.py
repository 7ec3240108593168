"""Bounds from both sides: they enclose the truth, and what makes them valid."""

import math

import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.errors import UsageError
from didlearn.evidence.bdmc import bdmc, upper_bound
from tests.evidence.closed_forms import ppca
from tests.evidence.test_ais import Net, bernoulli, quadrature


def exact_of(model, found, sigma):
    return model.log_evidence(torch.from_numpy(found.images), sigma).numpy()


def test_the_bounds_enclose_ppca():
    model = ppca(10, (1, 8, 8))
    found = bdmc(model, 0.1, images=24, budget=150)
    exact = exact_of(model, found, 0.1)
    assert found.lower.mean() < exact.mean() + 4 * np.std(found.lower - exact) / math.sqrt(24)
    assert found.upper.mean() > exact.mean() - 4 * np.std(found.upper - exact) / math.sqrt(24)
    assert 0.5 < np.std(found.lower - exact) / math.sqrt((found.standard_error**2).mean()) < 2
    assert abs(found.gap) < 0.1
    assert found.forward.shape == found.reverse.shape == (24, 16)


def test_loose_bounds_lie_on_their_own_sides():
    """From the prior, with few temperatures, both sides are off by nats, and in the right directions."""
    model = ppca(6, (1, 8, 8))
    found = bdmc(model, 0.1, images=24, budget=150, start="prior", mass="identity", chains=4)
    exact = exact_of(model, found, 0.1)
    assert found.lower.mean() < exact.mean() - 0.5
    assert found.upper.mean() > exact.mean() + 0.1
    assert found.gap > 1


def test_the_mean_inverse_weight_in_reverse_is_the_inverse_evidence():
    """E over x ~ p of p(x)/w′ is 1, as E of w/p(x) is forward."""
    model = ppca(2, (1, 3, 3))
    found = bdmc(model, 0.5, images=96, budget=130, start="prior", chains=8)
    exact = exact_of(model, found, 0.5)[:, None]
    for ratio in (np.exp(found.forward - exact), np.exp(exact - found.reverse)):
        means = ratio.mean(axis=1)
        assert abs(means.mean() - 1) < 4 * means.std() / math.sqrt(len(means))


def test_the_upper_bound_by_hand():
    forward = torch.log(torch.tensor([[1.0, 3.0]], dtype=torch.float64))
    reverse = torch.log(torch.tensor([[2.0, 5.0]], dtype=torch.float64))
    pairs = [(3, 2), (1, 2), (3, 5), (1, 5)]  # (forward kept, reverse)
    wanted = sum(math.log((a + b) / 2) for a, b in pairs) / 4
    assert abs(float(upper_bound(forward, reverse)) - wanted) < 1e-12


def test_curved_bernoulli_decoder_is_enclosed():
    model = dl.open_model(Net())
    found = bdmc(model, images=16, observation="bernoulli")
    assert set(np.unique(found.images)) == {0.0, 1.0}
    exact = quadrature(Net(), torch.from_numpy(found.images), bernoulli).numpy()
    error = (found.upper - found.lower).std() / math.sqrt(16) + 0.02
    assert abs(found.lower.mean() - exact.mean()) < 4 * error
    assert abs(found.upper.mean() - exact.mean()) < 4 * error
    assert found.gap < 0.25
    assert found.evaluations <= 500


def test_threads_change_nothing():
    model = ppca(3, (1, 4, 4), dtype=torch.float32)
    one, two = (bdmc(model, 0.3, images=20, threads=threads, budget=140) for threads in (1, 2))
    np.testing.assert_array_equal(one.upper, two.upper)
    np.testing.assert_array_equal(one.lower, two.lower)


def test_the_search_never_sees_the_latent(monkeypatch):
    """Whoever hands z* to the search loses the upper bound: another z* for the same x must change nothing forward."""
    from didlearn.evidence import bdmc as module

    model = ppca(3, (1, 4, 4))
    right = bdmc(model, 0.3, images=4, budget=140)
    simulate = module.simulate

    def elsewhere(*given):
        decoder, v, x = simulate(*given)
        return decoder, v + 3, x

    monkeypatch.setattr(module, "simulate", elsewhere)
    wrong = bdmc(model, 0.3, images=4, budget=140)
    np.testing.assert_array_equal(right.forward, wrong.forward)
    assert (right.reverse != wrong.reverse).all()


def test_few_images_are_refused():
    with pytest.raises(UsageError, match="at least 2"):
        bdmc(ppca(2, (1, 2, 2)), images=1)


def test_conditional_models_draw_their_labels():
    class Conditional(Net):
        classes = 3

        def forward(self, z, labels=None):
            return (z @ self.W / 4 + labels[:, None]).sigmoid()

    found = bdmc(dl.open_model(Conditional()), 0.1, images=8)
    assert found.gap < 0.2
