"""The numbers of the likelihood check."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from didlearn.arrays import Floats, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import estimate_key, pixels
from didlearn.checks.likelihood.densities import fit_densities
from didlearn.checks.log_likelihood.bounds import NATS, Likelihoods
from didlearn.checks.log_likelihood.effort import FEW
from didlearn.checks.log_likelihood.sigma import Calibration
from didlearn.evidence.iwae import has_encoder, iwae
from didlearn.models.base import LatentModel
from didlearn.result.values import Estimate, Estimates, exactly
from didlearn.rng import Stream
from didlearn.statistics.complexity import local_variance, local_variation, png_bits
from didlearn.statistics.intervals import bootstrap
from didlearn.statistics.means import mean, mean_difference

ImageGroups = dict[str, Singles]
OPEN = "open"
OWN_GROUPS = ("train", "held-out", "generated")
_FITTED_IMAGES = 10_000
WIDEST = 3_072


def likelihood_estimates(found: Likelihoods, D: int, level: float, *, bits: bool) -> Estimates:
    """Each group's mean log-likelihood, in nats and, for dequantised images, in bits per dimension."""
    nats = {estimate_key("log_likelihood", name): mean(values, level, NATS) for name, values in found.items()}
    if not bits:
        return nats
    return nats | {
        estimate_key("bits_per_dim", name): mean(bits_per_dimension(values, D), level, "bits per dimension")
        for name, values in found.items()
    }


def bits_per_dimension(nats: Floats, D: int) -> Floats:
    """Return −log₂ p per pixel on the 8-bit scale, 8 − LL/(D ln 2): pixels (k + u)/256 are 256 times denser."""
    return 8 - nats / (D * math.log(2))


def sigma_estimates(calibration: Calibration, level: float, unit: str = "of the pixel range") -> Estimates:
    """Where the observation noise comes from, and in which ``unit`` it is."""
    values = {
        "sigma": (calibration.sigma, "used"),
        "sigma_reconstruction": (calibration.reconstruction, "‖x − G(ẑ)‖² / (D − d) of held-out images"),
        "sigma_likeliest": (calibration.likeliest, "likeliest for held-out images"),
    }
    return {
        name: exactly(value, level, FEW, method, unit) for name, (value, method) in values.items() if value is not None
    }


def preference_pairs(found: Likelihoods) -> list[tuple[str, str]]:
    """The pairs that are compared: its own groups, then held-out and generated ones with every outside set."""
    pairs = [("train", "held-out"), ("generated", "held-out")]
    pairs += [(own, name) for name in found if name not in OWN_GROUPS for own in ("held-out", "generated")]
    return [(a, b) for a, b in pairs if a in found and b in found]


def preference_key(a: str, b: str) -> str:
    """Return the name of the estimate of how much likelier group ``a`` is than ``b``."""
    return estimate_key(estimate_key("preference", a), b)


def preference_estimates(found: Likelihoods, level: float) -> Estimates:
    """How much likelier one group of each pair is than the other, in nats."""
    return {preference_key(a, b): mean_difference(found[a], found[b], level, NATS) for a, b in preference_pairs(found)}


def preferred(difference: Estimate, slack: float, a: str, b: str) -> str:
    """Return which of two groups is surely likelier, by more than ``slack`` nats, or that it is open.

    An open end of the difference may lie anywhere: nothing is sure on that side.
    """
    if difference.low is not None and difference.low > slack:
        return a
    if difference.high is not None and difference.high < -slack:
        return b
    return OPEN


def training_or_heldout(estimates: Mapping[str, Estimate], slack: float) -> str:
    """Say whether training or held-out images are surely likelier, by more than ``slack`` nats."""
    winner = preferred(estimates[preference_key("train", "held-out")], slack, "training", "held-out")
    return "neither surely likelier" if winner == OPEN else f"{winner} images surely likelier"


def density_values(subject: Subject, groups: ImageGroups, rng: Stream) -> tuple[dict[str, Likelihoods], int]:
    """Log densities of the groups' images under simple densities fitted to training images.

    Returns:
        {density: {group: (n,) nats}}, and how many training images they were fitted to; nothing, and 0, for images
        too wide for a covariance matrix.
    """
    assert subject.train is not None
    assert isinstance(subject.model, LatentModel)
    if math.prod(subject.model.image_shape) > WIDEST:
        return {}, 0
    train = subject.train.some(_FITTED_IMAGES, rng.numpy("baselines"))
    x = pixels(train).reshape(len(train), -1).astype(np.float64)
    if not subject.points:
        x = (x * 255 + rng.numpy("baseline noise").random(x.shape)) / 256
    densities = fit_densities(x, math.prod(subject.model.latent_shape), rng.numpy("k-means"))
    rows = {name: images.reshape(len(images), -1).astype(np.float64) for name, images in groups.items()}
    values = {kind: {name: law.log_density(x) for name, x in rows.items()} for kind, law in densities.items()}
    return values, len(x)


def density_estimates(values: dict[str, Likelihoods], level: float) -> Estimates:
    """How likely held-out images are under the simple densities."""
    return {estimate_key(kind, "held-out"): mean(nats["held-out"], level, NATS) for kind, nats in values.items()}


def encoder_estimates(subject: Subject, groups: ImageGroups, sigma: float, observation: str, level: float) -> Estimates:
    """The importance-weighted bound of the model's own encoder, where it has one: a bound from another side."""
    assert isinstance(subject.model, LatentModel)
    if not has_encoder(subject.model):
        return {}
    method = "importance-weighted bound (IWAE) of the model's encoder, 200 draws"
    found = {}
    for name in ("train", "held-out"):
        values = iwae(subject.model, groups[name], sigma, subject.seed, observation=observation, device=subject.device)
        found[estimate_key("iwae", name)] = mean(values, level, NATS).model_copy(update={"method": method})
    return found


def complexity_estimates(
    groups: ImageGroups, found: Likelihoods, ppca: Likelihoods, rng: Stream, level: float
) -> Estimates:
    """How far trivial statistics of an image foretell its likelihood, under the generator and under PPCA."""
    names = [name for name in groups if name != "generated"]
    images = np.concatenate([groups[name] for name in names])
    ours = np.concatenate([found[name] for name in names])
    estimates = {}
    scores = {
        "local_variance": local_variance(images),
        "local_variation": local_variation(images),
        "png_bits": png_bits(images),
    }
    for score, values in scores.items():
        estimates[f"correlation_{score}"] = correlation(ours, values, rng.numpy(score), level)
        if ppca:
            theirs = np.concatenate([ppca[name] for name in names])
            estimates[f"correlation_{score}_ppca"] = correlation(theirs, values, rng.numpy(score, "ppca"), level)
    return estimates


def correlation(a: Floats, b: Floats, rng: np.random.Generator, level: float) -> Estimate:
    """Spearman's correlation of two scores (n,) with a bootstrap interval over images."""
    ranks = np.stack([_dense_ranks(a), _dense_ranks(b)], axis=1)
    return bootstrap(ranks, _spearman, rng, level=level, replicates=500, unit="rank correlation")


def _dense_ranks(scores: Floats) -> Ints:
    """Ranks from 0 (n,), equal scores sharing one, none left out; −1 of a score that is no number."""
    ranks: Ints = np.unique(scores, return_inverse=True)[1].astype(np.int64)
    return np.where(np.isnan(scores), -1, ranks)


def _spearman(ranks: Ints) -> float:
    """Spearman's correlation of the columns of (n, 2); 0 where one of them is constant and foretells nothing.

    It is ``scipy.stats.spearmanr`` to the last bit, in a twentieth of its time: counts rank a resample unsorted, and
    ranks are halves of whole numbers, so that every sum of them is exact.
    """
    if ranks.min() < 0:
        return math.nan
    a, b = _centred_ranks(ranks[:, 0]), _centred_ranks(ranks[:, 1])
    per = 1 / (len(ranks) - 1)
    variance_a, variance_b, covariance = (a @ a) * per, (b @ b) * per, (a @ b) * per
    if variance_a == 0 or variance_b == 0:
        return 0.0
    return float(np.clip(covariance / math.sqrt(variance_b) / math.sqrt(variance_a), -1, 1))


def _centred_ranks(dense: Ints) -> Floats:
    """Ranks less their mean, equal ones at the middle of their places."""
    counts = np.bincount(dense)
    middles = counts.cumsum() - (counts - 1) / 2
    centred: Floats = middles[dense] - (len(dense) + 1) / 2
    return centred
