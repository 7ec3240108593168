"""Walk, look and measure."""

from __future__ import annotations

import numpy as np
import torch

from didlearn.arrays import Floats
from didlearn.audit.subject import Subject
from didlearn.checks.interpolation.check import Interpolation
from didlearn.checks.interpolation.measure import Kind, Walks, measure_walks, path_length, walk_estimates
from didlearn.checks.interpolation.page import WALKS_SHOWN, shown_places, walk_parts
from didlearn.checks.interpolation.verdict import describe_walks
from didlearn.checks.interpolation.walks import (
    SMALL_STEP,
    WalkEnds,
    decode_and_embed,
    draw_ends,
    small_steps,
    spherical_latents,
    straight,
    straight_latents,
)
from didlearn.embeddings import embed
from didlearn.images.base import Images
from didlearn.models.base import LatentModel
from didlearn.models.faults import find_fault
from didlearn.models.latents.fixed_noise import noise_note, with_fixed_noise
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_FEWEST = 4  # real images: two pairs
_CLASSES = "Both ends of a walk are of one class."
_STRAIGHT = "No map from normal numbers to the model's latents is known, so there are straight walks only."


@one_thread()
def run_interpolation(check: Interpolation, subject: Subject, rng: Stream) -> CheckResult:
    """Walk between latents, look at the images, and measure the walks beside pairs of real images."""
    assert isinstance(subject.model, LatentModel)
    real, group = _real(subject)
    fault = find_fault(subject.draw(2), None if real is None else real.shape)
    if fault is not None:
        return fault.result(check.name)
    model = with_fixed_noise(subject.model)
    ends = draw_ends(model, check.walks, rng.child("ends"))
    walks = _walks(check, subject, model, ends)
    small, _ = decode_and_embed(subject, model, small_steps(ends, rng), ends.labels, 0, np.arange(1))
    distances = None
    if real is not None:
        faded, distances = _of_real_images(check, subject, real, rng)
        walks.append(faded)
    estimates = walk_estimates(walks, distances, check.level)
    estimates["perceptual_path_length"] = path_length(small, SMALL_STEP, check.level)
    notes = noise_note(subject.model) + ((_CLASSES,) if model.classes else ())
    notes += () if ends.to_latents is not None else (_STRAIGHT,)
    parts = Parts(estimates, notes=(*notes, *subject.embedding.notes)) + walk_parts(walks, distances, group)
    return CheckResult(check=check.name, **describe_walks(estimates, check.steps)._asdict(), **parts.fields())


def _real(subject: Subject) -> tuple[Images | None, str]:
    """Return held-out images or, without them, training images, if there are enough; and what they are called."""
    for images, group in ((subject.heldout, "held-out"), (subject.train, "training")):
        if images is not None and len(images) >= _FEWEST:
            return images, group
    return None, ""


def _walks(check: Interpolation, subject: Subject, model: LatentModel, ends: WalkEnds) -> list[Walks]:
    t = torch.linspace(0, 1, check.steps + 1)
    places: dict[Kind, torch.Tensor | None] = {
        "straight": straight_latents(ends, t),
        "spherical": spherical_latents(ends, t),
    }
    walks = []
    for i, (kind, latents) in enumerate(places.items()):
        subject.progress(f"{check.name}: {kind} walks", i, len(places))
        if latents is not None:
            made = decode_and_embed(subject, model, latents, ends.labels, WALKS_SHOWN, shown_places(check.steps))
            walks.append(measure_walks(kind, *made))
    return walks


def _of_real_images(check: Interpolation, subject: Subject, real: Images, rng: Stream) -> tuple[Walks, Floats]:
    """Return cross-fades between pairs of real images, and the distances (m,) of more pairs; no image is in two."""
    order = rng.numpy("pairs").permutation(len(real))
    pairs = min(check.pairs, len(real) // 2)
    first, second = order[:pairs], order[pairs : 2 * pairs]
    features = [subject.embed(real.subset(side)).astype(np.float64) for side in (first, second)]
    distances: Floats = np.linalg.norm(features[0] - features[1], axis=1)
    few = min(check.walks, pairs)
    faded = straight(real.read(first[:few]), real.read(second[:few]), torch.linspace(0, 1, check.steps + 1))
    shown = faded[:WALKS_SHOWN, shown_places(check.steps)].numpy()
    embedded = [embed(subject.embedding, one, device=subject.device, threads=1) for one in faded]
    return measure_walks("fade", np.stack(embedded), shown), distances
