"""The importance-weighted bound (Burda, Grosse & Salakhutdinov 2016), for models that bring an encoder."""

from __future__ import annotations

import torch

from didlearn.arrays import ArrayOrTensor, Floats
from didlearn.evidence.ais import log_mean_weight
from didlearn.evidence.likelihood import Likelihood, make_decoder
from didlearn.evidence.log_evidence import IMAGES, as_pixels
from didlearn.evidence.observation import make_observation
from didlearn.evidence.preparation import encode
from didlearn.models.base import LatentModel
from didlearn.models.known.inverse import has_inverse
from didlearn.models.latents.encoder import by_encoder, encoder_of
from didlearn.rng import Stream


def has_encoder(model: LatentModel) -> bool:
    """Tell whether the model's module has ``encode``: x -> (mean, log variance) of a normal q(z|x), and no inverse."""
    if encoder_of(model) is None or model.classes is not None or has_inverse(model):
        return False
    found = by_encoder(model, torch.zeros(1, *model.image_shape))
    return found is not None and found[1] is not None


@torch.no_grad()
def iwae(
    model: LatentModel,
    x: ArrayOrTensor,
    sigma: float = 0.1,
    seed: int = 0,
    samples: int = 200,
    *,
    observation: str = "gaussian",
    device: str = "cpu",
) -> Floats:
    """Return log (1/K) Σ p(z_k) p(x|z_k)/q(z_k|x) with K draws from the encoder, in nats: (n,).

    A lower bound on log p(x) in expectation, which a poor encoder leaves loose.

    Raises:
        UsageError: the model has no encoder, or an argument does not fit it.
    """
    decoder, seen = make_decoder(model, make_observation(observation, sigma), device)
    model = decoder.model
    pixels = as_pixels(x, model, seen)
    found = []
    for start in range(0, len(pixels), IMAGES):
        likelihood = Likelihood(decoder, seen, pixels[start : start + IMAGES])
        mean, variance = encode(likelihood)
        generator = Stream(seed, ("iwae",)).torch(start)
        noise = torch.randn((len(mean), samples, mean.shape[1]), generator=generator, dtype=torch.float64).to(
            mean.device
        )
        z = mean[:, None] + variance.sqrt()[:, None] * noise
        log_prior = -0.5 * z.square().sum(dim=2)
        log_q = -0.5 * (noise.square().sum(dim=2) + variance.log().sum(dim=1)[:, None])
        found.append(log_mean_weight(log_prior - log_q + likelihood.value(z)))
    return torch.cat(found).cpu().numpy()
