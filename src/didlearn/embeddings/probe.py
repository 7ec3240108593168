"""Whether an embedding gives one image one vector, and other images others: else copies are hidden, or everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from didlearn.company import COARSE, ROUNDING, Company
from didlearn.embeddings.base import Embedding
from didlearn.embeddings.module import ModuleEmbedding
from didlearn.errors import ModelError
from didlearn.images.base import Images
from didlearn.parallel import single_threaded
from didlearn.rng import Stream

_KEPT, _BESIDE = 2, 3
TRIED = _KEPT + 2 * _BESIDE  # images
_PROBE = Stream(0, ("embedding", "probe"))
_REPEATED = 1e-4  # of the size of features: a GPU may add in another order
_REMEDY = "save it in evaluation mode (call .eval() before it is traced or exported)"


def probe_on(embedding: Embedding, images: Images, device: str = "cpu") -> None:
    """Try an embedding on a few images of a set, from its beginning to its end.

    Raises:
        ModelError: see ``probe_embedding``.
    """
    if not embedding.probed and len(images):
        last = len(images) - 1
        probe_embedding(embedding, images.read([0, last, *(last * i // TRIED for i in range(1, TRIED - 1))]).to(device))


def probe_embedding(embedding: Embedding, images: torch.Tensor) -> None:
    """Try an embedding on ``TRIED`` images (n, C, H, W) in [0, 1], the first ones again where there are fewer.

    Raises:
        ModelError: it fails; its features of an image depend on chance or on the images beside it, are no finite
            numbers, or are the same for all images.
    """
    pool = images[torch.arange(TRIED) % len(images)]
    if isinstance(embedding, ModuleEmbedding):  # a network takes any image, so its company can be made to differ
        pool = _under_noise(pool)

    def run(indices: Sequence[int]) -> torch.Tensor:
        return embedding(pool[indices])

    company = Company(run, _KEPT, _BESIDE, _PROBE, str(pool.device))
    with torch.inference_mode(), single_threaded():
        alone, first, exchanged = company.alone(), company.together(), company.exchanged()
        features = torch.cat([first, exchanged])
        _check_finite(embedding, features)
        size = float(features.double().norm(dim=1).max())
        if (pool != pool[:1]).any():
            _check_spread(embedding, features, size)
        repeated = float(_distances(first, company.together("two")).max())
        if repeated > _REPEATED * size:
            raise _unsteady(embedding, "each time", repeated / size, "dropout is on")
        changed, moved = _distances(first, exchanged)[:_KEPT].max(), _distances(first[:_KEPT], alone).min()
        if float(changed) > ROUNDING * size + 4 * repeated or float(moved) > COARSE * size:
            share = float(torch.maximum(changed, moved)) / size
            raise _unsteady(embedding, "beside other images", share, "batch norm uses statistics of the batch")
    embedding.probed = True


def _under_noise(pool: torch.Tensor) -> torch.Tensor:
    """Put one company under bright noise and the other under dark noise."""
    noise = torch.rand(pool.shape, generator=_PROBE.torch("images")).to(pool)
    kept, one, other = pool.split((_KEPT, _BESIDE, _BESIDE))
    _, bright, dark = noise.split((_KEPT, _BESIDE, _BESIDE))
    return torch.cat([kept, (one + bright) / 2, other / 2 + dark / 8])


def _check_finite(embedding: Embedding, features: torch.Tensor) -> None:
    if features.ndim != 2:
        raise ModelError(
            f"{embedding.name} returned features of shape {tuple(features.shape)} for {len(features)} images; "
            f"an embedding returns ({len(features)}, D)"
        )
    bad = int((~torch.isfinite(features)).any(dim=1).sum())
    if bad:
        raise ModelError(
            f"the embedding {embedding.name} gives NaN or infinity for {bad} of {len(features)} images; "
            "check its weights, and that it takes images in [0, 1]"
        )


def _check_spread(embedding: Embedding, features: torch.Tensor, size: float) -> None:
    if float(_distances(features, features[:1]).max()) <= ROUNDING / 8 * size:
        raise ModelError(
            f"the embedding {embedding.name} gives the same features for different images, which says nothing of the "
            "generator; check its weights, and that it takes images in [0, 1]"
        )


def _unsteady(embedding: Embedding, when: str, share: float, cause: str) -> ModelError:
    return ModelError(
        f"the embedding {embedding.name} gives the same image other features {when} (by {share:.2g} of their size), as "
        f"where {cause}, and so it would hide exact copies; {_REMEDY}"
    )


def _distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the distances (n,) between rows, in float64."""
    return (a.double() - b.double()).norm(dim=1)
