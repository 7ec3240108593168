"""Log densities of groups of images under a generator that knows its own, once for every check that asks.

8-bit images are asked as the data are: k becomes (k + u)/256. Where the density is exact, log (1/K) Σ p((k + u)/256) of
several draws of u comes nearer to the log-probability of the bytes than one draw does (Theis, van den Oord & Bethge
2016; Burda et al. 2016); of a random estimate one draw is taken, since the mean of exponentials would be biased.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.special import logsumexp

from didlearn.arrays import Array, Floats, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import content_of
from didlearn.checks.log_likelihood.bounds import Likelihoods
from didlearn.checks.log_likelihood.images import chosen_raw, dequantised
from didlearn.checks.targets import planted
from didlearn.images.base import Images
from didlearn.models.base import LatentModel
from didlearn.models.known.density import has_density, is_estimated, own_log_density
from didlearn.models.pool import map_models
from didlearn.rng import Stream
from didlearn.units.records import records_in

_DRAWS = 8
_PROBED = 30  # passes: every step undone, and pulled back along the probes
_TOGETHER = 8  # images
RawGroups = dict[str, Array]


def knows_density(subject: Subject) -> bool:
    """Tell whether the generator has a density of its own."""
    return isinstance(subject.model, LatentModel) and has_density(subject.model)


def draws_of(subject: Subject) -> int:
    """Return how often an 8-bit image is dequantised."""
    assert isinstance(subject.model, LatentModel)
    return 1 if is_estimated(subject.model) else _DRAWS


def passes_of_density(subject: Subject) -> float:
    """Return about how many passes through the decoder the density of one image takes."""
    assert isinstance(subject.model, LatentModel)
    return _PROBED if is_estimated(subject.model) else draws_of(subject)


def stored_groups(subject: Subject, count: int) -> RawGroups:
    """Return training, held-out and outside images as they are stored, (n, C, H, W)."""
    assert subject.train is not None
    assert subject.heldout is not None
    sets: dict[str, Images] = {"train": subject.train, "held-out": subject.heldout, **subject.comparable}
    return {name: chosen_raw(subject, name, images, count) for name, images in sets.items()}


def own_stored(subject: Subject, count: int, like: Array, name: str = "generated") -> Array:
    """Draw images of the model, rounded to 8 bits where real ones are: what a perfect generator's data are."""
    assert isinstance(subject.model, LatentModel)
    clean = planted(subject.model, count, Stream(subject.seed, ("density", name)), subject.device)
    if like.dtype != np.uint8:
        return clean
    return np.rint(np.clip(clean, 0, 1) * 255).astype(np.uint8)


def known_log_density(subject: Subject, name: str, raw: Array) -> Floats:
    """Return log p of images (n, C, H, W) as they are stored, in nats for pixels in [0, 1]: (n,)."""
    draws = draws_of(subject) if raw.dtype == np.uint8 else 1
    passes = passes_of_density(subject) / draws_of(subject)

    def make() -> Floats:
        tell = subject.counting(f"density of {name}", draws * len(raw), passes)

        def under(draw: int) -> Floats:
            x = dequantised(subject, name, raw, draw)
            return _under(subject, x, lambda done: tell(draw * len(raw) + done))

        return np.asarray(logsumexp([under(draw) for draw in range(draws)], axis=0) - math.log(draws))

    return subject.once(("known density", name, content_of(raw), draws), make, draws * len(raw) * passes)


def _under(subject: Subject, x: Singles, tell: Callable[[int], None]) -> Floats:
    assert isinstance(subject.model, LatentModel)

    def work(twin: LatentModel, unit: range) -> dict[str, Array]:
        images = torch.from_numpy(x[unit.start : unit.stop]).to(subject.device)
        return {"nats": own_log_density(twin, images).cpu().numpy()}

    parts = map_models(
        work, subject.model, len(x), unit=_TOGETHER, device=subject.device, threads=subject.threads,
        advance=tell,
        records=records_in(subject.records, subject.model.identity, {"images": x}, {"density": "its own"}),
    )  # fmt: skip
    return np.concatenate([part["nats"] for part in parts])


def known_likelihoods(subject: Subject, groups: RawGroups) -> Likelihoods:
    """Return the log densities (n,) of every group."""
    return {name: known_log_density(subject, name, raw) for name, raw in groups.items()}
