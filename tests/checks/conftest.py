"""Real and generated pictures whose truth is known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter


def smooth_images(count, seed, size=12):
    """Independent smooth random pictures, (count, 1, size, size) uint8."""
    noise = np.random.default_rng(seed).normal(size=(count, 1, size, size))
    blurred = gaussian_filter(noise, sigma=(0, 0, 1.2, 1.2))
    return np.clip(128 + 60 * blurred / blurred.std(), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def points():
    """Pictures a discrete generator draws from."""
    return smooth_images(50_000, seed=1)


@pytest.fixture(scope="session")
def real():
    """Independent pictures of the same kind: held-out data."""
    return smooth_images(2_000, seed=2)
