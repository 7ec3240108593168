"""What a glance tells: blur, noise and brightness of generated images against held-out ones, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np

from didlearn.arrays import Array, Floats
from didlearn.result.values import Estimate
from didlearn.statistics.complexity import log_detail
from didlearn.statistics.means import mean_difference

_BLOCK = 1024


def look_numbers(generated: Array, heldout: Array, level: float) -> dict[str, Estimate]:
    """Return the ratio of fine detail (geometric means), and the shift of brightness.

    Args:
        generated: (n, C, H, W) uint8 or float in [0, 1]. heldout: (m, C, H, W) of the same kind.
        level: of the intervals.
    """
    detail, brightness = _looks(generated), _looks(heldout)
    logs = mean_difference(detail[0], brightness[0], level)
    spread = float(brightness[1].std(ddof=1)) or 1 / 255
    shift = mean_difference(detail[1] / spread, brightness[1] / spread, level, "standard deviations")
    return {"fine_detail": _exponential(logs), "brightness_shift": shift}


def _looks(images: Array) -> tuple[Floats, Floats]:
    """Logarithm of fine detail and mean brightness of each image."""
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    blocks = [images[start : start + _BLOCK] / scale for start in range(0, len(images), _BLOCK)]
    return (
        np.concatenate([log_detail(block) for block in blocks]),
        np.concatenate([block.mean(axis=(1, 2, 3), dtype=np.float64) for block in blocks]),
    )


def _exponential(logs: Estimate) -> Estimate:
    ends = {key: math.exp(end) for key in ("value", "low", "high") if (end := getattr(logs, key)) is not None}
    method = "fine detail (mean squared Laplacian) over held-out images', geometric means; Welch's t"
    return logs.model_copy(update=ends | {"method": method, "unit": "ratio"})
