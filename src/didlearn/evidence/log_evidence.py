"""``log_evidence``: log p(x) of images under a latent model, by annealed importance sampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from didlearn.arrays import Array, ArrayOrTensor, Floats
from didlearn.errors import ModelError, UsageError
from didlearn.evidence import ais
from didlearn.evidence.likelihood import Decoder, Likelihood, make_decoder
from didlearn.evidence.observation import BernoulliObservation, Observation, make_observation
from didlearn.evidence.preparation import prepare
from didlearn.evidence.settings import Settings
from didlearn.models.base import LatentModel
from didlearn.models.inputs import images_of, labels_of, require_unit_range
from didlearn.models.pool import map_models
from didlearn.rng import Stream
from didlearn.units.records import records_in

IMAGES = 8  # annealed together


@dataclass(frozen=True, eq=False)
class Evidence:
    """Stochastic lower bounds on log p(x), in nats.

    Attributes:
        lower: (n,) log of the mean weight over chains: E[lower] ≤ log p(x), P(lower > log p(x) + b) < exp(−b).
        standard_error: (n,) of ``lower``, by the delta method. ess: (n,) effective number of chains.
        log_weights: (n, chains) float64; the mean of exp(log_weights) is an unbiased estimate of p(x).
        acceptance: (n, T − 1) mean acceptance at each temperature. r_hat: (n,) across chains, NaN for short runs.
        temperatures: the number of steps between inverse temperatures 0 and 1 (the least over images).
        evaluations: gradient evaluations of each chain: search, pilot and counted run (the most over images).
        columns: Jacobian columns computed for each image beside them.
    """

    lower: Floats
    standard_error: Floats
    ess: Floats
    log_weights: Floats
    acceptance: tuple[Floats, ...]
    r_hat: Floats
    temperatures: int
    evaluations: int
    columns: int

    @property
    def log_weight_variance(self) -> Floats:
        """(n,) variance of log w over chains; small ones loosen the bound by themselves over twice the chains.

        Chains that start in the prior's part of a mixture and never arrive make it huge and do no harm: ``ess`` tells.
        """
        return self.log_weights.var(axis=1, ddof=1)


def log_evidence(
    model: LatentModel,
    x: ArrayOrTensor,
    sigma: float = 0.1,
    seed: int = 0,
    chains: int = 16,
    *,
    observation: str = "gaussian",
    budget: int = 500,
    labels: ArrayLike | None = None,
    device: str = "cpu",
    threads: int | None = None,
    records: str | Path | None = None,
    advance: Callable[[int], None] | None = None,
    **settings: Any,
) -> Evidence:
    """Estimate log p(x) = log ∫ p(z) p(x|z) dz from below, for each image.

    Args:
        model: a latent model with normal or uniform latents.
        x: (n, C, H, W) images in the units of ``model.decode``; uint8 is divided by 255.
        sigma: standard deviation of a pixel (Gaussian and Laplace observations).
        seed: of all randomness. chains: for each image.
        observation: ``"gaussian"``, ``"laplace"`` (sigma is its standard deviation) or ``"bernoulli"``.
        budget: gradient evaluations for each chain, search and pilot included.
        labels: (n,) classes, for a conditional model: the result is log p(x|label).
        device: where to compute. threads: workers; the result does not depend on them.
        records: folder where finished images are kept, so that a killed run goes on where it was.
        advance: told the number of images done.
        settings: further fields of ``Settings``: start, schedule, mass, leapfrog, ...

    Raises:
        UsageError: an argument does not fit the model. NotFiniteError: x holds NaN.
        ModelError: the model fails, or gives no finite likelihood for an image.
    """
    chosen = make_settings(chains=chains, budget=budget, **settings)
    decoder, seen = make_decoder(model, make_observation(observation, sigma), device)
    model = decoder.model
    images = as_pixels(x, model, seen)
    classes = _classes(model, labels, len(images))
    rng = Stream(seed, ("log_evidence",))

    def work(replica: LatentModel, unit: range) -> dict[str, Array]:
        part = None if classes is None else classes[unit.start : unit.stop].to(device)
        likelihood = Likelihood(replace(decoder, model=replica, labels=part), seen, images[unit.start : unit.stop])
        return _run_unit(likelihood, chosen, rng.child("unit", unit.start))

    parts = map_models(
        work, model, len(images), unit=IMAGES, device=device, threads=threads, advance=advance,
        records=records_in(
            records, model.identity,
            {"images": images.numpy(), "labels": None if classes is None else classes.numpy()},
            asdict(chosen) | {"observation": observation, "sigma": sigma, "seed": seed, "device": device},
        ),
    )  # fmt: skip
    return _collect(parts)


def make_settings(**chosen: Any) -> Settings:
    """Return the settings, refusing names that are none.

    Raises:
        UsageError: a name or value cannot be used.
    """
    known = Settings.__dataclass_fields__
    for name in chosen:
        if name not in known:
            raise UsageError(f"there is no setting {name!r}; there are {', '.join(known)}")
    return Settings(**chosen)


def as_pixels(x: ArrayOrTensor, model: LatentModel, observation: Observation) -> Tensor:
    """Return images as (n, D) float64.

    Raises:
        UsageError: they have another shape than the model's, or a range that the observation model does not take.
        NotFiniteError: some are not numbers.
    """
    pixels = images_of(model, x)
    if isinstance(observation, BernoulliObservation):
        require_unit_range(pixels, "the means of Bernoulli pixels")
    return pixels.flatten(1)


def _classes(model: LatentModel, labels: ArrayLike | None, count: int) -> Tensor | None:
    """Return labels (n,) int64, or ``None`` for a model without classes.

    Raises:
        UsageError: they are missing, too many, or name no class.
    """
    if model.classes is not None and labels is None:
        raise UsageError(f"{model.name} has {model.classes} classes; give labels (n,), one for each image")
    return labels_of(model, labels, count)


def _run_unit(likelihood: Likelihood, settings: Settings, rng: Stream) -> dict[str, Array]:
    """Prepare and run the images of one unit: its counted run and what it cost."""
    path, plan, spent, columns = prepare(likelihood, settings, rng)
    before = path.evaluations
    generator = rng.torch("chains")
    run = ais.anneal(path, path(path.draw(settings.chains, generator)), plan, generator)
    check_alive(run, likelihood.decoder)
    return {
        "log_weights": run.log_weights.cpu().numpy(),
        "acceptance": run.acceptance.T.cpu().numpy(),
        "r_hat": ais.r_hat(run.trace).cpu().numpy(),
        "temperatures": np.array(len(plan.beta) - 1),
        "evaluations": np.array(spent + path.evaluations - before),
        "columns": np.array(columns),
    }


def check_alive(run: ais.Run, decoder: Decoder) -> None:
    """Refuse images for which no chain has a weight.

    Raises:
        ModelError: there are some.
    """
    if (run.log_weights == -torch.inf).all(dim=1).any():
        raise ModelError(
            f"{decoder.model.name} gives no finite likelihood in any chain of some image; its output is NaN there"
        )


def _collect(parts: list[dict[str, Array]]) -> Evidence:
    """Join the units' results."""
    weights = torch.from_numpy(np.concatenate([part["log_weights"] for part in parts]))
    return Evidence(
        lower=ais.log_mean_weight(weights).numpy(),
        standard_error=ais.standard_error(weights).numpy(),
        ess=ais.effective_chains(weights).numpy(),
        log_weights=weights.numpy(),
        acceptance=tuple(row for part in parts for row in part["acceptance"]),
        r_hat=np.concatenate([part["r_hat"] for part in parts]),
        temperatures=min(int(part["temperatures"]) for part in parts),
        evaluations=max(int(part["evaluations"]) for part in parts),
        columns=max(int(part["columns"]) for part in parts),
    )
