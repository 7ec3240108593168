"""Single colours: flat pictures, which any generator of real ones should find far off (Friedman and Weiss 2024)."""

from __future__ import annotations

import numpy as np

from didlearn.images.base import Images
from didlearn.images.classes import Labels
from didlearn.images.fit import Fit
from didlearn.images.formats.arrays import open_array

_SIDE = 32
_LEVELS = 8  # of each channel


def open_colours(fit: Fit) -> Images:
    """Return 512 flat pictures, eight evenly spaced levels of red, green and blue each; or all 256 greys.

    Args:
        fit: its size is the pictures' side, 32 where there is none; of one channel they are grey.
    """
    side = fit.size or fit.crop or _SIDE
    if fit.channels == 1:
        colours = np.arange(256, dtype=np.uint8)[:, None]
    else:
        levels = np.rint(np.linspace(0, 255, _LEVELS)).astype(np.uint8)
        colours = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    flat = np.broadcast_to(colours[:, :, None, None], (*colours.shape, side, side))
    return open_array(flat, Labels(), "colours", channels_first=True)
