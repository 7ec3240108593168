"""What a model of the latent-dimension study can reconstruct, and the controls: as entries of a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from didlearn.arrays import Floats, Singles
from didlearn.checks.groups import pixels
from didlearn.checks.targets import phase_noise, planted, shifted, shuffled
from didlearn.embeddings import Embedding
from didlearn.images import Images
from didlearn.inversion.invert import Inversion, invert
from didlearn.models.module import ModuleModel
from didlearn.neighbors import nearest
from didlearn.rng import Stream
from didlearn.statistics.means import mean
from didlearn.studies.annealed_bounds import annealed_bounds
from didlearn.studies.latent_dimension.line import line
from didlearn.studies.latent_dimension.perception import reconstruction_distance
from didlearn.studies.study import StudyRow, ends

_RECOVERED = 1e-4  # of a planted image's variance
_WITHIN = 0.99  # of the prior's mass


@dataclass(frozen=True)
class ReconstructionSearch:
    """How hard to search (see ``invert``)."""

    draws: int
    starts: int
    rounds: int

    def find(self, model: ModuleModel, images: Singles, seed: int, device: str, clip: float | None = None) -> Inversion:
        """Invert images, whose pixels may leave [0, 1]."""
        return invert(
            model, images, seed=seed, draws=self.draws, starts=self.starts, rounds=self.rounds, clip=clip,
            within=False, device=device, threads=1,
        )  # fmt: skip


def targets(
    train: Images,
    heldout: Images,
    outside: Images | None,
    shifts: tuple[int, ...],
    count: int,
    reconstructed: int,
    rng: Stream,
) -> dict[str, Singles]:
    """Return the images (n, C, H, W) that every model of the study is asked for: ``count`` of each kind.

    Training images and ``reconstructed`` held-out ones; training images moved by some pixels, turned by a quarter, with
    random phases, with their pixels shuffled; even grey; and another data set.
    """
    own = pixels(train.some(count, rng.numpy("train")))
    grey = rng.numpy("grey").random((len(own), 1, 1, 1), dtype=np.float32)
    groups = {"train": own, "held-out": pixels(heldout.some(reconstructed, rng.numpy("held-out")))}
    groups |= {f"shifted by {step}": shifted(own, step) for step in shifts}
    if own.shape[2] == own.shape[3]:
        groups["turned"] = np.ascontiguousarray(np.rot90(own, axes=(2, 3)))
    if outside is not None:
        groups["other data"] = pixels(outside.some(count, rng.numpy("outside")))
    return groups | {
        "random phases": phase_noise(own, rng.numpy("phases")),
        "shuffled pixels": shuffled(own, rng.numpy("shuffled")),
        "even grey": np.ascontiguousarray(np.broadcast_to(grey, own.shape)),
    }


def reconstruction(
    model: ModuleModel,
    groups: dict[str, Singles],
    search: ReconstructionSearch,
    embedding: Embedding,
    seed: int,
    device: str,
) -> StudyRow:
    """Invert every group; return mean squared errors with intervals, and the controls of the search.

    Returns:
        ``error``: {group: [mean, low, high]}. ``error_within``: the training images' with ẑ kept within the prior's
        99 % ball. ``planted``: share of the model's own images that the search finds. ``norm``: mean ‖ẑ‖²/d of the
        training images (1 under the prior). ``between``: see ``interpolation``. ``reconstruction_distance``: of the
        held-out images, in ``embedding``. ``encoder_error``: {group: ...} of the model's own encoder, and
        ``encoder_distance``, where it has one. ``line``: see ``line``, of held-out images, as many as training ones.
    """
    found = {name: search.find(model, images, seed, device) for name, images in groups.items()}
    own = planted(model, len(groups["train"]), Stream(seed, ("planted",)), device)
    error = search.find(model, own, seed, device).error
    variance = own.reshape(len(own), -1).astype(np.float64).var(axis=1)
    within = search.find(model, groups["train"], seed, device, clip=_WITHIN)
    size, held_out = int(np.prod(model.latent_shape)), groups["held-out"]
    distance = reconstruction_distance(embedding, held_out, found["held-out"].image, device)
    row: StudyRow = {
        "error": {name: _error(result.error) for name, result in found.items()},
        "error_within": _error(within.error),
        "planted": float((error < _RECOVERED * np.maximum(variance, 1e-12)).mean()),
        "norm": float(np.square(found["train"].norm).mean() / size),
        "between": interpolation(model, found["held-out"].latent, groups["train"], held_out, device),
        "reconstruction_distance": ends(distance),
    }
    few = slice(len(groups["train"]))
    row["line"] = line(model, held_out[few], found["held-out"].latent[few], search.draws, seed, device)
    return row | _by_encoder(model, groups, embedding, device)


def _by_encoder(model: ModuleModel, groups: dict[str, Singles], embedding: Embedding, device: str) -> StudyRow:
    if getattr(model.module, "reconstruct", None) is None:
        return {}
    made = {name: _encoded(model, x, device) for name, x in groups.items()}
    errors = {name: np.square(made[name].astype(np.float64) - x).mean(axis=(1, 2, 3)) for name, x in groups.items()}
    distance = reconstruction_distance(embedding, groups["held-out"], made["held-out"], device)
    return {"encoder_error": {name: _error(e) for name, e in errors.items()}, "encoder_distance": ends(distance)}


@torch.no_grad()
def interpolation(model: ModuleModel, latents: Singles, train: Singles, heldout: Singles, device: str) -> float:
    """Return how far images half-way between held-out ones lie from training images, in units of held-out images.

    Half-way in the latent, (a + b)/√2, which keeps N(0, I) what it is: the median distance of these images to the
    nearest training image over that of the held-out images themselves. 1: points between are as like the data as data.
    """
    z = torch.from_numpy(latents).to(device)
    between = model.decode((z + z.roll(1, dims=0)) / 2**0.5).cpu().numpy()
    flat = train.reshape(len(train), -1)
    distances = [nearest(x.reshape(len(x), -1), flat).distance[:, 0] for x in (between, heldout)]
    return float(np.median(distances[0]) / max(float(np.median(distances[1])), 1e-12))


@torch.no_grad()
def _encoded(model: ModuleModel, images: Singles, device: str) -> Singles:
    """Return what the model's own encoder and decoder make of images, in [0, 1]."""
    low, high = model.value_range or (0.0, 1.0)
    x = torch.from_numpy(images).to(device)
    made: Singles = ((model.module.reconstruct(low + (high - low) * x) - low) / (high - low)).cpu().numpy()  # type: ignore[operator]
    return made


def decoder_weights(model: ModuleModel) -> int:
    """Return how many weights the decoder has, without those of an encoder beside it."""
    decoder = getattr(model.module, "decoder", model.module)
    return sum(weight.numel() for weight in decoder.parameters())


def likelihood(model: ModuleModel, images: Singles, sigma: float, budget: int, seed: int, device: str) -> StudyRow:
    """Return the mean lower bound on log p_σ(x) of images, in nats, with its interval over images, and its looseness.

    Returns:
        ``log_likelihood``: [mean, low, high]. ``likelihood_gap``: the same of upper − lower bound (bidirectional Monte
        Carlo, as much effort) on as many images that the model itself makes; of real ones no upper bound is known.
    """
    bounds = annealed_bounds(model, images, sigma, budget, seed, device)
    return {"log_likelihood": _interval(bounds.lower), "likelihood_gap": _interval(bounds.gap)}


def _interval(values: Floats) -> list[float | None]:
    return ends(mean(np.asarray(values, dtype=np.float64)))


def _error(values: Floats) -> list[float | None]:
    """Return mean, low and high of errors, which are never below 0."""
    value, low, high = _interval(values)
    return [value, None if low is None else max(0.0, low), high]
