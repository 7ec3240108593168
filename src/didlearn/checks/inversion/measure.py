"""The numbers of the inversion check."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from didlearn.arrays import Floats
from didlearn.audit.subject import Subject
from didlearn.checks.baselines import autoencoder_error, neighbour_error, subspace_of
from didlearn.checks.groups import estimate_key
from didlearn.checks.inversion.controls import Controls, Search
from didlearn.checks.inversion.inverted import Inverted, relative_error
from didlearn.checks.inversion.mild import Changes, mild_error
from didlearn.checks.inverting import find
from didlearn.inversion.invert import Inversion
from didlearn.models.base import LatentModel
from didlearn.models.prior import prior_of
from didlearn.result.values import Estimate, Estimates, exactly
from didlearn.rng import Stream
from didlearn.statistics.intervals import proportion
from didlearn.statistics.medians import median, median_ratio, recovery_gap

Groups = dict[str, Inverted]
_PER_PIXEL = "squared pixel"
_BEYOND = 0.99
_BALL = 0.99  # of the prior's mass
_SHELL = 0.05


def error_estimates(groups: Groups, rng: Stream, level: float) -> Estimates:
    """Each group's median error, and how the training images' stands to the others'."""
    train, generated = groups["train"], groups["generated"]
    found = {
        estimate_key("error", name): median(group.found.error, level, _PER_PIXEL) for name, group in groups.items()
    }
    if np.median(generated.found.error) > 0:  # unrounded points of its own may be found to the last bit
        found["ratio_generated"] = median_ratio(
            train.found.error, generated.found.error, rng.numpy("ratio"), level=level
        )
    if train.published is not None and generated.published is not None:
        found |= _published(train.found.error, train.published.error, generated.published.error, rng, level)
    if "held-out" in groups:
        found |= recovery_gap(train.found.error, groups["held-out"].found.error, rng.numpy("gap"), level)
    return found


def _published(ours: Floats, theirs: Floats, generated: Floats, rng: Stream, level: float) -> Estimates:
    """What the published protocol makes of training (``theirs``) and generated images, and what ours leaves of it."""
    left = median_ratio(ours, theirs, rng.numpy("distance left"), paired=True, level=level)
    return {
        "error_train_published": median(theirs, level, _PER_PIXEL),
        "error_generated_published": median(generated, level, _PER_PIXEL),
        "ratio_generated_published": median_ratio(theirs, generated, rng.numpy("published ratio"), level=level),
        "distance_left": left.model_copy(update={"unit": "fraction"}),
    }


def likely_estimates(search: Search, train: Inverted) -> Estimates:
    """The training images' error if the latent must stay where a normal prior has mass: in the ball of 99 % of it."""
    if prior_of(search.model) != "normal":
        return {}
    found = find(
        search.subject, "train, within the prior", train.images, search.effort, clip=_BALL, labels=train.classes
    )
    error = median(found.error, search.level, _PER_PIXEL)
    return {"error_train_likely": error.model_copy(update={"method": f"‖z‖² within χ²'s {_BALL:g} quantile"})}


def feature_estimates(search: Search, groups: Groups, rng: Stream) -> Estimates:
    """How near the generator comes in the features of the subject's embedding: medians of mean squared differences."""
    loss, level = search.subject.embedding, search.level
    errors = {
        name: find(
            search.subject, f"{name}, in features", groups[name].images, search.effort, labels=groups[name].classes,
            loss=loss,
        ).objective
        for name in ("train", "held-out", "generated") if name in groups
    }  # fmt: skip
    found = {
        estimate_key("feature_error", name): median(error, level, f"squared feature of {loss.name}")
        for name, error in errors.items()
    }
    ratio = median_ratio(errors["train"], errors["generated"], rng.numpy("feature ratio"), level=level)
    return found | {"feature_ratio_generated": ratio}


def mapped_estimates(search: Search, groups: Groups) -> Estimates:
    """How near the generator comes, searched in w, and how far these w lie from the mapped prior."""
    found, level = {}, search.level
    for name in ("train", "held-out", "generated"):
        if name in groups:
            group = groups[name]
            nearest = find(search.subject, f"{name}, in w", group.images, search.effort, space="w")
            assert nearest.mapped_distance is not None
            assert nearest.mapped_share is not None
            found[estimate_key("mapped_error", name)] = median(nearest.error, level, _PER_PIXEL)
            found[estimate_key("mapped_distance", name)] = median(nearest.mapped_distance, level, "of the median")
            if name == "train":
                beyond = int((nearest.mapped_share < 1 - _BEYOND).sum())
                found["mapped_outside"] = proportion(beyond, len(group.images), level)
    return found


def own_errors(groups: Groups, controls: Controls) -> Floats:
    """The errors of the model's own images, generated and planted, (n,)."""
    return np.concatenate([groups["generated"].found.error, controls.found.error])


def error_limit(own: Floats) -> float:
    """The error that 99 % of the model's own images do not exceed."""
    return float(np.quantile(own, _BEYOND))


def manifold_estimates(groups: Groups, own: Floats, level: float) -> Estimates:
    """How many training images lie beyond the model's own, and what freedom explains."""
    train, limit = groups["train"], error_limit(own)
    count = len(train.images)
    found = {
        "off_manifold": proportion(int((train.found.error > limit).sum()), count, level),
        "own_error_limit": exactly(limit, level, len(own), "99th percentile of its own images", _PER_PIXEL),
    } | noise_estimates(train, groups["noise"], level)
    unlikely = unlikely_latents(train.found)
    return found if unlikely is None else found | {"outside_shell": proportion(unlikely, count, level)}


def noise_estimates(train: Inverted, noise: Inverted, level: float) -> Estimates:
    """How much of noise is fitted by freedom alone, and how much better training images are."""
    D, d = train.images[0].size, math.prod(train.found.latent.shape[1:])
    fit = median(relative_error(noise.found, noise.images), level, "of the variance")
    kept = float(np.median(relative_error(train.found, train.images)))
    assert fit.value is not None
    normalised = (1 - kept) / max(1 - fit.value, 1e-12)
    method = "(1 − R_train) / (1 − R_noise)"
    return {
        "noise_fit": fit,
        "noise_fit_linear": exactly(1 - d / D, level, D, "1 − d/D, a linear generator's", "of the variance"),
        "degrees_of_freedom": degrees_of_freedom(fit, D),
        "normalised_fit": exactly(normalised, level, len(train.images), method, "ratio"),
    }


def degrees_of_freedom(fit: Estimate, D: int) -> Estimate:
    """D (1 − R_noise). An open end of R_noise is the end of what a share can be: all of the noise fitted, or none."""
    assert fit.value is not None
    left = (fit.low_or(0.0), fit.value, fit.high_or(1.0))
    high, value, low = (D * (1 - min(share, 1.0)) for share in left)
    method = "D (1 − noise_fit)"
    return Estimate(value=value, low=low, high=high, level=fit.level, n=fit.n, method=method, unit="dimensions")


def unlikely_latents(found: Inversion) -> int | None:
    """How many points found have a norm that the prior makes unlikely; ``None`` where the prior is not normal."""
    return None if np.isnan(found.shell_pvalue).any() else int((found.shell_pvalue < _SHELL).sum())


class Summary(NamedTuple):
    """A group in a line: medians, and shares of its images. ``None``: it was not measured."""

    images: int
    error: float
    psnr: float
    published: float | None
    beyond: float
    unlikely: float | None
    density: float | None
    ended: float
    passes: float


def summarise(group: Inverted, limit: float) -> Summary:
    """Put a group in a line; ``limit`` is the error of the model's own images."""
    found, error = group.found, float(np.median(group.found.error))
    unlikely = unlikely_latents(found)
    return Summary(
        images=len(group.images),
        error=error,
        psnr=-10 * math.log10(max(error, 1e-300)),
        published=None if group.published is None else float(np.median(group.published.error)),
        beyond=float((found.error > limit).mean()),
        unlikely=None if unlikely is None else unlikely / len(found),
        density=median_density(found),
        ended=float(found.success.mean()),
        passes=float(np.median(found.evaluations)),
    )


def median_density(found: Inversion) -> float | None:
    """The median of log p(z) − ½ log det JᵀJ where it is finite, in nats; ``None`` where it nowhere is."""
    finite = np.isfinite(found.log_volume)
    return float(np.median((found.log_prior - found.log_volume)[finite])) if finite.any() else None


class Others(NamedTuple):
    """What else comes near to a group's images: mean squared errors per pixel, (n,) each."""

    subspace: Floats
    neighbour: Floats
    autoencoder: Floats | None


def others_of(subject: Subject, group: Inverted) -> Others:
    """The errors of the best subspace of the latent's dimension, the nearest training image, and an autoencoder."""
    assert isinstance(subject.model, LatentModel)
    subspace = subspace_of(subject, math.prod(subject.model.latent_shape))
    return Others(
        subspace.error(group.images.reshape(len(group.images), -1)),
        neighbour_error(subject, group.images, group.index),
        autoencoder_error(subject, group.images),
    )


def others_estimates(others: dict[str, Others], level: float) -> Estimates:
    """The medians of what else comes near to training and held-out images."""
    found = {}
    for name in ("train", "held-out"):
        for kind, error in others[name]._asdict().items() if name in others else ():
            if error is not None:
                found[estimate_key(kind, name)] = median(error, level, _PER_PIXEL)
    return found


class Made(NamedTuple):
    """Training images in the currency of the same picture.

    Attributes:
        images: inverted. same: of which the generator makes one up to a mild change. holes: to which the nearest that
            it makes is no nearer than another real image. mild: the error of such a change.
    """

    images: int
    same: int
    holes: int
    mild: float

    def share_made(self, level: float) -> Estimate:
        """Return the share made up to a mild change."""
        return proportion(self.same, self.images, level)

    def share_holes(self, level: float) -> Estimate:
        """Return the share that another real image comes as near to."""
        return proportion(self.holes, self.images, level)

    def estimates(self, level: float) -> Estimates:
        """Return both, and what lies between."""
        between = self.images - self.same - self.holes
        return {
            "made": self.share_made(level),
            "holes": self.share_holes(level),
            "between": proportion(max(0, between), self.images, level),
            "mild_error": exactly(
                self.mild, level, self.images, "95 % of mildly changed copies lie nearer", _PER_PIXEL
            ),
        }


def made_of(train: Inverted, others: Others, changes: Changes | None = None) -> Made:
    """Count the training images that the generator makes, and those it leaves a hole at.

    Args:
        train: the images. others: what else comes near. changes: of points, what changes them mildly.
    """
    error, mild = train.found.error, mild_error(train.images, others.neighbour, changes)
    same, holes = _made(error, others.neighbour, mild), int((error >= others.neighbour).sum())
    return Made(len(error), same, holes, mild)


def made_beside(groups: Groups, others: dict[str, Others], mild: float, level: float) -> Estimates:
    """Return, by the same rule, the share made of held-out images, and of training images by other manifolds.

    Args:
        groups, others: what was inverted, and what else comes near. mild: error of a mild change. level: of intervals.
    """
    asked = {f"made_{kind}": ("train", getattr(others["train"], kind)) for kind in ("subspace", "autoencoder")}
    if "held-out" in groups:
        asked = {"made_heldout": ("held-out", groups["held-out"].found.error)} | asked
    return {
        name: proportion(_made(error, others[group].neighbour, mild), len(error), level)
        for name, (group, error) in asked.items()
        if error is not None
    }


def _made(error: Floats, neighbour: Floats, mild: float) -> int:
    return int(((error <= mild) & (error < neighbour)).sum())
