"""A latent model with an observation model as a function of standard normal latents: v -> log p(x|v) and its gradient.

Other priors are carried over by the map that makes them from standard normals, which leaves p(x) as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from didlearn.derivatives.fisher import gauss_newton
from didlearn.derivatives.footprint import row_bytes, rows_together
from didlearn.errors import DidlearnError, ModelError, OutputError, UsageError, first_line
from didlearn.evidence.observation import BernoulliObservation, Observation
from didlearn.models.base import LatentModel
from didlearn.models.inputs import require_decoder
from didlearn.models.latents.coordinates import require_normal_map
from didlearn.models.latents.normal_map import NormalMap
from didlearn.models.module import ModuleModel
from didlearn.rng import Stream

_MOST = 1024  # rows in a graph


@dataclass(frozen=True)
class Decoder:
    """Flat outputs of standard normal latents, in the parametrisation that the observation model takes.

    Attributes:
        model: whose images they are. to_prior: from normal numbers to its latents. takes_logits: whether logits leave.
        labels: (n,) class of each image, or ``None``.
        dtype, device: what the network is run in.
    """

    model: LatentModel
    to_prior: NormalMap
    takes_logits: bool
    labels: Tensor | None
    dtype: torch.dtype
    device: torch.device

    def __call__(self, v: Tensor) -> Tensor:
        """Decode (n·k, d), k in a row for each of n images, to (n·k, D); differentiable.

        Raises:
            ModelError: the network failed.
        """
        z = self.to_prior(v.reshape(len(v), *self.model.latent_shape))
        try:
            return self._run(z).reshape(len(v), math.prod(self.model.image_shape)).to(self.dtype)
        except DidlearnError:
            raise
        except Exception as error:
            raise OutputError(f"{self.model.name} failed on {len(v)} latents: {first_line(error)}") from error

    def of(self, image: Tensor) -> Decoder:
        """Return the decoder of rows that belong to the images numbered ``image`` (rows,)."""
        return self if self.labels is None else replace(self, labels=self.labels[image])

    def _run(self, z: Tensor) -> Tensor:
        if self.takes_logits:
            assert isinstance(self.model, ModuleModel)
            return self.model.module.logits(z)  # type: ignore[operator]
        labels = self.labels
        return self.model.decode(z, None if labels is None else labels.repeat_interleave(len(z) // len(labels)))


def make_decoder(model: LatentModel, observation: Observation, device: str) -> tuple[Decoder, Observation]:
    """Return the model's decoder, and the observation model in logits where the module offers them.

    Raises:
        UsageError: the model's likelihood cannot be evaluated.
    """
    model = require_decoder(model)
    network = getattr(model, "network", None)
    dtype = torch.float64 if getattr(network, "dtype", None) == torch.float64 else torch.float32
    decoder = Decoder(model, require_normal_map(model), False, None, dtype, torch.device(device))
    if not isinstance(observation, BernoulliObservation):
        return decoder, observation
    return _in_logits(decoder)


@torch.no_grad()
def _in_logits(decoder: Decoder) -> tuple[Decoder, Observation]:
    model = decoder.model
    v = torch.randn((8, math.prod(model.latent_shape)), generator=Stream(0, ("likelihood", "logits")).torch())
    v = v.to(decoder.device, decoder.dtype)
    if isinstance(model, ModuleModel) and model.classes is None and callable(getattr(model.module, "logits", None)):
        logits = replace(decoder, takes_logits=True)
        decoder(v)  # moves the network to the latents' device
        if torch.allclose(logits(v).sigmoid(), decoder(v), atol=1e-4):
            return logits, BernoulliObservation(takes_logits=True)
    labels = None if model.classes is None else torch.arange(8, device=v.device) % model.classes
    means = replace(decoder, labels=labels)(v)
    if means.min() < -1e-3 or means.max() > 1 + 1e-3:
        raise UsageError(
            f"{model.name} makes pixels from {means.min():.3g} to {means.max():.3g}; "
            "a Bernoulli observation model needs means in [0, 1]: say what its output spans (value_range), "
            'or take observation="gaussian"'
        )
    return decoder, BernoulliObservation()


class Likelihood:
    """log p(x|v) of n images for any number of latents each, and its gradient.

    Args:
        decoder: of the model. observation: p(x|y). x: (n, D).
    """

    def __init__(self, decoder: Decoder, observation: Observation, x: Tensor) -> None:
        self.decoder, self.observation = decoder, observation
        self.x = x.to(decoder.device, decoder.dtype)
        self.latent_size = math.prod(decoder.model.latent_shape)
        self._kept: tuple[tuple[int, int], Tensor, Decoder] | None = None

    def __call__(self, v: Tensor, values: bool = True) -> tuple[Tensor, Tensor]:
        """Log p(x|v) (n, k), float64, and its gradient (n, k, d) at v (n, k, d), in the dtype of ``v``.

        Without ``values`` the first is left out: (0,).
        """
        n, k, d = v.shape
        flat = v.detach().reshape(n * k, d).to(self.decoder.dtype)
        together = self._together()
        if n * k <= together:
            value, gradient = self._block(flat, *self._all(n, k), values)
        else:
            rows = torch.arange(n * k, device=v.device)
            found = [self._block(flat[block], *self._of(block // k), values) for block in rows.split(together)]
            value, gradient = (torch.cat(parts) for parts in zip(*found, strict=True))
        return value.view(n, k) if values else value, gradient.contiguous().view(n, k, d).to(v.dtype)

    def _of(self, image: Tensor) -> tuple[Tensor, Decoder]:
        """Return a row of pixels for each number of an image (rows,), and the decoder of those."""
        return self.x[image], self.decoder.of(image)

    def _all(self, n: int, k: int) -> tuple[Tensor, Decoder]:
        """Return those of k rows for each of n images: kept, for chains ask for the same again and again."""
        kept = self._kept  # once: another thread may ask for other rows meanwhile
        if kept is None or kept[0] != (n, k):
            kept = self._kept = (n, k), *self._of(torch.arange(n * k, device=self.x.device) // k)
        return kept[1:]

    def _block(self, v: Tensor, x: Tensor, decoder: Decoder, values: bool) -> tuple[Tensor, Tensor]:
        """Log p(x|v) and its gradient at v (rows, d), in one graph."""
        leaf = v.requires_grad_()
        with torch.enable_grad():
            y = decoder(leaf)
        with torch.no_grad():
            score = self.observation.score(y, x)
            value = self.observation.log_prob(y, x) if values else y.new_empty(0, dtype=torch.float64)
        try:
            (g,) = torch.autograd.grad(y, leaf, score)
        except RuntimeError as error:
            raise ModelError(
                f"{self.decoder.model.name} has no gradient in its latents ({first_line(error)}): decode without "
                "detach() and torch.no_grad()"
            ) from error
        return value, g

    def _together(self) -> int:
        """Return how many rows share a graph."""
        return rows_together(self.row_bytes, _MOST)

    @cached_property
    def row_bytes(self) -> int:
        """What the graph of a row takes."""
        v = self.x.new_zeros((1, self.latent_size))

        def run(rows: int) -> Tensor:
            image = torch.zeros(rows, dtype=torch.int64, device=v.device)
            return self.decoder.of(image)(v.repeat(rows, 1).requires_grad_())

        return row_bytes(run)

    @torch.no_grad()
    def value(self, v: Tensor) -> Tensor:
        """Log p(x|v) (n, k) alone, at v (n, k, d)."""
        n, k, d = v.shape
        y = self.decoder(v.reshape(n * k, d).to(self.decoder.dtype))
        return self.observation.log_prob(y.view(n, k, -1), self.x[:, None])

    def curvature(self, v: Tensor) -> Tensor:
        """Gauss–Newton curvature JᵀFJ of −log p(x|v) at v (n, d): (n, d, d) float64."""
        seen, dtype = self.observation.information, self.decoder.dtype
        if self.decoder.labels is None:
            return gauss_newton(self.decoder, seen, v.to(dtype), self.row_bytes)
        parts = [
            gauss_newton(replace(self.decoder, labels=label), seen, one.to(dtype), self.row_bytes)
            for one, label in zip(v.split(1), self.decoder.labels.split(1), strict=True)
        ]
        return torch.cat(parts)
