"""The Fréchet distance of reconstructions: how much a set of reconstructed images differs from the images themselves.

The perception–distortion plane (Blau & Michaeli 2018) is about these, and not about samples: of one and the same
reconstruction it sets the error of each image against the distance of the laws of images and reconstructions.
"""

from __future__ import annotations

from didlearn.arrays import Singles
from didlearn.embeddings import Embedding, embed
from didlearn.images.picture import eight_bit
from didlearn.result.values import Estimate
from didlearn.statistics.fidelity.frechet import frechet_influence


def reconstruction_distance(
    embedding: Embedding, originals: Singles, reconstructed: Singles, device: str, level: float = 0.95
) -> Estimate:
    """Return the Fréchet distance of images (n, C, H, W) from their reconstructions, with its interval over images.

    Both are taken as 8-bit files hold them. Image and reconstruction are a pair: what the images happen to be is in
    both moments, so that perfect reconstructions are at 0, and orthogonal projections to an affine space (a linear
    autoencoder, where the embedding is the pixels) at the squared error's sum over pixels, however few the images are.
    """
    real, made = (embed(embedding, eight_bit(x), device=device) for x in (originals, reconstructed))
    method = "Fréchet distance of pairs; interval by influence of each pair"
    return frechet_influence(real=real, generated=made).paired(level, method)
