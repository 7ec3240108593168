"""Seven faults that implementations of annealed importance sampling have had, planted one by one.

The statistic is E[weight]/p(x), which must be 1, on many single chains for one image with a known answer.
"""

import math

import pytest
import torch

from didlearn.evidence import ais, hmc
from didlearn.rng import Stream
from tests.evidence.closed_forms import gaussian_plan, plan, ppca, prior_path, simulate, weight_ratio

SIGMA, CHAINS, D = 0.5, 4000, 3


def ratio(step=0.22, temperatures=12, seed=0):
    """(E[w]/p − 1)/standard error, one image copied as often as there are chains."""
    model = ppca(D, (1, 1, 6), seed=3)
    x = simulate(model, 1, SIGMA)
    exact = model.log_evidence(x, SIGMA)
    path = prior_path(model, x.expand(CHAINS, -1, -1, -1), SIGMA)
    mean, error = weight_ratio(path, plan(path, temperatures, step), exact.expand(CHAINS), 1, seed)
    return (mean - 1) / error


def test_without_a_fault_the_mean_weight_is_the_evidence():
    assert all(abs(ratio(seed=seed)) < 4 for seed in range(3))
    assert abs(ratio(step=0.6)) < 4


def caught(step=0.22):
    return abs(ratio(step)) > 6


def test_wrong_increment_is_caught(monkeypatch):
    monkeypatch.setattr(ais, "increment", lambda state, step: step[:, None] * state.log_target)
    assert caught()


def test_always_accept_is_caught(monkeypatch):
    monkeypatch.setattr(hmc, "acceptance", lambda before, after: torch.ones_like(before))
    assert caught(step=0.6)


def test_wrong_path_is_caught(monkeypatch):
    right = hmc.tempered_log_density
    monkeypatch.setattr(hmc, "tempered_log_density", lambda state, beta: right(state, beta**2))
    assert caught()


def test_full_first_kick_is_caught(monkeypatch):
    right = hmc.leapfrog

    def wrong(evaluate, state, momentum, kernel, step_size):
        stride = step_size[..., None] * kernel.scale[:, None, :]
        return right(
            evaluate, state, momentum + stride / 2 * hmc.tempered_gradient(state, kernel.beta), kernel, step_size
        )

    monkeypatch.setattr(hmc, "leapfrog", wrong)
    assert caught(step=0.6)


def test_energy_sign_is_caught(monkeypatch):
    right = hmc.acceptance
    monkeypatch.setattr(hmc, "acceptance", lambda before, after: right(-before, -after))
    assert caught(step=0.6)


def test_weights_after_the_move_is_caught(monkeypatch):
    def late(path, state, steps, generator):
        total = torch.zeros_like(state.log_start)
        for t in range(1, len(steps.beta)):
            state, _ = hmc.step(path, state, ais.kernel(steps, path, t), generator)
            total = total + ais.increment(state, steps.beta[t] - steps.beta[t - 1])
        return ais._run(total, [], [])

    monkeypatch.setattr(ais, "anneal", late)
    assert caught()


def adapting(gain):
    """Return a step that lets each chain's step size follow its own acceptance."""
    right, log_factor = hmc.step, [torch.zeros(())]

    def wrong(evaluate, state, kernel, generator):
        moved = kernel._replace(step_size=kernel.step_size * log_factor[0].exp())
        state, info = right(evaluate, state, moved, generator)
        log_factor[0] = log_factor[0] + gain * (info.acceptance[:, 0] - 0.65)
        return state, info

    return wrong


def adaptation_ratio():
    """The same statistic where the posterior is much narrower than the prior: no one step size serves all the way."""
    model = ppca(5, (1, 1, 7), seed=3)
    x = simulate(model, 1, 0.1)
    path = prior_path(model, x.expand(CHAINS, -1, -1, -1), 0.1)
    exact = model.log_evidence(x, 0.1).expand(CHAINS)
    mean, error = weight_ratio(path, gaussian_plan(model, x, 0.1, 100, leapfrog=5, copies=CHAINS), exact, 1)
    return (mean - 1) / error


def test_adapting_in_the_counted_run_is_caught(monkeypatch):
    assert abs(adaptation_ratio()) < 4
    monkeypatch.setattr(hmc, "step", adapting(gain=1.0))
    assert abs(adaptation_ratio()) > 5


def test_reversibility_sees_a_full_first_kick():
    """The law that catches the same fault without statistics."""
    model = ppca(D, (1, 1, 6), seed=3)
    path = prior_path(model, simulate(model, 1, SIGMA), SIGMA)
    generator = Stream(0).torch()
    state = path(path.draw(4, generator))
    kernel = hmc.Kernel(torch.ones(1).double(), torch.ones(1).double(), path.frame.scale(torch.ones(1).double()), 3)
    momentum = torch.randn(state.position.shape, generator=generator, dtype=torch.float64)
    step = torch.full((1, 4), 0.1, dtype=torch.float64)

    def there_and_back(kick):
        stride = step[..., None] * kernel.scale[:, None, :]

        def flow(s, p):
            return hmc.leapfrog(path, s, p + kick * stride / 2 * hmc.tempered_gradient(s, kernel.beta), kernel, step)

        end, p = flow(state, momentum)
        back, _ = flow(end, -p)
        return float((back.position - state.position).abs().max())

    assert there_and_back(0) < 1e-5
    assert there_and_back(1) > 1e-3 > math.sqrt(there_and_back(0)) / 10


@pytest.mark.slow
def test_frozen_steps_keep_the_mean_weight_on_the_published_problem():
    model = ppca(10, (1, 28, 28), seed=5)
    x = simulate(model, 1, 0.158)
    path = prior_path(model, x.expand(500, -1, -1, -1), 0.158)
    exact = model.log_evidence(x, 0.158).expand(500)
    mean, error = weight_ratio(path, plan(path, 500, 0.02, leapfrog=10), exact, 1)
    assert abs(mean - 1) < 4 * error
