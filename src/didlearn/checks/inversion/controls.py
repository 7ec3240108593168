"""Does the search find a nearest point? Controls whose answer is known, and their success rates.

An error says that an image is off the manifold only if the same search, at the same effort, finds points that are
known to be there (after papers' reviewers asked): exactly on the manifold, at the distance training images have from
it, farther out than the prior reaches, and between an image and the point found for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.checks.groups import Group
from didlearn.checks.inverting import Effort, find
from didlearn.checks.targets import planted, with_noise
from didlearn.derivatives.jacobian import hessian
from didlearn.inversion.invert import Inversion
from didlearn.inversion.target import Target
from didlearn.models.base import LatentModel
from didlearn.result.values import Estimate
from didlearn.rng import Stream
from didlearn.statistics.intervals import proportion

_RECOVERED = 1e-4  # of the image's variance
_RADII = (0.5, 1.5)
_ROUNDING = 1 / 12 / 255**2  # mean square of rounding to 8 bits: less noise than that is none
_SEGMENT = 0.5
_SLACK = 1e-3
_FLAT = 1e-4  # curvature relative to the largest


@dataclass(frozen=True, eq=False)
class Controls:
    """What the controls showed.

    Attributes:
        exact: errors of planted images, relative to their variance, (n,). exact_published: by the published protocol.
        success: rates by name, each an ``Estimate``.
        found: the planted images' inversions. images: the planted images.
        noise_ratio: recovered error of planted + noise over the noise's (1 − d/D), the median.
    """

    images: Array
    found: Inversion
    exact: Array
    success: dict[str, Estimate]
    noise_ratio: float


def run_controls(
    subject: Subject, train: Group, count: int, effort: Effort, published: bool, rng: Stream, level: float
) -> Controls:
    """Plant images, search for them as for any other, and count the successes."""
    model = subject.model
    assert isinstance(model, LatentModel)
    images = planted(model, count, rng.child("planted"), subject.device)
    found = find(subject, "planted images", images, effort)
    exact = _relative(found, images)
    success = {"recovered": _rate(exact < _RECOVERED, level)}
    if published:
        theirs = _relative(find(subject, "planted images", images, effort, "adam"), images)
        success["recovered_published"] = _rate(theirs < _RECOVERED, level)
    few = max(4, count // 3)
    for radius in _RADII:
        far = planted(model, few, rng.child("radius", str(radius)), subject.device, radius)
        success[f"recovered_{radius:g}"] = _rate(
            _relative(find(subject, f"planted at {radius:g}", far, effort), far) < _RECOVERED, level
        )
    strength = max(float(np.median(train.found.error)), _ROUNDING)
    noisy, added = with_noise(images, strength, rng.numpy("planted noise"))
    near = find(subject, "planted images with noise", noisy, effort)
    success["recovered_noisy"] = _rate(near.error <= added * (1 + _SLACK), level)
    size, latent = images[0].size, int(np.prod(model.latent_shape))
    ratio = float(np.median(near.error / added)) / max(1 - latent / size, 1 / size)
    success["segments_consistent"] = _segments(subject, train, few, effort, level)
    success["no_way_down"] = _curvature(model, train, few, subject.device, level)
    return Controls(images, found, exact, success, ratio)


def _relative(found: Inversion, images: Array) -> Array:
    variance = images.reshape(len(images), -1).astype(np.float64).var(axis=1)
    return found.error / np.maximum(variance, 1e-12)


def _rate(successes: Array, level: float) -> Estimate:
    return proportion(int(successes.sum()), len(successes), level)


def _segments(subject: Subject, train: Group, count: int, effort: Effort, level: float) -> Estimate:
    """If ẑ is nearest to x, it is nearest to every point between G(ẑ) and x: a better one found there is a proof."""
    start, x = train.found.image[:count], train.images[:count]
    between = (1 - _SEGMENT) * start + _SEGMENT * x
    found = find(subject, "points on the way", between.astype(np.float32), effort)
    bound = np.square(between.astype(np.float64) - start).reshape(len(x), -1).mean(axis=1)
    return _rate(found.error >= bound * (1 - _SLACK), level)


def _curvature(model: LatentModel, train: Group, count: int, device: str, level: float) -> Estimate:
    """Whether JᵀJ + Σ r ∇²G has no direction that curves downwards at ẑ: where it has, ẑ is no local minimum.

    Directions the decoder all but ignores have curvatures that rounding may turn: they do not count.
    """
    found = train.found.subset(slice(0, count))
    labels = None if found.label is None else torch.from_numpy(found.label).to(device)
    x = torch.from_numpy(train.images[:count]).flatten(1).to(device)
    target = Target(model, x, labels)
    rows = torch.arange(len(x)).split(4)
    z = torch.from_numpy(found.latent).flatten(1).to(device)
    values = torch.cat([torch.linalg.eigvalsh(hessian(target.rows(index), z[index])) for index in rows])
    return _rate((values[:, 0] > -_FLAT * values[:, -1].abs()).cpu().numpy(), level)
