"""Every score of the generated images, of as many training images in their place, and what lies between the two."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from didlearn.arrays import Floats
from didlearn.checks.fidelity.leave_out import GROUPS, left_out_metrics, make_sample
from didlearn.checks.fidelity.manifold_metrics import ManifoldMetrics, manifold_metrics
from didlearn.result.values import Estimate, exactly
from didlearn.rng import Stream
from didlearn.statistics.distances.frechet import frechet_influence
from didlearn.statistics.distances.influence import Influences
from didlearn.statistics.distances.kernel_distance import kernel_test
from didlearn.statistics.distances.vendi import VendiInfluence, vendi_influence
from didlearn.statistics.intervals import clopper_pearson, difference

Found = dict[str, Estimate]
_DERIVATIVE, _JACKKNIFE = "interval by influence of each image", "interval by leaving each image out"
_LEFT_OUT = f"interval by leaving out {GROUPS} groups of images"
_LESS = "generated less training images"
_EXCHANGE = "exchange of generated and real images"


class Sets(NamedTuple):
    """Features of held-out images (n, D), and of as many generated as training images, (m, D) each."""

    heldout: Floats
    generated: Floats
    train: Floats


def frechet_numbers(sets: Sets, level: float) -> Found:
    """Return the Fréchet distance from the held-out images, and what it exceeds training images' by."""
    own, null = (frechet_influence(real=sets.heldout, generated=rows) for rows in (sets.generated, sets.train))
    return {
        "frechet_distance": own.estimate(level, f"at these numbers of images; {_DERIVATIVE}"),
        "frechet_distance_train": null.estimate(level, f"at these numbers of images; {_DERIVATIVE}"),
        "frechet_excess": own.less(null, level, f"{_LESS}, both equally biased; {_DERIVATIVE}"),
    }


def kernel_numbers(sets: Sets, level: float, permutations: int, rng: Stream) -> Found:
    """Return the kernel distance, its effect, and p-values under exchange with held-out images."""
    found: Found = {}
    for name, rows in (("", sets.generated), ("_train", sets.train)):
        stream = rng.numpy(f"exchanges{name}")
        tested = kernel_test(real=sets.heldout, generated=rows, rng=stream, permutations=permutations)
        found[f"kernel_distance{name}"] = tested.distance.estimate(level, f"unbiased, all pairs; {_JACKKNIFE}")
        found[f"kernel_shift{name}"] = _root(tested.share, level)
        n = len(rows) + len(sets.heldout)
        found[f"kernel_pvalue{name}"] = exactly(tested.pvalue, level, n, f"{_EXCHANGE}, {permutations} times")
    return found


def _root(share: Influences, level: float) -> Estimate:
    """The root of a squared effect; what lies below zero is no effect."""
    squared = share.estimate(level, f"root of the kernel distance over the real images' spread; {_JACKKNIFE}")
    ends = {key: math.sqrt(max(0.0, getattr(squared, key))) for key in ("value", "low", "high")}
    return squared.model_copy(update=ends | {"unit": "fraction"})


def vendi_numbers(sets: Sets, level: float) -> Found:
    """Return the Vendi scores of equally many images, and their ratio."""
    own, null = vendi_influence(sets.generated), vendi_influence(sets.train)
    return {
        "vendi_score": _exp([own], own.log, level, "order 1, cosine similarity", "images"),
        "vendi_score_train": _exp([null], null.log, level, "order 1, cosine similarity", "images"),
        "vendi_ratio": _exp([own, null], own.log - null.log, level, "generated over training images", "ratio"),
    }


def _exp(pulled: list[VendiInfluence], log: float, level: float, method: str, unit: str) -> Estimate:
    error = math.sqrt(sum(float(found.pull @ found.pull) / len(found.pull) ** 2 for found in pulled))
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    n = sum(len(found.pull) for found in pulled)
    low, value, high = (math.exp(log + step) for step in (-half, 0.0, half))
    return Estimate(value=value, low=low, high=high, level=level, n=n, method=f"{method}; {_DERIVATIVE}", unit=unit)


def manifold_numbers(sets: Sets, k: int, level: float, rng: Stream) -> Found:
    """Return precision, recall, density and coverage, and what they exceed those of training images by."""
    real = make_sample(sets.heldout, k, rng.numpy("groups", "heldout"))
    pairs = (("", sets.generated), ("_train", sets.train))
    values = {name: manifold_metrics(real=sets.heldout, generated=rows, k=k) for name, rows in pairs}
    without = {name: left_out_metrics(real, make_sample(rows, k, rng.numpy("groups", name)), k) for name, rows in pairs}
    counted = (len(sets.generated), len(sets.heldout), 0, len(sets.heldout))
    found: Found = {}
    for i, (metric, trials) in enumerate(zip(ManifoldMetrics._fields, counted, strict=True)):
        own, null = values[""][i], values["_train"][i]
        for name, value in (("", own), ("_train", null)):
            found[metric + name] = _share(value, without[name][:, i], trials, sets, level)
        gap = _jackknife(own - null, without[""][:, i] - without["_train"][:, i], sets, level)
        found[f"{metric}_gap"] = _gap(gap, own, null, trials)
    return found


def _jackknife(value: float, without: Floats, sets: Sets, level: float) -> Estimate:
    error = math.sqrt((GROUPS - 1) / GROUPS * float(np.square(without - without.mean()).sum()))
    half = float(stats.t.ppf((1 + level) / 2, GROUPS - 1)) * error
    n = len(sets.heldout) + len(sets.generated)
    return Estimate(value=value, low=value - half, high=value + half, level=level, n=n, method=_LEFT_OUT)


def _share(value: float, without: Floats, trials: int, sets: Sets, level: float) -> Estimate:
    """The interval of a share is no shorter than a binomial one; a density of none has no upper end."""
    found = _jackknife(value, without, sets, level)
    low, high = max(0.0, found.low or 0.0), found.high or 0.0
    if not trials:
        return found.model_copy(update={"low": low, "high": high if value else None, "unit": "ratio"})
    least, most = clopper_pearson(round(value * trials), trials, level)
    return found.model_copy(update={"low": min(low, least), "high": min(1.0, max(high, most)), "unit": "fraction"})


def _gap(gap: Estimate, own: float, null: float, trials: int) -> Estimate:
    """Where no group changes anything, a difference of proportions still has an error."""
    method = f"{_LESS}; {_LEFT_OUT}"
    if not trials:
        return gap.model_copy(update={"method": method, "unit": "ratio"})
    binomial = difference(round(own * trials), trials, round(null * trials), trials, gap.level)
    low = max(-1.0, min(gap.low or 0.0, binomial.low or 0.0))
    high = min(1.0, max(gap.high or 0.0, binomial.high or 0.0))
    return gap.model_copy(update={"low": low, "high": high, "method": method, "unit": "fraction"})
