"""Walks between latents, straight and spherical, and what the generator makes on them.

A straight walk is z(t) = (1 − t) z₀ + t z₁. Half way between two normal latents of d dimensions it comes within √(d/2)
of zero, where hardly any latent lies. A spherical walk (White 2016) keeps to where they lie,

    v(t) = (sin((1 − t) ω) v₀ + sin(t ω) v₁) / sin ω,   ω the angle between v₀ and v₁,

in coordinates v in which latents are standard normal; of another prior z = T(v) with T the map that makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from didlearn.arrays import Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.embeddings import embed
from didlearn.models.base import LatentModel
from didlearn.models.drawing import checked, draw_labels
from didlearn.models.latents.normal_map import NormalMap, normal_map
from didlearn.models.prior import prior_of, sample_latents
from didlearn.parallel import UNIT
from didlearn.rng import Stream

SMALL_STEP = 1e-4  # of a walk's length 1: Karras et al. 2019
_PARALLEL = 1e-6  # the sine below which a spherical walk is a straight one
_SMALL_AT = 4  # small steps on each walk


@dataclass(frozen=True, eq=False)
class WalkEnds:
    """Where walks begin and end.

    Attributes:
        first, second: (n, *latent_shape), in the coordinates of ``to_latents``, or latents where there is none.
        labels: (n,) the class of each walk, or ``None``.
        to_latents: from standard normal coordinates to latents, or ``None`` where no map is known.
    """

    first: torch.Tensor
    second: torch.Tensor
    labels: Ints | None
    to_latents: NormalMap | None


def draw_ends(model: LatentModel, count: int, rng: Stream) -> WalkEnds:
    """Draw ``count`` pairs of latents, both of one class where there are classes."""
    to_latents = normal_map(prior_of(model))
    if (
        to_latents is not None
        and tuple(to_latents(torch.zeros(2, *model.latent_shape)).shape[1:]) != model.latent_shape
    ):
        to_latents = None
    if to_latents is None:
        z = model.sample_prior(2 * count, rng)
    else:
        z = sample_latents("normal", model.latent_shape, 2 * count, rng)
    return WalkEnds(z[:count], z[count:], draw_labels(count, model.classes, None, rng), to_latents)


def straight(first: torch.Tensor, second: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Return (n, s, *latent_shape): the places t (n, s) or (s,) in [0, 1] of straight walks."""
    share = _shares(first, t)
    return (1 - share) * first[:, None] + share * second[:, None]


def spherical(first: torch.Tensor, second: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Return (n, s, *latent_shape): the places t (n, s) or (s,) in [0, 1] of spherical walks."""
    flat = torch.nn.functional.normalize(first.double().flatten(1), dim=1)
    other = torch.nn.functional.normalize(second.double().flatten(1), dim=1)
    omega = _shares(first, torch.arccos((flat * other).sum(1).clamp(-1, 1))[:, None].float())
    share, sine = _shares(first, t), omega.sin()
    turned = (((1 - share) * omega).sin() * first[:, None] + (share * omega).sin() * second[:, None]) / sine
    return torch.where(sine.abs() < _PARALLEL, straight(first, second, t), turned)


def _shares(like: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Return t (n, s) or (s,) as (n or 1, s, 1, ...), to be multiplied with (n, s, *latent_shape)."""
    return t.reshape(-1 if t.ndim > 1 else 1, t.shape[-1], *[1] * (like.ndim - 1))


def straight_latents(ends: WalkEnds, t: torch.Tensor) -> torch.Tensor:
    """Return the latents (n, s, *latent_shape) of straight walks."""
    if ends.to_latents is None:
        return straight(ends.first, ends.second, t)
    return straight(ends.to_latents(ends.first), ends.to_latents(ends.second), t)


def spherical_latents(ends: WalkEnds, t: torch.Tensor) -> torch.Tensor | None:
    """Return the latents (n, s, *latent_shape) of spherical walks; ``None`` where no normal coordinates are known."""
    if ends.to_latents is None:
        return None
    places = spherical(ends.first, ends.second, t)
    return ends.to_latents(places.flatten(0, 1)).reshape(places.shape)


def small_steps(ends: WalkEnds, rng: Stream) -> torch.Tensor:
    """Return the latents (n, 2 m, *latent_shape) at m random places of each walk, each beside one a small step on.

    The walks are spherical where there are such, else straight.
    """
    t = torch.rand((len(ends.first), _SMALL_AT), generator=rng.torch("places")) * (1 - SMALL_STEP)
    both = torch.stack([t, t + SMALL_STEP], dim=2).flatten(1)
    turned = spherical_latents(ends, both)
    return straight_latents(ends, both) if turned is None else turned


def decode_and_embed(
    subject: Subject, model: LatentModel, latents: torch.Tensor, labels: Ints | None, keep: int, shown: Ints
) -> tuple[Singles, Singles]:
    """Return features (n, s, D) of the images of latents (n, s, *latent_shape), and some of the images.

    Pixels are not rounded to 8 bits, only clipped to [0, 1]: a small step would be lost.

    Args:
        subject: where the work runs. model: of the images. latents, labels: (n, s, ...), (n,).
        keep, shown: of the first ``keep`` walks the images at the places ``shown`` (s',) are returned, (keep, s', C, H,
            W).
    """
    walks, places = latents.shape[:2]
    flat = latents.flatten(0, 1)
    known = None if labels is None else torch.from_numpy(labels).repeat_interleave(places)
    features, images = [], []
    for start in range(0, len(flat), UNIT):
        z = flat[start : start + UNIT]
        full = torch.cat([z, z[-1:].expand(UNIT - len(z), *z.shape[1:])]).to(subject.device)
        y = None if known is None else _filled(known[start : start + UNIT]).to(subject.device)
        with torch.no_grad():
            made = checked(model, full, y)[: len(z)].float().clamp(0, 1).cpu()
        features.append(embed(subject.embedding, made, device=subject.device, threads=1))
        wanted = [i for i in range(len(z)) if start + i < keep * places and (start + i) % places in shown]
        images.append(made[wanted].numpy())
    kept = np.concatenate(images)
    return np.concatenate(features).reshape(walks, places, -1), kept.reshape(-1, len(shown), *kept.shape[1:])


def _filled(labels: torch.Tensor) -> torch.Tensor:
    return torch.cat([labels, labels[-1:].expand(UNIT - len(labels))])
