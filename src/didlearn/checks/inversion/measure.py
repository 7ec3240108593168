"""The estimates and tables of the inversion check."""

from __future__ import annotations

import math

import numpy as np

from didlearn.audit.subject import Subject
from didlearn.checks.baselines import autoencoder_error, neighbour_error, subspace_of
from didlearn.checks.groups import Group
from didlearn.checks.inversion.controls import Controls
from didlearn.checks.inverting import Effort, find
from didlearn.models.base import LatentModel
from didlearn.models.prior import prior_of
from didlearn.result.parts import Parts
from didlearn.result.values import Cell, Estimate, Table, exactly
from didlearn.rng import Stream
from didlearn.statistics.intervals import proportion
from didlearn.statistics.medians import median, median_ratio, recovery_gap

Groups = dict[str, Group]
_PER_PIXEL = "squared pixel"
_BEYOND = 0.99
_BALL = 0.99  # of the prior's mass
_SHELL = 0.05
_MEANING = {
    "recovered": "exactly on the manifold, found again (error below 10⁻⁴ of the variance)",
    "recovered_published": "the same, by the published protocol",
    "recovered_0.5": "planted at half the prior's radius",
    "recovered_1.5": "planted at 1.5 times the prior's radius",
    "recovered_noisy": "planted, with noise as strong as the training error: a point at least as near found",
    "segments_consistent": "halfway to a training image, nothing nearer found than the point found for the image",
    "no_way_down": "no direction at the point found for a training image in which the error curves downwards",
}


def key(name: str) -> str:
    """Return the estimate's name of a group's median error."""
    return "error_" + {"held-out": "heldout"}.get(name, name)


def error_parts(groups: Groups, rng: Stream, level: float) -> Parts:
    """Each group's median error, and how the training images' stands to the others'."""
    found = {key(name): median(group.found.error, level, _PER_PIXEL) for name, group in groups.items()}
    train, generated = groups["train"], groups["generated"]
    found["ratio_generated"] = median_ratio(train.found.error, generated.found.error, rng.numpy("ratio"), level=level)
    if train.published is not None and generated.published is not None:
        theirs = train.published.error, generated.published.error
        found["error_train_published"] = median(theirs[0], level, _PER_PIXEL)
        found["error_generated_published"] = median(theirs[1], level, _PER_PIXEL)
        found["ratio_generated_published"] = median_ratio(*theirs, rng.numpy("published ratio"), level=level)
        found["distance_left"] = median_ratio(
            train.found.error, theirs[0], rng.numpy("distance left"), paired=True, level=level
        )
    if "held-out" in groups:
        found |= recovery_gap(train.found.error, groups["held-out"].found.error, rng.numpy("gap"), level)
    return Parts(found)


def likely_parts(subject: Subject, train: Group, effort: Effort, level: float) -> Parts:
    """The training images' error if the latent must stay where a normal prior has mass: in the ball of 99 % of it."""
    assert isinstance(subject.model, LatentModel)
    if prior_of(subject.model) != "normal":
        return Parts()
    found = find(subject, "train, within the prior", train.images, effort, clip=_BALL)
    error = median(found.error, level, _PER_PIXEL)
    return Parts({"error_train_likely": error.model_copy(update={"method": f"‖z‖² within χ²'s {_BALL:g} quantile"})})


def manifold_parts(groups: Groups, controls: Controls, level: float) -> Parts:
    """How many training images lie beyond the model's own, and what freedom explains."""
    own = np.concatenate([groups["generated"].found.error, controls.found.error])
    limit = float(np.quantile(own, _BEYOND))
    train = groups["train"]
    D, d = train.images[0].size, math.prod(train.found.latent.shape[1:])
    noise, variance = groups["noise"].found.error, groups["noise"].variance
    fit = median(noise / np.maximum(variance, 1e-12), level, "of the variance")
    kept = float(np.median(train.found.error / np.maximum(train.variance, 1e-12)))
    assert fit.value is not None
    low, high = (D * (1 - (1.0 if end is None else min(end, 1.0))) for end in (fit.high, fit.low or 0.0))
    estimates = {
        "off_manifold": proportion(int((train.found.error > limit).sum()), len(train.images), level),
        "own_error_limit": exactly(limit, level, len(own), "99th percentile of its own images", _PER_PIXEL),
        "noise_fit": fit,
        "noise_fit_linear": exactly(1 - d / D, level, D, "1 − d/D, a linear generator's", "of the variance"),
        "degrees_of_freedom": Estimate(
            value=D * (1 - min(fit.value, 1.0)), low=min(low, D * (1 - min(fit.value, 1.0))),
            high=max(high, D * (1 - min(fit.value, 1.0))), level=level, n=len(noise),
            method="D (1 − noise_fit)", unit="dimensions",
        ),
        "normalised_fit": exactly(
            (1 - kept) / max(1 - fit.value, 1e-12), level, len(train.images), "(1 − R_train) / (1 − R_noise)", "ratio"
        ),
    }  # fmt: skip
    if not np.isnan(train.found.shell_pvalue).any():
        unlikely = int((train.found.shell_pvalue < _SHELL).sum())
        estimates["outside_shell"] = proportion(unlikely, len(train.images), level)
    return Parts(estimates, tables=(_group_table(groups, limit),))


def _group_table(groups: Groups, limit: float) -> Table:
    def row(group: Group) -> tuple[Cell, ...]:
        error, found = float(np.median(group.found.error)), group.found
        shell = None if np.isnan(found.shell_pvalue).any() else float((found.shell_pvalue < _SHELL).mean())
        finite = np.isfinite(found.log_volume)
        density = float(np.median((found.log_prior - found.log_volume)[finite])) if finite.any() else None
        published = None if group.published is None else float(np.median(group.published.error))
        return (
            group.name, len(group.images), error, -10 * math.log10(max(error, 1e-300)), published,
            float((found.error > limit).mean()), shell, density, float(found.success.mean()),
            float(np.median(found.evaluations)),
        )  # fmt: skip

    return Table(
        name="groups",
        title="How near the generator comes",
        columns=(
            "images", "n", "median error", "PSNR (dB)", "by the published protocol", "beyond its own images",
            "‖z‖ unlikely", "log density of the points", "search ended", "decoder passes",
        ),
        rows=tuple(row(group) for group in groups.values()),
        caption="Error: mean squared difference per pixel, pixels in [0, 1]. Beyond its own images: above the 99th "
        "percentile of generated and planted ones. ‖z‖ unlikely: two-sided p of ‖z‖² under the prior below 5 %. "
        "Log density: log p(z) − ½ log det JᵀJ, in nats, along the manifold.",
        csv="inversion.csv",
    )  # fmt: skip


def control_parts(controls: Controls, estimates_noise: str = "noise_recovered") -> Parts:
    """The success rates, as estimates and as a table."""
    rows = tuple(
        (_MEANING.get(name, name), rate.n, rate.value, rate.low, rate.high) for name, rate in controls.success.items()
    )
    table = Table(
        name="controls",
        title="Would the search have found them?",
        columns=("planted", "n", "success", "at least", "at most"),
        rows=rows,
        caption="An error tells how far an image is from the manifold only as far as the search finds what is there.",
    )
    ratio = exactly(
        controls.noise_ratio, 0.95, len(controls.images), "recovered error over the noise's (1 − d/D)", "ratio"
    )
    return Parts({**controls.success, estimates_noise: ratio}, tables=(table,))


def baseline_parts(subject: Subject, groups: Groups, level: float) -> Parts:
    """The generator beside the best subspace of its dimension, the nearest training image, and an autoencoder."""
    assert isinstance(subject.model, LatentModel)
    dimension = math.prod(subject.model.latent_shape)
    subspace = subspace_of(subject, dimension)
    rows, estimates = [], {}
    for name, group in groups.items():
        linear = subspace.error(group.images.reshape(len(group.images), -1))
        near = neighbour_error(subject, group.images, group.index)
        auto = autoencoder_error(subject, group.images)
        rows.append(
            (name, float(np.median(group.found.error)), float(np.median(linear)), float(np.median(near)))
            + ((float(np.median(auto)),) if auto is not None else ())
        )
        if name in ("train", "held-out"):
            which = key(name).removeprefix("error_")
            estimates[f"subspace_{which}"] = median(linear, level, _PER_PIXEL)
            estimates[f"neighbour_{which}"] = median(near, level, _PER_PIXEL)
            if auto is not None:
                estimates[f"autoencoder_{which}"] = median(auto, level, _PER_PIXEL)
    columns = ("images", "generator", f"best {dimension}-dimensional subspace", "nearest training image")
    table = Table(
        name="baselines",
        title="What else comes near",
        columns=columns + (("autoencoder",) if subject.autoencoder is not None else ()),
        rows=tuple(rows),
        caption="Median squared error per pixel. The subspace is that of the training images' principal components; "
        "a training image is not its own neighbour.",
    )
    return Parts(estimates, tables=(table,))
