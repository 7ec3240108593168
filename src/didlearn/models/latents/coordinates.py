"""A latent model in other coordinates u of its latent: decode(T(u)), for a search that knows nothing of T."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from didlearn.errors import ModelError, UsageError
from didlearn.models.base import LatentModel
from didlearn.models.latents.normal_map import NormalMap, normal_map
from didlearn.models.prior import Prior, log_density, prior_of, sample_latents
from didlearn.rng import Stream


class OtherCoordinates(LatentModel):
    """A model whose latents are made of other ones; it decodes as the model does.

    Attributes:
        model: the one whose latents are made.
    """

    def __init__(self, model: LatentModel, latent_shape: tuple[int, ...], kind: str, prior: Prior) -> None:
        self.model, self.latent_shape, self.prior = model, latent_shape, prior
        self.name, self.kind, self.image_shape = model.name, f"{model.kind}, {kind}", model.image_shape
        self.value_range, self.classes, self.class_names = model.value_range, model.classes, model.class_names

    @abstractmethod
    def latents(self, u: Tensor) -> Tensor:
        """Return the model's own latents of coordinates u (n, *latent_shape)."""

    @property
    def fingerprint(self) -> str:
        """That of the model."""
        return self.model.fingerprint

    @property
    def identity(self) -> str:
        """That of the model, and which coordinates these are."""
        return f"{self.kind}: {self.model.identity}"

    def replicas(self, count: int) -> Sequence[Self]:
        """Return copies over the model's replicas."""
        return [self._over(model) for model in self.model.replicas(count)]

    def _over(self, model: LatentModel) -> Self:
        twin = copy.copy(self)
        twin.model = model
        return twin


class NormalCoordinates(OtherCoordinates):
    """Standard normal coordinates v of a prior that is a map of them: decode(T(v))."""

    def __init__(self, model: LatentModel, to_latents: NormalMap) -> None:
        super().__init__(model, model.latent_shape, "in normal coordinates", "normal")
        self._to_latents = to_latents

    def latents(self, u: Tensor) -> Tensor:
        """T(u)."""
        return self._to_latents(u)

    def log_prior(self, z: Tensor) -> Tensor:
        """Log N(v; 0, I)."""
        return log_density("normal", z)

    def sample_prior(self, count: int, rng: Stream) -> Tensor:
        """Standard normal numbers."""
        return sample_latents("normal", self.latent_shape, count, rng)

    def decode(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """The model's images of T(z)."""
        return self.model.decode(self._to_latents(z), labels)


def in_normal_coordinates(model: LatentModel) -> LatentModel:
    """Return the model over standard normal latents, where its prior is a torch Distribution that is a map of them."""
    prior = prior_of(model)
    if prior is None or isinstance(prior, str):
        return model
    found = normal_map(prior)
    return model if found is None else NormalCoordinates(model, found)


def require_normal_map(model: LatentModel) -> NormalMap:
    """Return the map from standard normal numbers to the model's latents.

    Raises:
        UsageError: no such map is known for its prior. ModelError: the map changes the shape of a latent.
    """
    prior = prior_of(model)
    found = normal_map(prior)
    if found is None:
        kind = "not normal, and it has no attribute `prior` that says more" if prior is None else type(prior).__name__
        raise UsageError(
            f"the prior of {model.name} is {kind}; likelihoods need latents that are a map of normal ones: set `prior` "
            'to "normal", "uniform", a torch Normal, Uniform, MultivariateNormal, a transform of such, or a '
            "Distribution of single coordinates with an icdf"
        )
    shape = tuple(found(torch.zeros(2, *model.latent_shape)).shape[1:])
    if shape != model.latent_shape:
        raise ModelError(
            f"the prior of {model.name} makes latents of shape {shape} of {model.latent_shape} normal numbers; a map "
            "that keeps their number is needed"
        )
    return found
