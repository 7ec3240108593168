"""Feature arrays as every score of two samples takes them: one row an image, the same width, finite."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import ArrayOrTensor, Features, Floats
from didlearn.errors import DataError


def as_features(name: str, values: ArrayOrTensor, fewest: int = 2) -> Floats:
    """Return features as (n, D) float64.

    Args:
        name: what to call them in an error. values: (n, D) numpy or torch; images (n, C, H, W) are flattened.
        fewest: rows that are needed.

    Raises:
        DataError: they are no rows of real numbers, hold NaN or infinity, or are fewer than ``fewest``.
    """
    return _checked(name, values, fewest).astype(np.float64, copy=False)


def as_pair(real: ArrayOrTensor, generated: ArrayOrTensor, fewest: int = 2) -> tuple[Floats, Floats]:
    """Return real and generated features as (n, D) and (m, D) float64.

    Raises:
        DataError: one cannot be used, or their widths differ.
    """
    left, right = as_given(real, generated, fewest)
    return left.astype(np.float64, copy=False), right.astype(np.float64, copy=False)


def as_given(real: ArrayOrTensor, generated: ArrayOrTensor, fewest: int = 2) -> tuple[Features, Features]:
    """Return them in the precision that they have: distances need no more than float32, half the memory.

    Raises:
        DataError: see ``as_pair``.
    """
    left, right = _checked("real", real, fewest), _checked("generated", generated, fewest)
    if left.shape[1] != right.shape[1]:
        raise DataError(
            f"real has {left.shape[1]} features and generated {right.shape[1]}; compute both with the same embedding"
        )
    return left, right


def _checked(name: str, values: ArrayOrTensor, fewest: int) -> Features:
    raw = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    if raw.ndim < 2 or raw.dtype.kind not in "biuf":
        raise DataError(f"{name} must be rows of features (n, D), got {raw.dtype} of shape {raw.shape}")
    array: Features = raw.reshape(len(raw), -1).astype(np.promote_types(raw.dtype, np.float32), copy=False)
    if len(array) < fewest:
        raise DataError(f"{name} holds {len(array)} row{'s' * (len(array) != 1)}; give at least {fewest}")
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinity in {int((~np.isfinite(array)).any(1).sum())} rows; remove them")
    return array
