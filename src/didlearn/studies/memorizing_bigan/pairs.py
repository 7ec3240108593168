"""The pairs (image, code) that discriminators are to tell apart: of the law with its noise, and of the memory."""

from __future__ import annotations

from functools import lru_cache

import torch

from didlearn.images import open_images
from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan.discriminators import ImageCode, PairSampler
from didlearn.studies.memorizing_bigan.settings import MemorizingBigan
from didlearn.studies.memorizing_bigan.smoothed_law import SmoothedLaw
from didlearn.zoo.memorizing.generator import MemorizingGenerator, NoiseEncoder, noised


def law_of(settings: MemorizingBigan) -> SmoothedLaw:
    """Return the law that x̃ is drawn from; it is opened once."""
    return _opened(settings.data, settings.size, settings.shift, settings.noise)


@lru_cache(maxsize=1)
def _opened(data: str, size: int | None, shift: float, noise: float) -> SmoothedLaw:
    return SmoothedLaw.of(open_images(data, size=size), shift, noise)


def memorizing(settings: MemorizingBigan, support: int, stream: Stream) -> MemorizingGenerator:
    """Return the generator with ``support`` images drawn from the law."""
    images = law_of(settings).draw(support, stream.torch("memory"))
    return MemorizingGenerator(images, settings.latent, delta=settings.delta)


def real_pairs(law: SmoothedLaw, latent: int) -> PairSampler:
    """Return the sampler of (x̃ ⊙ z, E(x̃ ⊙ z)) with new x̃ ~ μ and z ~ ν."""
    encoder = NoiseEncoder(law.shape, latent)

    def draw(count: int, generator: torch.Generator) -> ImageCode:
        x = noised(law.draw(count, generator), torch.randn(count, latent, generator=generator))
        return x, encoder(x)

    return draw


def generated_pairs(generator: MemorizingGenerator) -> PairSampler:
    """Return the sampler of (G(z), z), by the definition of G: the network's law within its ``mismatch``."""

    def draw(count: int, random: torch.Generator) -> ImageCode:
        z = torch.randn(count, *generator.latent_shape, generator=random)
        return generator.lookup(z), z

    return draw
