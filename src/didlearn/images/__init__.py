"""Data sets of pictures, from any format, read when asked for."""

from didlearn.images.base import Images
from didlearn.images.open import open_images
from didlearn.images.split import shared_images, split_heldout

__all__ = ["Images", "open_images", "shared_images", "split_heldout"]
