"""The search for a nearest point: many starts, the worse half dropped again and again, then restarts around the best.

Gradient descent on a decoder ends in local minima, even for images that are exactly on the manifold. Two things find
the way out at little cost: several starts of which the bad ones are dropped early (successive halving), and new
starts scattered around the best point so far (basin hopping), which find more than new prior draws do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch

from didlearn.derivatives.descent import begin_descent, take_step
from didlearn.derivatives.domain import Domain
from didlearn.derivatives.jacobian import squared_norm
from didlearn.derivatives.starts import Draws
from didlearn.inversion.target import Target

Stage = tuple[int, int]
"""How many starts take part, and how many steps they take."""
_FIRST: tuple[Stage, ...] = ((16, 20), (4, 40), (2, 60))
_AGAIN: tuple[Stage, ...] = ((4, 40), (2, 60))
_SCATTER = (0.3, 0.5, 0.8)  # of the prior's standard deviation
EXACT = 1e-9  # error relative to the target's variance below which a point needs no search
_NEAR = 0.01  # error relative to the target's variance at which an exact fit seems likely
_WATCHED = 10  # steps between two points of the trace
_AGREED = 1e-3  # relative: starts that end this close have found the same minimum


@dataclass
class Nearest:
    """The best point of each row so far.

    Attributes:
        z: (n, d). error: (n,) ‖r‖². evaluations: (n,) decoder passes so far.
        settled: (n,) whether there is nothing more to look for: an exact fit, or all starts at one minimum.
        trace: after each stage, the evaluations (n,) and errors (n,).
    """

    z: torch.Tensor
    error: torch.Tensor
    evaluations: torch.Tensor
    settled: torch.Tensor
    trace: list[tuple[torch.Tensor, torch.Tensor]]


class End(NamedTuple):
    """Where a race ended.

    Attributes:
        z: (n, d) the best start's point of each row. error: (n,) ‖r‖² there.
        spread: (n,) how far apart, relatively, the errors of the last starts were; infinity for a single one.
        evaluations: decoder passes of each row.
    """

    z: torch.Tensor
    error: torch.Tensor
    spread: torch.Tensor
    evaluations: int


def search(
    target: Target,
    draws: Draws,
    domain: Domain,
    starts: int,
    rounds: int,
    noise: Callable[[int, int, torch.Tensor], torch.Tensor],
    guess: torch.Tensor | None = None,
) -> Nearest:
    """Find the nearest point to each row.

    Args:
        target, draws, domain: what to invert, where to begin, where to stay.
        starts: prior draws to begin from; 1 takes the same steps from the best of them.
        rounds: of restarts around the best point; twice as many where it is so near that an exact fit seems likely.
        guess: (n, d) points to begin from too, an encoder's, or ``None``.
        noise: (round, count, rows) -> (len(rows), count, d) standard normal numbers.
    """
    plan = _first_plan(starts)
    z0 = _begun(target, target.nearest(draws, plan[0][0]), guess, domain)
    trace: list[tuple[torch.Tensor, torch.Tensor]] = []
    nothing = torch.full((len(target),), len(draws.z), dtype=torch.int64, device=z0.device)
    best = _race(target, z0, plan, domain, lambda passes, error: trace.append((nothing + passes, error)))
    spent = nothing + best.evaluations
    floor = EXACT * variance(target.x)
    found = Nearest(best.z, best.error, spent, (best.error <= floor) | (best.spread <= _AGREED), trace)
    for number in range(2 * rounds):
        near = found.error <= _NEAR / EXACT * floor
        rows = (~found.settled & (near | (number < rounds))).nonzero()[:, 0]
        if len(rows):
            _search_again(target, found, rows, domain, noise(number, _AGAIN[0][0], rows))
        found.settled |= found.error <= floor
        found.trace.append((found.evaluations.clone(), found.error.clone()))
    return found


def _begun(target: Target, z0: torch.Tensor, guess: torch.Tensor | None, domain: Domain) -> torch.Tensor:
    """Return starts (n, S, d) with the guess in place of the last, or of the only one where it is nearer."""
    if guess is None:
        return z0
    guess = domain.project(guess.to(z0))
    if z0.shape[1] > 1:
        return torch.cat([guess[:, None], z0[:, :-1]], dim=1)
    nearer = squared_norm(target, guess) < squared_norm(target, z0[:, 0])
    return torch.where(nearer[:, None], guess, z0[:, 0])[:, None]


def passes_of_search(starts: int, rounds: int) -> float:
    """Return about how many passes of one image a search takes: each step is one forwards and one backwards."""
    stages = [*_first_plan(starts), *(_AGAIN * rounds)]
    return float(sum(2 * count * steps for count, steps in stages))


def _first_plan(starts: int) -> tuple[Stage, ...]:
    if starts == 1:
        return ((1, sum(steps for _, steps in _FIRST)),)
    return tuple((min(count, starts), steps) for count, steps in _FIRST)


def _search_again(target: Target, found: Nearest, rows: torch.Tensor, domain: Domain, noise: torch.Tensor) -> None:
    scale = noise.new_tensor([_SCATTER[i % len(_SCATTER)] for i in range(noise.shape[1])])[None, :, None]
    z0 = found.z[rows][:, None] + scale * noise
    z0[:, 0] = found.z[rows]
    flat = domain.project(z0.flatten(0, 1)).view_as(z0)
    best = _race(target.rows(rows), flat, _AGAIN, domain, lambda *_: None)
    found.evaluations[rows] += best.evaluations
    better = best.error < found.error[rows]
    found.z[rows[better]], found.error[rows[better]] = best.z[better], best.error[better]


def _race(
    target: Target,
    z0: torch.Tensor,
    plan: tuple[Stage, ...],
    domain: Domain,
    watch: Callable[[int, torch.Tensor], None],
) -> End:
    """Run the stages from z0 (n, S, d)."""
    n, count, d = z0.shape
    row = torch.arange(n, device=z0.device).repeat_interleave(count)
    at, spent = begin_descent(target.rows(row).objective, z0.reshape(n * count, d)), 2 * count
    spread = torch.full((n,), torch.inf, dtype=torch.float64, device=z0.device)
    for keep, steps in plan:
        if keep < count:
            chosen = _best(at.value, count, keep)
            at, row, count = at.rows(chosen), row[chosen], keep
        objective = target.rows(row).objective
        for number in range(steps):
            if number % _WATCHED == 0:
                watch(spent, 2 * at.value.view(n, count).amin(dim=1))
            at = take_step(objective, at, domain)
            spent += 2 * count
        if count > 1:
            least, most = at.value.view(n, count).aminmax(dim=1)
            spread = (most - least) / least.clamp(min=1e-300)
    at = at.rows(_best(at.value, count, 1))
    watch(spent, 2 * at.value)
    return End(at.z, 2 * at.value, spread, spent)


def _best(value: torch.Tensor, count: int, keep: int) -> torch.Tensor:
    """Return the rows of the ``keep`` least values of every ``count``, least first."""
    order = torch.argsort(value.view(-1, count), dim=1, stable=True)[:, :keep]
    return (order + count * torch.arange(len(order), device=value.device)[:, None]).flatten()


def variance(x: torch.Tensor) -> torch.Tensor:
    """Return Σ (x − mean)² of each row, (n,) float64."""
    x = x.double()
    return (x - x.mean(dim=1, keepdim=True)).square().sum(dim=1)
