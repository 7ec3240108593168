"""What can be so wrong with a sample that no statistic of it means anything."""

from __future__ import annotations

import numpy as np

from didlearn.models.base import Samples

TOLERANCE = 1e-3


def find_fault(samples: Samples, shape: tuple[int, int, int] | None = None) -> str | None:
    """Return what is wrong with the samples as a sentence, or ``None``.

    Args:
        samples: images drawn from a model.
        shape: (C, H, W) of the real images they are to be compared with, or ``None``.
    """
    broken = int((~samples.finite).sum())
    if broken:
        return f"{broken} of {len(samples)} generated images hold pixels that are not numbers (NaN or infinity)"
    own = tuple(samples.images.shape[1:])
    if shape is not None and own != shape:
        return (
            f"the generator makes images of {_words(own)}, the real ones are {_words(shape)}; "
            f"open the real ones with --size {own[-1]} --channels {own[0]}"
        )
    if samples.images.dtype != np.uint8:
        low, high = float(samples.images.min()), float(samples.images.max())
        if low < -TOLERANCE or high > 1 + TOLERANCE:
            return (
                f"generated pixels span {low:.3g} to {high:.3g}, real ones 0 to 1; "
                "say what the network's output spans with --value-range LOW HIGH"
            )
    return None


def is_constant(samples: Samples) -> bool:
    """Whether every sample is the very same image."""
    return len(samples) > 1 and bool((samples.images == samples.images[:1]).all())


def _words(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} channel{'s' if shape[0] > 1 else ''}, {shape[1]}×{shape[2]}"
