"""A prior that depends on the class, folded into the network: latents are then standard normal numbers."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from didlearn.models.interface import Interface
from didlearn.models.latents.normal_map import NormalMap, normal_map

_NOTE = (
    "the prior depends on the class: latents are standard normal numbers, which the law of each class maps to its own"
)


class ClassPrior(nn.Module):
    """(v, labels) -> network(T_label(v), labels) with v standard normal."""

    law: Tensor

    def __init__(self, network: nn.Module, to_latents: NormalMap, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.network, self.classes, self._to_latents = network, classes, to_latents
        # What the laws make of a few numbers belongs to the weights: other laws, another model.
        few = torch.linspace(-1, 1, 3)[:, None].expand(3, classes).reshape(3, classes, *[1] * len(shape))
        self.register_buffer("law", to_latents(few.expand(3, classes, *shape)))

    def forward(self, v: Tensor, labels: Tensor) -> object:
        """Return the network's images."""
        every = self._to_latents(v[:, None].expand(-1, self.classes, *v.shape[1:]))
        return self.network(every[torch.arange(len(v), device=v.device), labels], labels)


def fold_class_prior(network: nn.Module, declared: Interface) -> tuple[nn.Module, Interface]:
    """Return the network over standard normal latents, where its prior is a batch of laws, one for each class."""
    prior, classes = declared.prior, declared.classes
    if not isinstance(prior, Distribution) or classes is None or prior.batch_shape[:1] != (classes,):
        return network, declared
    shape = tuple(prior.batch_shape[1:] + prior.event_shape)
    found = normal_map(prior)
    if found is None or declared.latent_shape not in (shape, (classes, *shape)):
        return network, declared
    folded = ClassPrior(network, found, classes, shape)
    return folded, replace(declared, prior="normal", latent_shape=shape, notes=(*declared.notes, _NOTE))
