"""The sheet of pairs that ``didlearn label`` shows: candidates among planted pairs, kept as arrays in the run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from didlearn.arrays import Array, Bytes, Ints
from didlearn.checks.duplicate_counts import Counts
from didlearn.checks.sameness import Criterion, same_picture
from didlearn.checks.support.asked import ask
from didlearn.checks.support.measure import Embedded
from didlearn.checks.support.planted import plant_distinct, plant_duplicates
from didlearn.images.picture import eight_bit, to_picture
from didlearn.neighbors import Pairs
from didlearn.result.parts import Parts
from didlearn.rng import Stream


def sheet_parts(
    pixels: Array,
    features: Array,
    counts: Counts,
    criterion: Criterion,
    real: Embedded | None,
    embed: Callable[[Bytes], Array],
    rng: Stream,
    device: str,
    close: Pairs | None = None,
) -> Parts:
    """Return the arrays that labelling needs, or nothing without real images to plant.

    ``sheet_pictures`` (n, 2, H, W) or (n, 2, H, W, 3) uint8; ``sheet_truth`` (n,) 1 for planted duplicates, 0 for
    planted distinct pairs, −1 for candidates; ``sheet_distance``, ``sheet_stratum``, ``sheet_links`` (n,);
    ``sheet_samples`` (n, 2) the candidates' sample numbers, −1 else; ``sheet_strata`` (2,) pairs in each stratum.

    Args:
        pixels: (M, C, H, W) the samples. features: (M, D) theirs. counts: their duplicates. criterion: that counted.
        real: real images and their features. embed: images to features. rng: of the choice. device: of the distances.
        close: the samples' closest pairs, where they are known (see ``ask``).
    """
    if real is None:
        return Parts()
    asked = ask(features, counts, criterion.threshold, rng.numpy("candidates"), device, close)
    same = plant_duplicates(real.images, embed, rng.numpy("duplicates"))
    # A threshold given by hand may be anything; a calibrated one keeps out real images that are there twice.
    beyond = same_picture(criterion.perturbed) if criterion.given else criterion.threshold
    other = plant_distinct(*real, asked.distance, beyond, rng.numpy("distinct"), device)
    candidates = np.stack([eight_bit(pixels[side]) for side in (asked.first, asked.second)], axis=1)
    kinds = [(candidates, asked.distance, -1), (*same, 1), (*other, 0)]
    pictures = [[to_picture(image) for image in pair] for shown, _, _ in kinds for pair in shown]
    truth = np.concatenate([np.full(len(shown), kind) for shown, _, kind in kinds])
    return Parts(
        arrays={
            "sheet_pictures": np.array(pictures, dtype=np.uint8),
            "sheet_truth": truth.astype(np.int8),
            "sheet_distance": np.concatenate([distance for _, distance, _ in kinds]),
            "sheet_stratum": _padded(asked.stratum, truth, 0),
            "sheet_links": _padded(asked.links, truth, 0),
            "sheet_samples": _padded(np.stack([asked.first, asked.second], axis=1), truth, -1),
            "sheet_strata": asked.sizes.astype(np.int64),
        }
    )


def _padded(values: Ints, truth: Ints, filling: int) -> Ints:
    """Extend what only candidates have to the planted pairs after them."""
    padded = np.full((len(truth), *values.shape[1:]), filling, dtype=np.int64)
    padded[: len(values)] = values
    return padded
