"""Pictures made here: textured scenes in colour, and drawings on black."""

import numpy as np
from scipy.ndimage import gaussian_filter, zoom


def scenes(count, seed):
    """(count, 3, 32, 32) uint8: smooth shapes, edges and texture, each picture its own."""
    rng = np.random.default_rng(seed)
    layers = []
    for cells, weight in ((4, 1.0), (8, 0.6), (16, 0.3)):
        coarse = rng.normal(size=(count, 3, cells, cells)) + rng.normal(size=(count, 1, cells, cells))
        between = zoom(np.eye(cells), (32 / cells, 1), order=1)  # the same for all: far cheaper than to zoom them all
        layers.append(weight * (between @ coarse @ between.T))
    mixed = np.tanh(1.5 * sum(layers))
    low, high = mixed.min((1, 2, 3), keepdims=True), mixed.max((1, 2, 3), keepdims=True)
    return np.rint(20 + 200 * (mixed - low) / (high - low)).astype(np.uint8)


def strokes(count, seed):
    """(count, 1, 28, 28) uint8: a bright curve on black, all of one kind."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, 60)
    turns = rng.normal(size=(count, 2, 3))
    path = 14 + 5 * np.stack([sum(turns[:, axis, k, None] * np.cos((k + 1) * np.pi * t) / (k + 1) for k in range(3))
                              for axis in (0, 1)], -1)  # fmt: skip
    drawn = np.zeros((count, 28, 28))
    cells = np.clip(np.rint(path).astype(int), 3, 24)
    drawn[np.arange(count)[:, None], cells[..., 0], cells[..., 1]] = 1
    inked = gaussian_filter(drawn, (0, 0.8, 0.8))
    return np.rint(255 * inked / inked.max((1, 2), keepdims=True)).astype(np.uint8)[:, None]
