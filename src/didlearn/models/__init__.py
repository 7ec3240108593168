"""Models that can draw images, from any kind of file or object."""

from didlearn.models.base import LatentModel, Sampler, Samples
from didlearn.models.formats.model_folder import save_model
from didlearn.models.open import open_model

__all__ = ["LatentModel", "Sampler", "Samples", "open_model", "save_model"]
