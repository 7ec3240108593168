"""The space behind a mapping network (StyleGAN's w): images = synthesis(w), with w = mapping(z) under the prior.

The mapped prior has no density; its mean and covariance, from many draws, give whitened coordinates w = μ + A u to
search in, and a distance from it: ‖u‖, Mahalanobis' distance.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from didlearn.arrays import Floats, Singles
from didlearn.errors import UsageError, first_line
from didlearn.models.base import LatentModel
from didlearn.models.latents.coordinates import OtherCoordinates
from didlearn.models.module import ModuleModel
from didlearn.models.output import as_images
from didlearn.parallel import UNIT
from didlearn.rng import Stream

_DRAWS = 4096
_STREAM = Stream(0, ("mapped prior",))
_RIDGE = 1e-4  # of the mean variance: directions the mapping never takes are searched a hundredth as far


class MappedCoordinates(OtherCoordinates):
    """Whitened coordinates u of w = μ + A u; decode(u) = synthesis(w)."""

    def __init__(self, model: ModuleModel) -> None:
        self._layers = 1
        w = self._mapped(model)
        self._mean = w.mean(dim=0)
        centred = w - self._mean
        covariance = centred.T @ centred / (len(w) - 1)
        ridge = _RIDGE * covariance.diagonal().mean().clamp(min=1e-12)
        self._factor = torch.linalg.cholesky(covariance + ridge * torch.eye(len(covariance), dtype=w.dtype))
        self._norms = torch.linalg.vector_norm(
            torch.linalg.solve_triangular(self._factor, centred.T, upper=False), dim=0
        ).numpy()
        super().__init__(model, (w.shape[1],), "behind its mapping", "mapped")

    def _mapped(self, model: ModuleModel) -> Tensor:
        """Return w (draws, d) of prior draws, float64; one for all layers where a mapping repeats it for each."""
        found = []
        labels = None if model.classes is None else torch.arange(_DRAWS) % model.classes
        z = model.sample_prior(_DRAWS, _STREAM)
        with torch.no_grad():
            for rows in torch.arange(_DRAWS).split(UNIT):
                w = mapping_of(model, z[rows], None if labels is None else labels[rows])
                if w.ndim == 3:
                    self._layers = w.shape[1]
                    w = w[:, 0]
                found.append(w.flatten(1).cpu().double())
        return torch.cat(found)

    def latents(self, u: Tensor) -> Tensor:
        """W of the coordinates u (n, d)."""
        return self._mean.to(u) + u @ self._factor.to(u).T

    def log_prior(self, z: Tensor) -> Tensor:
        """NaN: the mapped prior has no density that is known."""
        return torch.full((len(z),), torch.nan, device=z.device)

    def sample_prior(self, count: int, rng: Stream) -> Tensor:
        """Coordinates (count, d) of w = mapping(z), z drawn from the prior; under all classes in turn.

        Starts of a search need not be of its own class.
        """
        model = self._module
        z = model.sample_prior(count, rng)
        labels = None if model.classes is None else torch.arange(count) % model.classes
        with torch.no_grad():
            w = mapping_of(model, z, labels)
        w = (w[:, 0] if w.ndim == 3 else w.flatten(1)).cpu().double()
        return torch.linalg.solve_triangular(self._factor, (w - self._mean).T, upper=False).T.float()

    def decode(self, z: Tensor, labels: Tensor | None = None) -> Tensor:  # noqa: ARG002 (the mapping took them)
        """Images (n, C, H, W) of coordinates (n, d)."""
        model = self._module
        w = self.latents(z)
        if self._layers > 1:
            w = w[:, None].expand(-1, self._layers, -1)
        images = as_images(model.network.call("synthesis", w, None), len(z), model.image_shape, model.name).to(z.dtype)
        return model.in_range(images)

    def distance(self, u: Floats | Singles) -> Floats:
        """Return ‖u‖ of coordinates (n, d) over the median of the prior's own draws, (n,)."""
        return np.linalg.norm(u, axis=1) / float(np.median(self._norms))

    def share_beyond(self, u: Floats | Singles) -> Floats:
        """Return the share of the prior's draws that lie at least as far out as coordinates u (n, d): (n,)."""
        order = np.sort(self._norms)
        return 1 - np.searchsorted(order, np.linalg.norm(u, axis=1)) / len(order)

    @property
    def _module(self) -> ModuleModel:
        assert isinstance(self.model, ModuleModel)
        return self.model


def mapping_of(model: ModuleModel, z: Tensor, labels: Tensor | None) -> Tensor:
    """Return mapping(z), or mapping(z, labels) of a conditional network."""
    w = model.network.call("mapping", z, labels)
    assert isinstance(w, Tensor)
    return w


def behind_mapping(model: LatentModel) -> MappedCoordinates:
    """Return the model over whitened coordinates of its w.

    Raises:
        UsageError: its module has no methods ``mapping`` and ``synthesis``, or they fail.
    """
    parts = getattr(model, "module", None)
    if not isinstance(model, ModuleModel) or not all(
        callable(getattr(parts, n, None)) for n in ("mapping", "synthesis")
    ):
        raise UsageError(
            f'{model.name} has no w: space="w" takes a module with mapping(z) -> w, of a conditional network '
            "mapping(z, labels), and synthesis(w) -> images"
        )
    try:
        found = MappedCoordinates(model)
        with torch.no_grad():
            found.decode(torch.zeros(1, *found.latent_shape))
    except (RuntimeError, TypeError, ValueError) as error:
        raise UsageError(f"the mapping or synthesis of {model.name} fails: {first_line(error)}") from error
    return found
