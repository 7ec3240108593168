"""Laws of Hamiltonian Monte Carlo: reversible, volume preserving, the right distribution stays."""

import math

import torch

from didlearn.evidence import hmc
from didlearn.rng import Stream

D, CHAINS = 3, 5
PRECISION = torch.tensor([[2.0, 0.5, 0.0], [0.5, 3.0, 0.2], [0.0, 0.2, 40.0]], dtype=torch.float64)


def quartic(u, values=True):
    """Start: standard normal. Target: a correlated normal with a quartic term, nothing conjugate."""
    pull = u @ PRECISION
    log_target = -(u * pull).sum(-1) / 2 - u.pow(4).sum(-1) / 10
    return hmc.State(u, -u.square().sum(-1) / 2, log_target, -u, -pull - 0.4 * u.pow(3))


def kernel(beta=0.7, step=0.3, leapfrog=6, scale=(0.7, 0.6, 0.16)):
    one = torch.ones(1, dtype=torch.float64)
    return hmc.Kernel(beta * one, step * one, torch.tensor([scale], dtype=torch.float64), leapfrog)


def some(seed=0, chains=CHAINS):
    generator = Stream(seed).torch()
    normal = torch.randn((2, 1, chains, D), generator=generator, dtype=torch.float64)
    return quartic(normal[0]), normal[1]


def flow(u, p, how=None):
    how = how or kernel()
    step = torch.linspace(0.2, 0.4, u.shape[1], dtype=torch.float64)[None]
    end, momentum = hmc.leapfrog(quartic, quartic(u), p, how, step)
    return end, momentum


def test_the_gradient_is_the_derivative_of_the_density():
    state, _ = some()
    u = state.position.clone().requires_grad_()
    beta = kernel().beta
    (wanted,) = torch.autograd.grad(hmc.tempered_log_density(quartic(u), beta).sum(), u)
    torch.testing.assert_close(hmc.tempered_gradient(state, beta), wanted)


def test_leapfrog_is_reversible():
    state, p = some()
    end, momentum = flow(state.position, p)
    back, there = flow(end.position, -momentum)
    assert (end.position - state.position).abs().max() > 0.1
    assert (back.position - state.position).abs().max() < 1e-10
    assert (there + p).abs().max() < 1e-10


def test_leapfrog_preserves_volume():
    state, p = some(chains=1)

    def both(packed):
        end, momentum = flow(packed[:D].view(1, 1, D), packed[D:].view(1, 1, D))
        return torch.cat([end.position.flatten(), momentum.flatten()])

    J = torch.autograd.functional.jacobian(both, torch.cat([state.position.flatten(), p.flatten()]))
    assert abs(float(torch.linalg.det(J)) - 1) < 1e-10


def test_energy_error_is_of_second_order():
    state, p = some(chains=40)
    errors = []
    for leapfrog in (8, 16):
        how = kernel(leapfrog=leapfrog)
        end, momentum = hmc.leapfrog(quartic, state, p, how, torch.full((1, 40), 2.4 / leapfrog).double())
        change = hmc.energy(end, momentum, how.beta) - hmc.energy(state, p, how.beta)
        errors.append(float(change.abs().mean()))
    assert 3 < errors[0] / errors[1] < 5.5


def test_the_tempered_distribution_stays():
    """Importance-weighted moments of exact draws and moments after many moves agree."""
    beta, chains = 0.7, 4000
    generator = Stream(1).torch()
    A = torch.linalg.cholesky(torch.linalg.inv((1 - beta) * torch.eye(D).double() + beta * PRECISION))
    proposals = torch.randn((1, 40 * chains, D), generator=generator, dtype=torch.float64) @ A.T
    log_weight = -beta * proposals.pow(4).sum(-1) / 10
    exact = proposals[:, torch.rand(40 * chains, generator=generator).double().log() < log_weight[0]][:, :chains]
    state = quartic(exact)
    rates = []
    for _ in range(10):
        state, info = hmc.step(quartic, state, kernel(beta, step=1.1, leapfrog=2), generator)
        rates.append(float(info.accepted.double().mean()))
    assert 0.3 < min(rates) < max(rates) < 0.97
    for power in (1, 2, 4):
        before, after = exact.pow(power)[0], state.position.pow(power)[0]
        error = (before.var(0) + after.var(0)).sqrt() / math.sqrt(chains)
        assert ((before.mean(0) - after.mean(0)).abs() < 4 * error).all()


def test_not_a_number_is_rejected():
    def broken(u, values=True):
        state = quartic(u)
        bad = u[..., 0] > 0.5
        return state._replace(log_target=torch.where(bad, math.nan, state.log_target))

    generator = Stream(2).torch()
    state = broken(torch.zeros((1, 200, D), dtype=torch.float64))
    for _ in range(20):
        state, info = hmc.step(broken, state, kernel(step=0.5), generator)
        assert torch.isfinite(info.acceptance).all()
    assert torch.isfinite(state.position).all()
    assert (state.position[..., 0] <= 0.5).all()
    assert state.position.std() > 0.1


def test_steps_are_jittered_by_a_fifth():
    seen = []

    def spy(evaluate, state, momentum, how, step_size):
        seen.append(step_size)
        return state, momentum

    original, hmc.leapfrog = hmc.leapfrog, spy
    try:
        hmc.step(quartic, some(chains=2000)[0], kernel(step=1.0), Stream(3).torch())
    finally:
        hmc.leapfrog = original
    assert 0.8 <= float(seen[0].min()) < 0.81
    assert 1.19 < float(seen[0].max()) <= 1.2


def test_images_do_not_touch_each_other():
    """Two images in one batch move as they would alone, given the same noise."""
    wide = quartic(some(chains=4)[0].position.expand(2, -1, -1).clone())
    how = kernel()
    two = how._replace(
        beta=torch.tensor([0.7, 0.1]).double(),
        step_size=torch.tensor([0.3, 0.01]).double(),
        scale=how.scale.expand(2, D),
    )
    step = two.step_size[:, None].expand(2, 4)
    momentum = some(chains=4)[1].expand(2, -1, -1)
    end, _ = hmc.leapfrog(quartic, wide, momentum, two, step)
    alone, _ = hmc.leapfrog(quartic, some(chains=4)[0], some(chains=4)[1], how, step[:1])
    torch.testing.assert_close(end.position[:1], alone.position)
    assert (end.position[1] - wide.position[1]).abs().max() < (end.position[0] - wide.position[0]).abs().max() / 5
