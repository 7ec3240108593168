"""A few images, inverted together in one graph, and what is reported of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import chi2

from didlearn.arrays import Array, Floats
from didlearn.derivatives.domain import Domain
from didlearn.derivatives.jacobian import squared_norm
from didlearn.derivatives.starts import Draws
from didlearn.embeddings.base import Embedding
from didlearn.inversion.adam import descend
from didlearn.inversion.levenberg import Polished, polish
from didlearn.inversion.race import EXACT, Nearest, search, variance
from didlearn.inversion.target import Target, described
from didlearn.models.base import LatentModel
from didlearn.models.latents.encoder import by_encoder
from didlearn.models.prior import prior_of
from didlearn.parallel import UNIT
from didlearn.rng import Stream

_STATIONARY = 1e-3  # share of the error that may still be removable at a success
_STALLED = 0.01  # share of the error that the last round may still have removed
_RANK = 1e-12  # eigenvalues of JᵀJ, relative to the largest, that count as zero
_ADAM_WATCH = 10
TOGETHER = 8  # rows inverted together


@dataclass(frozen=True)
class Job:
    """How to invert: the same for every unit of a call (see ``invert``)."""

    method: str
    draws: Draws
    domain: Domain
    starts: int
    rounds: int
    steps: int
    polish: int
    penalty: float
    loss: Embedding | None
    row_bytes: int
    device: str
    rng: Stream


def invert_unit(
    model: LatentModel, pixels: torch.Tensor, classes: torch.Tensor | None, job: Job, first: int
) -> dict[str, Array]:
    """Invert images (n, C, H, W) whose place in the call begins at ``first``; arrays by the names of ``Inversion``.

    ``classes`` (n, k): those that each image is inverted under, a few rows at a time; the nearest is kept.
    """
    pixels = pixels.to(job.device)
    place = torch.arange(len(pixels)) + first
    if classes is None:
        return _invert_rows(model, pixels, None, job, place)
    labels = classes.to(job.device)
    if classes.shape[1] == 1:
        return _invert_rows(model, pixels, labels[:, 0], job, place)
    image, under = (t.flatten() for t in torch.meshgrid(place - first, torch.arange(classes.shape[1]), indexing="ij"))
    parts = [
        _invert_rows(model, pixels[image[rows]], labels[image[rows], under[rows]], job, place[image[rows]])
        for rows in torch.arange(len(image)).split(TOGETHER)
    ]
    return _nearest_class(parts, len(pixels))


def _nearest_class(parts: list[dict[str, Array]], images: int) -> dict[str, Array]:
    """Keep the nearest class of each image, with every class's error and the passes of all together."""
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    objective = rows["objective"].reshape(images, -1)
    best = np.arange(images) * objective.shape[1] + objective.argmin(axis=1)
    found = {name: array[best] for name, array in rows.items()}
    found["class_error"] = rows["error"].reshape(images, -1)
    for name in ("evaluations", "trace_evaluations"):
        found[name] = rows[name].reshape(images, objective.shape[1], *rows[name].shape[1:]).sum(axis=1)
    found["trace_objective"] = rows["trace_objective"].reshape(images, objective.shape[1], -1).min(axis=1)
    return found


def _invert_rows(
    model: LatentModel, pixels: torch.Tensor, labels: torch.Tensor | None, job: Job, places: torch.Tensor
) -> dict[str, Array]:
    """Invert a row for each image, number ``places`` (n,) in the call, under its label if there is one."""
    with torch.no_grad():
        x = described(pixels, job.loss)
    target = Target(model, x, labels, job.loss, job.penalty, job.row_bytes)
    guess = by_encoder(model, pixels) if labels is None else None
    found = _search(target, job, places, None if guess is None else guess[0])
    at = _polish(target, found, job)
    better = at.error <= found.error
    at.z, at.error = torch.where(better[:, None], at.z, found.z), torch.minimum(at.error, found.error)
    spent = found.evaluations + at.evaluations
    found.trace.append((spent, at.error))
    return _report(model, pixels, target, at, found, job.method)


def _search(target: Target, job: Job, places: torch.Tensor, guess: torch.Tensor | None) -> Nearest:
    if job.method == "adam":
        return _published(target, job)
    if job.method == "lm":
        return _all_polished(target, job)

    def noise(number: int, count: int, rows: torch.Tensor) -> torch.Tensor:
        shape = (count, job.draws.z.shape[1])
        which = [(int(places[row]), 0 if target.labels is None else int(target.labels[row])) for row in rows.tolist()]
        drawn = [torch.randn(shape, generator=job.rng.torch("restart", number, *names)) for names in which]
        return torch.stack(drawn).to(job.device)

    found = search(target, job.draws, job.domain, job.starts, job.rounds, noise, guess)
    return found if job.loss is None else _with_published(target, job, found)


def _with_published(target: Target, job: Job, found: Nearest) -> Nearest:
    """Run the published protocol too, and keep the nearer: features are rougher than pixels, and either may stick."""
    theirs = _published(target, job)
    better = theirs.error < found.error
    found.z = torch.where(better[:, None], theirs.z, found.z)
    found.error = torch.minimum(theirs.error, found.error)
    found.evaluations = found.evaluations + theirs.evaluations
    found.trace.append((found.evaluations.clone(), found.error.clone()))
    return found


def _published(target: Target, job: Job) -> Nearest:
    trace: list[tuple[torch.Tensor, torch.Tensor]] = []
    spent = torch.zeros(len(target), dtype=torch.int64, device=job.device)

    def watch(passes: int, error: torch.Tensor) -> None:
        if passes % (2 * _ADAM_WATCH) == 0:
            trace.append((spent + passes + len(job.draws.z), error))

    z = descend(target, target.nearest(job.draws, 1)[:, 0], job.steps, job.domain, watch)
    error = squared_norm(target, z)
    spent = spent + len(job.draws.z) + 2 * job.steps
    return Nearest(z, error, spent, torch.zeros_like(error, dtype=torch.bool), [*trace, (spent, error)])


def _all_polished(target: Target, job: Job) -> Nearest:
    starts = target.nearest(job.draws, job.starts)
    n, count, d = starts.shape
    row = torch.arange(n, device=job.device).repeat_interleave(count)
    ends = polish(target.rows(row), starts.reshape(n * count, d), job.steps, job.domain)
    best = ends.error.view(n, count).argmin(dim=1) + count * torch.arange(n, device=job.device)
    spent = ends.evaluations.view(n, count).sum(dim=1) + len(job.draws.z)
    trace = [(spent, ends.error[best])]
    return Nearest(ends.z[best], ends.error[best], spent, torch.ones(n, dtype=torch.bool), trace)


def _polish(target: Target, found: Nearest, job: Job) -> Polished:
    """Polish, or only look where the method is to be shown as it is."""
    steps = job.polish if job.method == "bfgs" else 0
    return polish(target, found.z, steps, job.domain)


def _report(
    model: LatentModel, pixels: torch.Tensor, target: Target, at: Polished, found: Nearest, method: str
) -> dict[str, Array]:
    n = len(pixels)
    trace_at, trace = (torch.stack(t, 1) for t in zip(*found.trace, strict=True))
    with torch.no_grad():
        images = torch.cat([target.rows(rows).decode(at.z[rows]) for rows in torch.arange(n).split(UNIT)])
    squared = (images - pixels).square()
    z = at.z.view(n, *model.latent_shape)
    reasons = [_reason(target, at, found, row, method) for row in range(n)]
    result = {
        "latent": z,
        "image": images,
        "error": squared.double().flatten(1).mean(dim=1),
        "pixel_error": squared,
        "objective": at.error / target.width,
        "gradient_norm": 2 * torch.linalg.vector_norm(at.half, dim=1) / target.width,
        "removable": at.removable,
        "log_prior": model.log_prior(z).double(),
        "norm": torch.linalg.vector_norm(at.z.double(), dim=1),
        "log_volume": _log_volume(at.normal),
        "evaluations": found.trace[-1][0],
        "trace_evaluations": trace_at,
        "trace_objective": trace / target.width,
    }
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in result.items()}
    arrays["shell_pvalue"] = _shell_pvalue(model, arrays["norm"])
    arrays["success"] = np.array([good for good, _ in reasons])
    arrays["reason"] = np.array([text for _, text in reasons])
    if target.labels is not None:
        arrays["label"] = target.labels.cpu().numpy()
    return arrays


def _reason(target: Target, at: Polished, found: Nearest, row: int, method: str) -> tuple[bool, str]:
    """Return whether a row's search ended well, and why."""
    error, removable = float(at.error[row]), float(at.removable[row])
    if not math.isfinite(error):
        return False, "the decoder's image is not finite here"
    if error <= EXACT * float(variance(target.x[row : row + 1])):
        return True, "an exact fit"
    if not bool(at.normal[row].any()):
        return False, "the decoder has no gradient here"
    if removable <= _STATIONARY:
        return True, "the residual is orthogonal to the manifold"
    if bool(found.settled[row]):
        return True, "all starts ended at the same point"
    before = float(found.trace[-3][1][row]) if len(found.trace) > 2 else math.inf
    if method == "bfgs" and error >= before * (1 - _STALLED):
        return True, f"another round of restarts lowered the error by less than {100 * _STALLED:g} %"
    return False, "the steps ended while the error was still falling"


def _log_volume(normal: torch.Tensor) -> torch.Tensor:
    if bool(normal.isnan().any()):
        return torch.full((len(normal),), torch.nan, dtype=torch.float64)
    values = torch.linalg.eigvalsh(normal)
    lost = (values <= _RANK * values[:, -1:].clamp(min=1e-300)).any(dim=1)
    volume = values.clamp(min=1e-300).log().sum(dim=1) / 2
    return torch.where(lost, -torch.inf, volume)


def _shell_pvalue(model: LatentModel, norm: Floats) -> Floats:
    if prior_of(model) != "normal":
        return np.full(len(norm), np.nan)
    law = chi2(math.prod(model.latent_shape))
    return 2 * np.minimum(law.cdf(norm**2), law.sf(norm**2))
