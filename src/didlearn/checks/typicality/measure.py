"""Typicality: the log-likelihood of real images against that of the model's own samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from didlearn.arrays import Array
from didlearn.checks.log_likelihood.bounds import NATS, ROLES, key, slack_of
from didlearn.result.parts import Decision, Parts
from didlearn.result.values import Cell, Estimate, Figure, Mark, Series, Table, exactly
from didlearn.result.words import number
from didlearn.rng import Stream
from didlearn.statistics.intervals import proportion
from didlearn.statistics.means import exchange_pvalue, holm, mean, mean_difference

_UNLIKELY = 0.05
_RESAMPLED = 2_000
_THRESHOLD = 0.99


def typical_parts(own: Array, real: dict[str, Array], batch: int, rng: Stream, level: float) -> Parts:
    """Compare real groups' log-likelihoods with those of the model's samples, (n,) each, in nats.

    For each group: the difference of means in standard deviations of the samples; the p-value of the difference if all
    labels could be exchanged, exact and corrected by Holm; the share of single images that are unlikely among samples
    (two-sided rank); and the share of batches farther from the entropy than 99 % of batches of samples.
    """
    entropy = mean(-own, level, NATS)
    spread = float(own.std(ddof=1)) or 1e-12
    raw = {name: exchange_pvalue(values, own, rng.numpy("exchange", name)) for name, values in real.items()}
    corrected = holm(raw)
    limit = batch_limit(own, batch, rng.numpy("batches"))
    estimates: dict[str, Estimate] = {
        "entropy": entropy.model_copy(update={"method": "−mean log-likelihood of samples"}),
        "sample_spread": exactly(spread, level, len(own), "standard deviation of its samples' log-likelihoods", NATS),
    }
    rows: list[tuple[Cell, ...]] = []
    for name, values in real.items():
        shift = _in_units(mean_difference(values, own, level), spread)
        single = proportion(int((single_pvalues(values, own) < _UNLIKELY).sum()), len(values), level)
        batches = batch_distances(values, own, batch)
        far = proportion(int((batches > limit).sum()), len(batches), level)
        estimates[key("typicality_shift", name)] = shift
        estimates[key("typicality_pvalue", name)] = exactly(
            corrected[name], level, len(values) + len(own), "exchange of labels, two-sided, Holm"
        )
        estimates[key("atypical", name)] = single
        estimates[key("atypical_batches", name)] = far
        rows.append((name, float(values.mean()), shift.value, corrected[name], single.value, far.value))
    table = Table(
        name="typicality",
        title="Real images among its own",
        columns=("images", "mean log-likelihood", "shift (sd)", "p-value", "unlikely single", "far batches"),
        rows=tuple(rows),
        caption=f"Its own samples: {float(own.mean()):.1f} nats, standard deviation {spread:.3g}. Batches of {batch}.",
    )
    return Parts(estimates, tables=(table,), arrays={"own_log_likelihood": own})


def single_pvalues(values: Array, own: Array) -> Array:
    """Two-sided rank p-value of each value (n,) among the model's samples (m,): uniform if it is one of them."""
    ordered = np.sort(own)
    below = np.searchsorted(ordered, values, "right")
    above = len(own) - np.searchsorted(ordered, values, "left")
    return np.minimum(1.0, 2 * (1 + np.minimum(below, above)) / (len(own) + 1))


def batch_distances(values: Array, own: Array, batch: int) -> Array:
    """|−(1/M) Σ log p − H| of consecutive batches of M images: the statistic of Nalisnick et al. (2019)."""
    M = min(batch, len(values))
    whole = values[: len(values) // M * M].reshape(-1, M)
    return np.abs(-whole.mean(axis=1) + own.mean())


def batch_limit(own: Array, batch: int, rng: np.random.Generator) -> float:
    """The 99 % quantile of that statistic over batches of the model's samples, H from the samples left out."""
    M = min(batch, len(own) - 1)
    drawn = rng.permuted(np.broadcast_to(np.arange(len(own)), (_RESAMPLED, len(own))), axis=1)[:, :M]
    inside = own[drawn].mean(axis=1)
    rest = (own.sum() - inside * M) / (len(own) - M)
    return float(np.quantile(np.abs(inside - rest), _THRESHOLD))


def _in_units(difference: Estimate, spread: float) -> Estimate:
    scaled = {end: getattr(difference, end) / spread for end in ("value", "low", "high")}
    method = "difference of mean log-likelihoods over the samples' standard deviation"
    return difference.model_copy(update={**scaled, "method": method, "unit": "standard deviations"})


def judge_typicality(estimates: dict[str, Estimate], tolerance: float, alpha: float, groups: list[str]) -> Decision:
    """Decide whether training images are typical.

    ``fail``: their mean surely differs (p < ``alpha``), by more than the bounds' gap. ``pass``: it surely lies within
    ``tolerance`` standard deviations. Else ``inconclusive``.
    """
    shift, p = estimates["typicality_shift_train"], estimates["typicality_pvalue_train"].value or 0.0
    value, low, high = shift.value or 0.0, shift.low or 0.0, shift.high or 0.0
    direction = "likelier" if value > 0 else "less likely"
    said = (
        f"Training images are on average {number(abs(value))} standard deviations {direction} than the generator's own "
        f"samples (p = {p:.2g})."
    )
    nearest = min(groups, key=lambda name: abs(estimates[key("typicality_shift", name)].value or 0.0))
    if nearest not in ("train", "held-out"):
        said += f" {nearest} comes nearer to what is typical of it."
    slack, away = slack_of(estimates), abs(value) * (estimates["sample_spread"].value or 0.0)
    if p < alpha and away <= slack:
        reason = (
            f"the difference ({number(away)} nats) is no larger than the bounds are loose ({number(slack)}): "
            "a larger budget would settle it"
        )
        return Decision("inconclusive", reason, f"{said} Open: {reason}.")
    if p < alpha:
        return Decision("fail", f"their mean log-likelihood differs from its own samples' (p = {p:.2g})", said)
    if -tolerance <= low and high <= tolerance:
        reason = f"their mean log-likelihood surely lies within {tolerance:g} standard deviations of its own samples'"
        return Decision("pass", reason, f"{said} They are typical of it.")
    need = math.ceil(shift.n * ((high - low) / 2 / max(tolerance - abs(value), 0.1 * tolerance)) ** 2)
    span = f"{low:.2g} to {high:.2g} standard deviations"
    reason = f"the difference ({span}) is not settled; about {need} images would settle it"
    return Decision("inconclusive", reason, f"{said} Open: {reason}.")


def typical_figure(own: Array, real: dict[str, Array]) -> Figure:
    """Draw the cumulative share of each group's log-likelihoods."""

    def curve(label: str, values: Array, role: Any) -> Series:
        ordered = np.sort(values)
        share = (np.arange(len(ordered)) + 1) / len(ordered)
        return Series(label=label, x=tuple(ordered), y=tuple(share), style="step", role=role)

    series = [curve("its own samples", own, "generated")]
    series += [curve(name, values, ROLES.get(name, "outside")) for name, values in real.items()]
    return Figure(
        name="typicality", title="Where the likelihoods lie", x_label="log-likelihood (nats, a lower bound)",
        y_label="share of images", series=tuple(series), marks=(Mark(label="−entropy", x=float(own.mean())),),
        caption="Typical images follow the generator's own samples. Likelier than typical is not typical either.",
    )  # fmt: skip
