"""Typicality: the log-likelihood of real images against that of the model's own samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.groups import estimate_key
from didlearn.checks.log_likelihood.bounds import NATS, Likelihoods
from didlearn.result.values import Estimate, exactly
from didlearn.rng import Stream
from didlearn.statistics.intervals import proportion
from didlearn.statistics.means import exchange_pvalue, holm, mean, mean_difference

_NOMINAL = 0.05  # of its own samples, outside the typical set
_RESAMPLED = 2_000
_THRESHOLD = 0.99
_EQUAL = 1e-12  # the least spread, in nats: samples that are all as likely as one another have none


class OwnSamples(NamedTuple):
    """The model's own samples' log-likelihoods (n,), their standard deviation, and how far a batch may lie."""

    own: Floats
    spread: float
    limit: float
    batch: int


def typical_estimates(own: Floats, real: Likelihoods, batch: int, rng: Stream, level: float) -> dict[str, Estimate]:
    """Compare real groups' log-likelihoods with those of the model's samples, (n,) each, in nats.

    For each group: the difference of means in standard deviations of the samples; the p-value of the difference if all
    labels could be exchanged, exact and corrected by Holm; the share of single images that are unlikely among samples
    outside their typical set; and the share of batches farther from the entropy than 99 % of batches of samples.
    """
    corrected = holm({name: exchange_pvalue(nats, own, rng.numpy("exchange", name)) for name, nats in real.items()})
    samples = OwnSamples(own, spread_of(own), batch_limit(own, batch, rng.numpy("batches")), batch)
    found = {
        "atypical_nominal": exactly(nominal_share(len(own)), level, len(own), "share of its own samples", "fraction"),
        "entropy": mean(-own, level, NATS).model_copy(update={"method": "−mean log-likelihood of samples"}),
        "sample_spread": exactly(
            samples.spread, level, len(own), "standard deviation of its samples' log-likelihoods", NATS
        ),
    }
    for name, nats in real.items():
        found |= {
            estimate_key(what, name): estimate
            for what, estimate in _group_estimates(nats, samples, corrected[name], level).items()
        }
    return found


def spread_of(own: Floats) -> float:
    """The standard deviation of the samples' log-likelihoods."""
    return float(own.std(ddof=1)) or _EQUAL


def _group_estimates(nats: Floats, samples: OwnSamples, pvalue: float, level: float) -> dict[str, Estimate]:
    own, count = samples.own, len(nats)
    unlikely = outside(nats, own)
    batches = batch_distances(nats, own, samples.batch)
    return {
        "typicality_shift": _in_units(mean_difference(nats, own, level), samples.spread),
        "typicality_pvalue": exactly(pvalue, level, count + len(own), "exchange of labels, two-sided, Holm"),
        "atypical": proportion(unlikely, count, level),
        "atypical_batches": proportion(int((batches > samples.limit).sum()), len(batches), level),
    }


def outside(values: Floats, own: Floats) -> int:
    """Count the values (n,) outside the typical set of the model's samples (m,): beyond their k-th smallest or largest.

    k is the largest with 2k/(m + 1) of fresh samples outside at most ``_NOMINAL``, and 1 where there are too few.
    """
    k = tail_rank(len(own))
    ordered = np.sort(own)
    return int(((values < ordered[k - 1]) | (values > ordered[-k])).sum())


def tail_rank(samples: int) -> int:
    """Return k, the rank from either end at which the typical set ends."""
    return max(1, int(_NOMINAL * (samples + 1) / 2))


def nominal_share(samples: int) -> float:
    """Return the share of fresh samples that lie outside: 2k/(m + 1)."""
    return 2 * tail_rank(samples) / (samples + 1)


def batch_distances(values: Floats, own: Floats, batch: int) -> Floats:
    """|−(1/M) Σ log p − H| of consecutive batches of M images: the statistic of Nalisnick et al. (2019)."""
    M = min(batch, len(values))
    whole = values[: len(values) // M * M].reshape(-1, M)
    return np.abs(-whole.mean(axis=1) + own.mean())


def batch_limit(own: Floats, batch: int, rng: np.random.Generator) -> float:
    """The 99 % quantile of that statistic over batches of the model's samples, H from the samples left out."""
    M = min(batch, len(own) - 1)
    drawn = rng.permuted(np.broadcast_to(np.arange(len(own)), (_RESAMPLED, len(own))), axis=1)[:, :M]
    inside = own[drawn].mean(axis=1)
    rest = (own.sum() - inside * M) / (len(own) - M)
    return float(np.quantile(np.abs(inside - rest), _THRESHOLD))


def _in_units(difference: Estimate, spread: float) -> Estimate:
    ends = {name: getattr(difference, name) for name in ("value", "low", "high")}
    scaled = {name: None if end is None else end / spread for name, end in ends.items()}
    method = "difference of mean log-likelihoods over the samples' standard deviation"
    return difference.model_copy(update={**scaled, "method": method, "unit": "standard deviations"})
