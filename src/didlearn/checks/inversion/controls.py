"""Does the search find a nearest point? Controls whose answer is known, and their success rates.

An error says that an image is off the manifold only if the same search, at the same effort, finds points that are
known to be there (after papers' reviewers asked): exactly on the manifold, at the distance training images have from
it, farther out than the prior reaches, and between an image and the point found for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from didlearn.arrays import Flags, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.inversion.inverted import Inverted, relative_error
from didlearn.checks.inverting import SearchEffort, find
from didlearn.checks.targets import planted, planted_labels, with_noise
from didlearn.derivatives.jacobian import hessian
from didlearn.derivatives.starts import Draws
from didlearn.inversion.invert import Inversion, SearchMethod
from didlearn.inversion.target import Target, graph_of
from didlearn.models.base import LatentModel
from didlearn.models.latents.fixed_noise import with_fixed_noise
from didlearn.models.prior import prior_of
from didlearn.result.values import Estimate, exactly
from didlearn.rng import Stream
from didlearn.statistics.intervals import proportion

_FOUND_AGAIN = 1e-4  # of the image's variance
_PRIOR_RADII = (0.5, 1.5)
_ROUNDING_ERROR = 1 / 12 / 255**2  # mean square of rounding to 8 bits: less noise than that is none
_SEGMENT = 0.5
_LEEWAY = 1e-3  # of an error, for rounding
_FLAT = 1e-4  # curvature relative to the largest
_TOGETHER = 4  # images whose Hessians are held at once


@dataclass(frozen=True, eq=False)
class Controls:
    """What the controls showed.

    Attributes:
        images: the planted images. found: their inversions.
        success: rates by name.
        noise_recovered: recovered error of planted + noise over the noise's (1 − d/D), the median: 1 for a linear
            generator.
    """

    images: Singles
    found: Inversion
    success: dict[str, Estimate]
    noise_recovered: Estimate

    @property
    def estimates(self) -> dict[str, Estimate]:
        """All of them by name."""
        return {**self.success, "noise_recovered": self.noise_recovered}


class Search(NamedTuple):
    """Whose manifold is searched, how hard, the level of the rates, and whether every class is tried."""

    subject: Subject
    effort: SearchEffort
    level: float
    every: bool = False

    @property
    def model(self) -> LatentModel:
        """The subject's model."""
        assert isinstance(self.subject.model, LatentModel)
        return self.subject.model

    def find(self, name: str, images: Singles, classes: Ints | None, method: SearchMethod = "bfgs") -> Inversion:
        """Invert images (n, C, H, W), each under its class (n,)."""
        return find(self.subject, name, images, self.effort, method, labels=classes)

    def plant(self, count: int, rng: Stream, radius: float = 1.0) -> tuple[Singles, Ints | None]:
        """Decode ``count`` prior draws, scaled by ``radius``; return the images, and the classes to find them under."""
        classes = None if self.every else planted_labels(self.model, count, rng)
        return planted(self.model, count, rng, self.subject.device, radius), classes

    def rate(self, successes: Flags) -> Estimate:
        """Return the share of successes (n,)."""
        return proportion(int(successes.sum()), len(successes), self.level)


def run_controls(search: Search, train: Inverted, count: int, published: bool, rng: Stream) -> Controls:
    """Plant images, search for them as for any other, and count the successes."""
    images, classes = search.plant(count, rng.child("planted"))
    found, few = search.find("planted images", images, classes), max(4, count // 3)
    success = {"recovered": found_again(search, found, images)}
    if published:
        theirs = search.find("planted images", images, classes, "adam")
        success["recovered_published"] = found_again(search, theirs, images)
    for radius in _radii(search):
        far, under = search.plant(few, rng.child("radius", str(radius)), radius)
        success[f"recovered_{radius:g}"] = found_again(search, search.find(f"planted at {radius:g}", far, under), far)
    success["recovered_noisy"], ratio = noisy_found(search, images, classes, train, rng.numpy("planted noise"))
    success["segments_consistent"] = segments_consistent(search, train, few)
    success["no_way_down"] = no_way_down(search, train, few)
    return Controls(images, found, success, ratio)


def _radii(search: Search) -> tuple[float, ...]:
    """How far prior draws are shrunk and stretched: beyond the box of a uniform prior nothing is to be found."""
    return tuple(radius for radius in _PRIOR_RADII if radius <= 1 or prior_of(search.model) != "uniform")


def found_again(search: Search, found: Inversion, images: Singles) -> Estimate:
    """How many of the planted images were found, up to what float32 rounds away."""
    return search.rate(relative_error(found, images) < _FOUND_AGAIN)


def noisy_found(
    search: Search, images: Singles, classes: Ints | None, train: Inverted, rng: np.random.Generator
) -> tuple[Estimate, Estimate]:
    """Plant images with noise as strong as the training images' error.

    Returns:
        How many were found at least as near as they were planted, and the median of the recovered error over the
        noise's (1 − d/D): what a linear generator of that latent leaves of white noise.
    """
    scale = float(train.images.var(axis=0).mean()) if search.subject.points else 1.0
    strength = max(float(np.median(train.found.error)), _ROUNDING_ERROR * scale)
    noisy, added = with_noise(images, strength, rng)
    near = search.find("planted images with noise", noisy, classes)
    D, d = images[0].size, int(np.prod(search.model.latent_shape))
    ratio = float(np.median(near.error / added)) / max(1 - d / D, 1 / D)
    method = "recovered error over the noise's (1 − d/D)"
    found = exactly(ratio, search.level, len(images), method, "ratio")
    return search.rate(near.error <= added * (1 + _LEEWAY)), found


def segments_consistent(search: Search, train: Inverted, count: int) -> Estimate:
    """If ẑ is nearest to x, it is nearest to every point between G(ẑ) and x: a better one found there is a proof."""
    start, x = train.found.image[:count], train.images[:count]
    between = (1 - _SEGMENT) * start + _SEGMENT * x
    # Where all classes were tried, the point found is of one of them, and another's may lie nearer on the way.
    classes = None if train.classes is None else train.classes[:count]
    found = search.find("points on the way", between.astype(np.float32), classes)
    bound = np.square(between.astype(np.float64) - start).reshape(len(x), -1).mean(axis=1)
    return search.rate(found.error >= bound * (1 - _LEEWAY))


def no_way_down(search: Search, train: Inverted, count: int) -> Estimate:
    """Whether JᵀJ + Σ r ∇²G has no direction that curves downwards at ẑ: where it has, ẑ is no local minimum.

    Directions the decoder all but ignores have curvatures that rounding may turn: they do not count.
    """
    found, device = train.found.subset(slice(0, count)), search.subject.device
    labels = None if found.label is None else torch.from_numpy(found.label).to(device)
    x = torch.from_numpy(train.images[:count]).flatten(1).to(device)
    z = torch.from_numpy(found.latent).flatten(1).to(device)
    model = with_fixed_noise(search.model)
    target = Target(model, x, labels)
    rows = torch.arange(len(x)).split(_TOGETHER)
    row = graph_of(model, None, Draws(z))
    values = torch.cat([torch.linalg.eigvalsh(hessian(target.rows(index), z[index], row)) for index in rows])
    return search.rate((values[:, 0] > -_FLAT * values[:, -1].abs()).cpu().numpy())
