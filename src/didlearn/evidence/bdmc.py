"""Bidirectional Monte Carlo: log p(x) between two bounds, for images that the model itself made.

z* ~ p(z), x ~ p(x|z*) is a draw from the joint, so that z* is an exact sample of p(z|x). Forward chains give
E[log mean w] ≤ log p(x). A reverse chain from z* has log weight w′ with E[1/w′] = 1/p(x) (Grosse et al., 2015). Put in
the place of one of K forward chains it gives the tighter of the known bounds (Brekelmans et al., 2022):
log p(x) ≤ E[log (w′ + w_2 + … + w_K)/K], with equality in the limit of many chains.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from didlearn.arrays import Array, Floats, Singles
from didlearn.errors import UsageError
from didlearn.evidence import ais, hmc
from didlearn.evidence.likelihood import Decoder, Likelihood, make_decoder
from didlearn.evidence.log_evidence import IMAGES, check_alive, make_settings
from didlearn.evidence.observation import Observation, make_observation
from didlearn.evidence.path import Path as AnnealingPath
from didlearn.evidence.preparation import prepare
from didlearn.evidence.settings import Settings
from didlearn.models.base import LatentModel
from didlearn.models.pool import map_models
from didlearn.rng import Stream
from didlearn.units.records import records_in

_WARM_UP = 4


@dataclass(frozen=True, eq=False)
class Sandwich:
    """Stochastic bounds on log p(x) of simulated images, in nats.

    Attributes:
        lower, upper: (n,) for each image; their means bound the mean of log p(x).
        images: (n, C, H, W) float32, the simulated images. latents: (n, d) those they were made from.
        forward, reverse: (n, chains) log weights in each direction.
        temperatures, evaluations, columns: as in ``Evidence``; evaluations of one direction, preparation included.
    """

    lower: Floats
    upper: Floats
    images: Singles
    latents: Floats
    forward: Floats
    reverse: Floats
    temperatures: int
    evaluations: int
    columns: int

    @property
    def standard_error(self) -> Floats:
        """(n,) standard error of each of the bounds: they share the forward chains, and their errors with them."""
        return ais.standard_error(torch.from_numpy(self.forward)).numpy()

    @property
    def gap(self) -> float:
        """Mean of upper − lower over images."""
        return float((self.upper - self.lower).mean())

    @property
    def gap_standard_error(self) -> float:
        """Standard error of ``gap`` over images."""
        return float((self.upper - self.lower).std(ddof=1) / math.sqrt(len(self.lower)))


def bdmc(
    model: LatentModel,
    sigma: float = 0.1,
    images: int = 16,
    seed: int = 0,
    chains: int = 16,
    *,
    observation: str = "gaussian",
    budget: int = 500,
    device: str = "cpu",
    threads: int | None = None,
    records: str | Path | None = None,
    advance: Callable[[int], None] | None = None,
    **settings: Any,
) -> Sandwich:
    """Bound log p(x) from both sides on ``images`` images simulated from the model with its observation noise.

    Arguments are those of ``log_evidence``; classes of a conditional model are drawn evenly.

    Raises:
        UsageError: an argument does not fit the model. ModelError: the model fails, or gives no finite likelihood.
    """
    chosen = make_settings(chains=chains, budget=budget, **settings)
    if images < 2:
        raise UsageError(f"{images} simulated images cannot tell how far to trust a gap; give at least 2")
    decoder, seen = make_decoder(model, make_observation(observation, sigma), device)
    model = decoder.model
    rng = Stream(seed, ("bdmc",))

    def work(replica: LatentModel, unit: range) -> dict[str, Array]:
        child = rng.child("unit", unit.start)
        return _unit(replace(decoder, model=replica), seen, len(unit), chosen, child)

    said = {"images": images, "observation": observation, "sigma": sigma, "seed": seed, "device": device}
    parts = map_models(
        work, model, images, unit=IMAGES, device=device, threads=threads, advance=advance,
        records=records_in(records, model.identity, {}, {"bounds": "both"} | asdict(chosen) | said),
    )  # fmt: skip
    return _collect(parts, model)


def _unit(decoder: Decoder, observation: Observation, count: int, settings: Settings, rng: Stream) -> dict[str, Array]:
    """Simulate the images of one unit, and run in both directions."""
    decoder, v, x = simulate(decoder, observation, count, rng)
    likelihood = Likelihood(decoder, observation, x)
    prepared = prepare(likelihood, settings, rng)
    path, plan = prepared.path, prepared.plan
    before = path.evaluations
    forward_rng, reverse_rng = rng.torch("chains"), rng.torch("reverse")
    forward = ais.anneal(path, path(path.draw(settings.chains, forward_rng)), plan, forward_rng)
    spent = path.evaluations - before
    exact = path.locate(v[:, None]).expand(-1, settings.chains, -1)
    state = _spread_out(path, path(exact), plan, reverse_rng)
    reverse = ais.anneal_back(path, state, plan, reverse_rng)
    check_alive(forward, decoder)
    return {
        "x": x.cpu().float().numpy(),
        "v": v.cpu().numpy(),
        "forward": forward.log_weights.cpu().numpy(),
        "reverse": reverse.log_weights.cpu().numpy(),
        "temperatures": np.array(len(plan.beta) - 1),
        "evaluations": np.array(prepared.evaluations + spent),
        "columns": np.array(prepared.columns),
    }


@torch.no_grad()
def simulate(decoder: Decoder, observation: Observation, count: int, rng: Stream) -> tuple[Decoder, Tensor, Tensor]:
    """Draw latents (n, d) and images (n, D) from the joint; return the decoder with their labels too."""
    model, generator = decoder.model, rng.torch("simulate")
    d = math.prod(model.latent_shape)
    v = torch.randn((count, d), generator=generator, dtype=torch.float64).to(decoder.device)
    if model.classes is not None:
        labels = torch.randint(model.classes, (count,), generator=generator).to(decoder.device)
        decoder = replace(decoder, labels=labels)
    return decoder, v, observation.sample(decoder(v.to(decoder.dtype)), generator)


def _spread_out(path: AnnealingPath, state: hmc.State, plan: ais.Plan, generator: torch.Generator) -> hmc.State:
    """Move chains apart at β = 1: an exact posterior sample stays one under a transition that keeps the posterior."""
    for _ in range(_WARM_UP):
        state, _info = hmc.step(path, state, ais.kernel(plan, path, len(plan.beta) - 1), generator)
    return state


def upper_bound(forward: Tensor, reverse: Tensor) -> Tensor:
    """Log (w′ + w_2 + … + w_K)/K, averaged over the reverse chains and over which forward chain is left out: (n,).

    Args:
        forward, reverse: (n, K) log weights.
    """
    K = forward.shape[1]
    without = torch.stack([_leave_out(forward, k) for k in range(K)], dim=1)
    return torch.logaddexp(without[:, :, None], reverse[:, None, :]).mean(dim=(1, 2)) - math.log(K)


def _leave_out(log_weights: Tensor, k: int) -> Tensor:
    return torch.logsumexp(torch.cat([log_weights[:, :k], log_weights[:, k + 1 :]], dim=1), dim=1)


def _collect(parts: list[dict[str, Array]], model: LatentModel) -> Sandwich:
    joined = {name: np.concatenate([part[name] for part in parts]) for name in ("x", "v", "forward", "reverse")}
    forward, reverse = torch.from_numpy(joined["forward"]), torch.from_numpy(joined["reverse"])
    return Sandwich(
        lower=ais.log_mean_weight(forward).numpy(),
        upper=upper_bound(forward, reverse).numpy(),
        images=joined["x"].reshape(-1, *model.image_shape),
        latents=joined["v"],
        forward=joined["forward"],
        reverse=joined["reverse"],
        temperatures=min(int(part["temperatures"]) for part in parts),
        evaluations=max(int(part["evaluations"]) for part in parts),
        columns=max(int(part["columns"]) for part in parts),
    )
