"""From images to a path and a plan: the search, the start, the pilot, the schedule. Depends on x alone."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from didlearn.errors import UsageError
from didlearn.evidence.ais import Plan
from didlearn.evidence.laplace import LaplaceFit, fit_laplace
from didlearn.evidence.likelihood import Likelihood
from didlearn.evidence.path import Frame, Path, laplace_frame, make_frame, mix
from didlearn.evidence.pilot import frozen_steps, make_schedule, run_pilot
from didlearn.evidence.settings import Settings
from didlearn.models.latents.encoder import by_encoder
from didlearn.rng import Stream

_FITTED = 1024


class Prepared(NamedTuple):
    """Ready for the counted run.

    Attributes:
        path, plan: what it needs. evaluations: spent so far on each chain. columns: Jacobian columns for each image.
    """

    path: Path
    plan: Plan
    evaluations: int
    columns: int


def prepare(likelihood: Likelihood, settings: Settings, rng: Stream) -> Prepared:
    """Spend what the budget allows on search and pilot, and plan the rest.

    Raises:
        UsageError: the start does not fit the model. ModelError: the model gives no finite likelihood.
    """
    fit = _fit(likelihood, settings, rng)
    path = Path(likelihood, _start_frame(likelihood, settings, fit))
    pilot = run_pilot(
        path, settings.chains, settings.knots, settings.transitions, settings.leapfrog, rng.torch("pilot")
    )
    spent, columns = (0, 0) if fit is None else (fit.evaluations, fit.columns)
    spent += pilot.evaluations
    temperatures = settings.temperatures or 1 + (settings.budget - spent - 1) // settings.leapfrog
    beta = make_schedule(settings.schedule, path, pilot, max(1, temperatures))
    return Prepared(path, Plan(beta, frozen_steps(pilot, beta), settings.leapfrog), spent, columns)


def _fit(likelihood: Likelihood, settings: Settings, rng: Stream) -> LaplaceFit | None:
    large = likelihood.latent_size > _FITTED
    if large and settings.start in ("laplace", "mixture"):
        raise UsageError(
            f"{likelihood.decoder.model.name} has {likelihood.latent_size} latent dimensions; a Laplace start fits up "
            f'to {_FITTED}: give start="prior", or "encoder"'
        )
    if settings.mass == "identity" or large:
        return None
    return fit_laplace(likelihood, rng.torch("search"), settings.search_evaluations)


def _start_frame(likelihood: Likelihood, settings: Settings, fit: LaplaceFit | None) -> Frame:
    """Return the coordinates in which the chosen start is standard normal.

    Raises:
        UsageError: an encoder is asked for, and the model has none.
    """
    n, d = len(likelihood.x), likelihood.latent_size
    if settings.start in ("laplace", "mixture"):
        assert fit is not None
        frame = laplace_frame(fit, settings.inflation)
        return mix(frame, fit, settings.prior_weight) if settings.start == "mixture" else frame
    if settings.start == "encoder":
        mean, variance = encode(likelihood)
        return make_frame(mean, torch.diag_embed(1 / variance), fit)
    zero = torch.zeros((n, d), dtype=torch.float64, device=likelihood.x.device)
    return make_frame(zero, torch.eye(d).to(zero).expand(n, d, d), fit)


@torch.no_grad()
def encode(likelihood: Likelihood) -> tuple[Tensor, Tensor]:
    """Mean and variance (n, d) of the module's own q(z|x), from its method ``encode``: x -> (mean, log variance).

    Raises:
        UsageError: the module has no such method, or gives something else.
    """
    model, x = likelihood.decoder.model, likelihood.x
    found = by_encoder(model, x.reshape(len(x), *model.image_shape))
    if found is None or found[1] is None:
        raise UsageError(
            f"{model.name} has no encoder; a module with normal latents and a method encode(x) -> (mean, log variance) "
            'is needed, or start="laplace"'
        )
    mean, log_variance = found[0], found[1]
    return mean.double(), log_variance.double().exp()
