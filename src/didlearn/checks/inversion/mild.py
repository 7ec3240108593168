"""How large an error a mild change of an image is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from didlearn.arrays import Array, Floats, Singles
from didlearn.images.perturb import PERTURBATIONS
from didlearn.images.picture import eight_bit

Changes = Mapping[str, Callable[[Array], Array]]
_MILD = 0.95  # of changed copies


def mild_error(images: Singles, neighbour: Floats, changes: Changes | None = None) -> float:
    """The mean squared error per pixel of a mild change: what 95 % of changed copies do not exceed.

    Of the kinds of change that move a picture less than half of the way to another real one, the strongest; where none
    does, the mildest.

    Args:
        images: (n, C, H, W). neighbour: (n,) errors of the nearest training images. changes: of points as they are; by
            default those of pictures in 8 bits.
    """
    unit = 255 if changes is None else 1
    stored: Array = eight_bit(np.clip(images, 0, 1)) if changes is None else images
    errors = {}
    kinds: Changes = PERTURBATIONS if changes is None else changes
    for kind, change in kinds.items():
        moved = np.square((change(stored).astype(np.float64) - stored) / unit).reshape(len(stored), -1).mean(axis=1)
        errors[kind] = float(np.quantile(moved, _MILD))
    told = [error for error in errors.values() if error <= float(np.median(neighbour)) / 4]
    return max(told) if told else min(errors.values())
