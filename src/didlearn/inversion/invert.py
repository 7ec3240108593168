"""``invert``: the latent whose image is nearest to a given one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from didlearn.arrays import Array, ArrayOrTensor, Flags, Floats, Ints, Singles
from didlearn.derivatives.curvature import DENSE, MEMORY
from didlearn.derivatives.footprint import COLUMN_BYTES, GRAPH_BYTES, fitting_workers
from didlearn.embeddings.base import Embedding
from didlearn.errors import UsageError
from didlearn.inversion.domain import domain_of
from didlearn.inversion.target import decode_as, draw_starts, graph_of
from didlearn.inversion.unit import TOGETHER, Job, invert_unit
from didlearn.models.base import LatentModel
from didlearn.models.inputs import images_of, labels_of, require_decoder, require_unit_range
from didlearn.models.latents.coordinates import OtherCoordinates, in_normal_coordinates
from didlearn.models.latents.mapped import MappedCoordinates, behind_mapping
from didlearn.models.pool import map_models
from didlearn.parallel import single_threaded
from didlearn.progress import Progress, silent
from didlearn.rng import Stream
from didlearn.units.records import records_in

Space = Literal["z", "w"]
SearchMethod = Literal["bfgs", "lm", "adam"]
_METHODS: tuple[SearchMethod, ...] = ("bfgs", "lm", "adam")
_CURVATURE_BYTES = 2**29  # of the starts of all images of a unit


@dataclass(frozen=True, eq=False, kw_only=True)
class Inversion:
    """The nearest point of a generator's manifold that was found for each of n images.

    Attributes:
        latent: (n, *latent_shape) float32 ẑ. image: (n, C, H, W) float32 G(ẑ).
        label: (n,) class of the nearest point, or ``None`` without classes.
        class_error: (n, classes) error under each class that was tried, or ``None``.
        error: (n,) mean over pixels of (G(ẑ) − x)², in squared units of [0, 1].
        pixel_error: (n, C, H, W) float32 (G(ẑ) − x)².
        objective: (n,) what was minimised, a mean: the error, or that of the features, with the penalty.
        gradient_norm: (n,) ‖∂ objective / ∂z‖ at ẑ.
        removable: (n,) share of the objective that one more Gauss–Newton step promises to remove.
        log_prior: (n,) log p(ẑ) in nats. norm: (n,) ‖ẑ‖.
        shell_pvalue: (n,) two-sided p-value of ‖ẑ‖² under χ²_d, NaN where the prior is not normal.
        log_volume: (n,) ½ log det JᵀJ in nats: log p(ẑ) − log_volume is the log density on the manifold; −∞ where
            the decoder ignores a direction, NaN where it would take too long to tell.
        mapped_distance, mapped_share: (n,) of a search in w, its distance from the mapped prior over the median of the
            prior's own draws, and the share of these that lie at least as far out; else ``None``.
        success: (n,) whether the search ended at a stationary point; ``reason``: (n,) why, in words.
        evaluations: (n,) decoder passes: a forward pass, a backward pass and a column of the Jacobian are one each.
        trace_evaluations, trace_objective: (n, stages) how the objective fell with the passes.
    """

    latent: Singles
    image: Singles
    label: Ints | None = None
    class_error: Floats | None = None
    error: Floats
    pixel_error: Singles
    objective: Floats
    gradient_norm: Floats
    removable: Floats
    log_prior: Floats
    norm: Floats
    shell_pvalue: Floats
    log_volume: Floats
    mapped_distance: Floats | None = None
    mapped_share: Floats | None = None
    success: Flags
    reason: NDArray[np.str_]
    evaluations: Ints
    trace_evaluations: Ints
    trace_objective: Floats

    def __len__(self) -> int:
        return len(self.error)

    def subset(self, index: Ints | Flags | slice) -> Inversion:
        """Return the chosen images' results."""
        return Inversion(**{name: array[index] for name, array in vars(self).items() if array is not None})


def invert(
    model: LatentModel,
    x: ArrayOrTensor,
    *,
    seed: int = 0,
    method: SearchMethod = "bfgs",
    labels: ArrayLike | None = None,
    candidates: ArrayLike | None = None,
    draws: int = 500,
    starts: int = 16,
    rounds: int = 8,
    steps: int = 300,
    polish: int = 10,
    penalty: float = 0.0,
    clip: float | None = None,
    loss: Embedding | None = None,
    space: Space = "z",
    within: bool = True,
    device: str = "cpu",
    threads: int | None = None,
    records: str | Path | None = None,
    advance: Progress = silent,
) -> Inversion:
    """Find, for each image x, ẑ = argmin ‖G(z) − x‖² + penalty · ‖z‖².

    A module with ``encode`` (x -> mean and log variance, or the latent) and normal latents starts one of the searches.

    Where the prior is a torch Distribution that is a map of standard normal latents, the search is in these, and they
    are z here, in ``penalty``, ``clip`` and all that is reported but ``latent``. Noise that the network draws is fixed.

    ``method="bfgs"``: the nearest ``starts`` of ``draws`` prior draws, trust-region quasi-Newton with successive
    halving, ``rounds`` of restarts around the best point, and a Levenberg–Marquardt polish.
    ``method="lm"``: Levenberg–Marquardt for at most ``steps`` steps from each of the nearest ``starts`` draws.
    ``method="adam"``: the protocol of Friedman & Weiss (2024), Adam with a cosine schedule for ``steps`` steps from
    the nearest draw. It often stops far from the nearest point.

    Args:
        model: a latent model with a decoder that adds no noise of its own.
        x: (n, C, H, W) uint8, or floats in [0, 1] (any value where the model has no value range).
        seed: root of the draws and restarts.
        labels: (n,) the class to invert each image under.
        candidates: (n, k) classes to invert each image under where no label is given: the nearest is kept; all classes
            when ``None``.
        penalty: weight of ‖z‖²: σ² for the most probable z under the observation N(G(z), σ²).
        clip: keep ‖z‖ within the ball that holds this share of a normal prior.
        loss: an embedding whose features are compared instead of pixels; Adam goes beside ``"bfgs"`` then.
        space: ``"z"``, or ``"w"`` behind the mapping network of a module with ``mapping`` and ``synthesis``: images the
            prior need not reach, so their distance from it is reported.
        within: refuse images outside [0, 1] where the model's images lie there (off for targets with noise added).
        threads: worker threads; the result does not depend on them.
        records: folder where finished images are kept, so that a killed run goes on where it was.
        advance: told (what, images done, images).

    Raises:
        UsageError: an argument cannot be used, or pixels lie outside [0, 1]. NotFiniteError: some are no numbers.
        ModelError: the decoder is random, fails, or makes no finite image.
    """
    _check_options(method, draws, starts, rounds, steps, polish, penalty)
    model = coordinates_of(require_decoder(model), space)
    pixels = images_of(model, x)
    if within and model.value_range is not None:
        require_unit_range(pixels, "the model's images")
    pixels, classes = pixels.float(), _classes(model, labels, candidates, len(pixels))
    settings = {
        "method": method, "draws": draws, "starts": starts, "rounds": rounds, "steps": steps, "polish": polish,
        "penalty": penalty, "clip": clip, "loss": None if loss is None else loss.name, "device": device,
    }  # fmt: skip
    if loss is not None:
        loss = loss.to(device)
    rng = Stream(seed, ("invert",))
    with single_threaded():
        beginning = draw_starts(model, draws, rng.child("draws"), device)
        row = graph_of(model, loss, beginning)
        beginning.keep(decode_as(model, loss), [None] if classes is None else classes.unique().tolist())
    job = Job(
        method, beginning, domain_of(model, clip), min(starts, draws), rounds, steps, polish, penalty, loss, row,
        device, rng,
    )  # fmt: skip

    def one(twin: LatentModel, unit: range) -> dict[str, Array]:
        index = slice(unit.start, unit.stop)
        return invert_unit(twin, pixels[index], None if classes is None else classes[index], job, unit.start)

    d, images = beginning.z.shape[1], _images(model, classes, job, device)
    parts = map_models(
        one, model, len(pixels), unit=images, threads=fitting_workers(threads, _needed(job, images, d)), device=device,
        advance=lambda done: advance("inverting", done, len(pixels)),
        records=records_in(
            records, model.identity,
            {"pixels": pixels.numpy(), "labels": None if classes is None else classes.numpy()},
            {**settings, "seed": seed},
        ),
    )  # fmt: skip
    return in_latents(Inversion(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]}), model)


def _classes(
    model: LatentModel, labels: ArrayLike | None, candidates: ArrayLike | None, count: int
) -> torch.Tensor | None:
    """Return the classes (n, k) that each image is inverted under; ``None`` for a model without classes.

    Raises:
        UsageError: labels and candidates are both given, or do not fit.
    """
    chosen = labels_of(model, labels, count)
    if chosen is not None:
        if candidates is not None:
            raise UsageError("both labels and candidates are given; give the one class of each image, or several")
        return chosen[:, None]
    if candidates is None:
        return None if model.classes is None else torch.arange(model.classes).expand(count, -1)
    several = torch.as_tensor(np.asarray(candidates))
    if several.ndim != 2 or len(several) != count or not several.shape[1]:
        raise UsageError(f"candidates must be ({count}, k) class numbers; got the shape {tuple(several.shape)}")
    flat = labels_of(model, several.flatten(), several.numel())
    assert flat is not None
    return flat.view(several.shape)


def _check_options(method: str, draws: int, starts: int, rounds: int, steps: int, polish: int, penalty: float) -> None:
    if method not in _METHODS:
        raise UsageError(f"there is no method {method!r}; give one of {', '.join(_METHODS)}")
    for name, value, least in (
        ("draws", draws, 1), ("starts", starts, 1), ("rounds", rounds, 0), ("steps", steps, 1), ("polish", polish, 0)
    ):  # fmt: skip
        if value < least:
            raise UsageError(f"{name} is {value}; give at least {least}")
    if not (math.isfinite(penalty) and penalty >= 0):
        raise UsageError(f"penalty is {penalty}; give 0 or the variance of the observation noise")


def _images(model: LatentModel, classes: torch.Tensor | None, job: Job, device: str) -> int:
    """Return how many images share a unit: few where the curvature of every start would not fit."""
    together = TOGETHER if torch.device(device).type == "cpu" else 8 * TOGETHER
    if classes is not None and classes.shape[1] > 1:
        return max(1, together // classes.shape[1])
    return max(1, min(together, _CURVATURE_BYTES // _curvature(job.starts, math.prod(model.latent_shape))))


def _curvature(starts: int, d: int) -> int:
    """Return the bytes that the curvature of an image's starts takes, with the factors of a step."""
    return starts * 8 * (3 * d * d if d <= DENSE else 6 * MEMORY * d)


def _needed(job: Job, images: int, d: int) -> int:
    """Return the bytes that a worker takes at most, as far as can be foretold."""
    graphs = 3 * min(job.row_bytes * images * job.starts, GRAPH_BYTES)
    return graphs + images * _curvature(job.starts, d) + 3 * COLUMN_BYTES


def coordinates_of(model: LatentModel, space: Space) -> LatentModel:
    """Return the model over the coordinates that are searched: those of a normal prior, or behind a mapping network.

    Raises:
        UsageError: there is no such space.
    """
    if space == "w":
        return behind_mapping(model)
    if space != "z":
        raise UsageError(f"the space is {space!r}; give z, or w for what lies behind a mapping network")
    return in_normal_coordinates(model)


def in_latents(found: Inversion, model: LatentModel) -> Inversion:
    """Return what was found with the model's own latents, and how far they lie from a mapped prior."""
    if not isinstance(model, OtherCoordinates):
        return found
    latent = model.latents(torch.from_numpy(found.latent)).numpy()
    if not isinstance(model, MappedCoordinates):
        return replace(found, latent=latent)
    away, share = model.distance(found.latent), model.share_beyond(found.latent)
    return replace(found, latent=latent, mapped_distance=away, mapped_share=share)
