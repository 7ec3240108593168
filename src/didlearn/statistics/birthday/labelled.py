"""The support, from pairs that people judged, corrected for how often they err.

Only a sample of the closest pairs is looked at: stratum h holds N_h pairs of which m_h, drawn at random, are judged.
Person ℓ says "duplicate" of a true duplicate with probability η_ℓ (sensitivity) and of any other pair with probability
θ_ℓ (false alarms), independently given the truth. Among the judged pairs are planted ones of known truth, and they tell
η and θ; with q_h the share of duplicates in stratum h, a pair is called a duplicate with probability
q η + (1 − q) θ, which Rogan and Gladen (1978) solve for q. Here the whole posterior is drawn instead (Gibbs sampling
over the pairs' hidden truths; Joseph, Gyorkos & Coupal 1995), because it takes several people, several strata and the
errors of η and θ at once.

Pairs outside the strata are taken as no duplicates. A similarity that misses duplicates therefore makes the collision
probability too small: the support estimated from labels is then an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from didlearn.arrays import Floats, Ints
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.collisions import TAIL, effective_support, estimated_variance, support_from_collisions
from didlearn.statistics.intervals import beta_quantile, check_level, proportion

UNANSWERED: Final = -1
CANDIDATE: Final = -1
_PRIOR: Final = 0.5  # Jeffreys
_CHAINS: Final = 200
_BURN_IN, _KEPT = 40, 20
FEWEST_PLANTED: Final = 5
_METHOD: Final = "labelled pairs, corrected for the labellers' errors on planted pairs"


@dataclass(frozen=True)
class Judgements:
    """What was asked, and what people answered.

    Attributes:
        said: (people, pairs) 1 where the person called the pair a duplicate, 0 where they gave another answer
            ("unsure" is one), ``UNANSWERED`` (−1) where they gave none.
        truth: (pairs,) 1 for planted duplicates, 0 for planted distinct pairs, ``CANDIDATE`` (−1) for candidates.
        stratum: (pairs,) of candidates; not read for planted pairs.
        links: (pairs,) other close partners of either picture, dᵢ + dⱼ − 2; not read for planted pairs.
        sizes: (strata,) pairs in each stratum, of which the candidates are a random sample.
        samples: M, the images whose pairs these are.
    """

    said: Ints
    truth: Ints
    stratum: Ints
    links: Ints
    sizes: Ints
    samples: int

    def __post_init__(self) -> None:
        pairs = len(self.truth)
        if self.said.ndim != 2 or {self.said.shape[1], len(self.stratum), len(self.links)} != {pairs}:
            raise UsageError(f"answers must be (people, {pairs} pairs) and go with as many strata and links")
        held = np.bincount(self.stratum[self.truth == CANDIDATE], minlength=len(self.sizes))
        if len(held) > len(self.sizes) or (held > self.sizes).any() or self.samples < 2:
            raise UsageError(f"strata of {self.sizes.tolist()} pairs cannot hold {held.tolist()} candidates")

    def planted(self, person: int, truth: int) -> tuple[int, int]:
        """Return how many planted pairs of that truth a person called duplicates, and how many they answered."""
        answers = self.said[person, (self.truth == truth) & (self.said[person] != UNANSWERED)]
        return int(answers.sum()), len(answers)

    @property
    def measured(self) -> list[int]:
        """The people whose errors are known: who answered ``FEWEST_PLANTED`` planted pairs of either kind."""
        people = range(len(self.said))
        return [p for p in people if min(self.planted(p, 0)[1], self.planted(p, 1)[1]) >= FEWEST_PLANTED]


def error_rates(judgements: Judgements, person: int, level: float = 0.95) -> dict[str, Estimate]:
    """Return a person's ``sensitivity`` and ``false_alarms`` on planted pairs, for those of which any was answered."""
    counts = {"sensitivity": judgements.planted(person, 1), "false_alarms": judgements.planted(person, 0)}
    return {name: proportion(*count, level) for name, count in counts.items() if count[1]}


def corrected_support(judgements: Judgements, rng: np.random.Generator, level: float = 0.95) -> dict[str, Estimate]:
    """Estimate the collision probability and the effective support from the labels, corrected for their errors.

    The number C of duplicate pairs among the M(M−1)/2 is drawn from its posterior; for each draw the collision
    probability is drawn from the (lower and upper) confidence distribution that ``collision_interval`` reads its ends
    from, with the overdispersion that the drawn duplicates' links show. The interval's ends are quantiles of these,
    so that the errors of the labels and of the sample are in it both.

    Args:
        judgements: the answers. Candidates that nobody answered count as not looked at.
        rng: of the draws. level: of the intervals.

    Returns:
        ``effective_support``, ``collision_probability`` and ``duplicate_pairs``, or nothing where nobody answered both
        candidates and ``FEWEST_PLANTED`` planted pairs of each kind.

    Raises:
        UsageError: the level makes no sense.
    """
    check_level(level)
    data = _Data.of(judgements)
    if data is None:
        return {}
    pairs, triples = _posterior(data, rng)
    total = judgements.samples * (judgements.samples - 1) / 2
    tail = (1 - level) / 2
    low, high = _collision_draws(pairs, triples, judgements.samples, rng)
    value = float(np.median(pairs)) / total
    ends = min(float(np.quantile(low, TAIL * tail)), value), max(float(np.quantile(high, 1 - TAIL * tail)), value)
    n = data.pairs
    probability = Estimate(
        value=value,
        low=ends[0],
        high=ends[1],
        level=level,
        n=n,
        method=f"{_METHOD}; n is the pairs judged",
        unit="probability",
    )
    few, many = np.quantile(pairs, [tail, 1 - tail])
    count = Estimate(
        value=value * total,
        low=float(few),
        high=float(many),
        level=level,
        n=n,
        method="posterior given the labels; n is the pairs judged",
        unit="pairs",
    )
    return {
        "effective_support": support_from_collisions(probability),
        "collision_probability": probability,
        "duplicate_pairs": count,
    }


def uncorrected_support(judgements: Judgements, level: float = 0.95) -> dict[str, Estimate]:
    """Estimate the effective support as if every "duplicate" that is said were one: to set beside the corrected one.

    Each pair counts as the share of people who called it a duplicate, and stands for N_h/m_h pairs of its stratum.
    The interval is that of the sample alone; it covers the truth only where people never err.
    """
    asked = (judgements.truth == CANDIDATE) & (judgements.said != UNANSWERED).any(0)
    if not asked.any():
        return {}
    said = judgements.said[:, asked]
    share = (said == 1).sum(0) / (said != UNANSWERED).sum(0)
    stratum = judgements.stratum[asked]
    weight = share * (judgements.sizes / np.maximum(np.bincount(stratum, minlength=len(judgements.sizes)), 1))[stratum]
    pairs, triples = float(weight.sum()), float((weight * judgements.links[asked]).sum())
    found = effective_support(pairs, min(triples, 2 * pairs * (judgements.samples - 2)), judgements.samples, level)
    method = "labelled pairs as they are; the labellers' errors are not in the interval"
    return {"uncorrected_effective_support": found.model_copy(update={"method": method})}


@dataclass(frozen=True)
class _Data:
    """The answers as the sampler reads them: candidates that someone answered, and counts on planted pairs."""

    yes: Floats  # (people, pairs) 1 where said to be a duplicate
    no: Floats  # (people, pairs) 1 where answered otherwise
    hits: Floats  # (people, 2) planted duplicates called so, and not
    alarms: Floats  # (people, 2) planted distinct pairs called duplicates, and not
    member: Floats  # (pairs, strata) 1 where the pair belongs
    links: Floats
    sizes: Ints

    @classmethod
    def of(cls, judgements: Judgements) -> _Data | None:
        people = judgements.measured
        said = judgements.said[people]
        used = (judgements.truth == CANDIDATE) & (said != UNANSWERED).any(0)
        if not people or not used.any():
            return None
        counts = {t: np.array([judgements.planted(p, t) for p in people], dtype=float) for t in (0, 1)}
        hits, alarms = (np.stack([counts[t][:, 0], counts[t][:, 1] - counts[t][:, 0]], axis=1) for t in (1, 0))
        member = np.eye(len(judgements.sizes))[judgements.stratum[used]]
        yes, no = ((said[:, used] == answer).astype(float) for answer in (1, 0))
        return cls(yes, no, hits, alarms, member, judgements.links[used].astype(float), judgements.sizes)

    @property
    def pairs(self) -> int:
        return self.yes.shape[1]


def _posterior(data: _Data, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw (C, T): duplicate pairs, and ordered triples of duplicates, in all strata together."""
    held = data.member.sum(0)
    eta, theta = (
        _inside(rng.beta(counts[:, 0] + _PRIOR, counts[:, 1] + _PRIOR, size=(_CHAINS, len(counts))))
        for counts in (data.hits, data.alarms)
    )
    q = np.full((_CHAINS, len(held)), 0.5)
    draws = []
    for step in range(_BURN_IN + _KEPT):
        odds = special.logit(q) @ data.member.T + _evidence(eta, data) - _evidence(theta, data)
        z = (rng.random(odds.shape) < special.expit(odds)).astype(float)
        found = z @ data.member
        q = _inside(rng.beta(found + _PRIOR, held - found + _PRIOR))
        eta = _inside(rng.beta(data.hits[:, 0] + z @ data.yes.T + _PRIOR, data.hits[:, 1] + z @ data.no.T + _PRIOR))
        w = 1 - z
        theta = _inside(
            rng.beta(data.alarms[:, 0] + w @ data.yes.T + _PRIOR, data.alarms[:, 1] + w @ data.no.T + _PRIOR)
        )
        if step >= _BURN_IN:
            count = found + rng.binomial((data.sizes - held).astype(np.int64), q)
            linked = (z * data.links) @ data.member / np.maximum(found, 1)
            draws.append((count.sum(1), (count * linked).sum(1)))
    pairs, triples = (np.concatenate(parts) for parts in zip(*draws, strict=True))
    return pairs, triples


def _evidence(rate: Floats, data: _Data) -> Floats:
    """Return the log-probability (chains, pairs) of each pair's answers when "duplicate" is said at ``rate``."""
    logs: Floats = np.log(rate) @ data.yes + np.log1p(-rate) @ data.no
    return logs


def _inside(rate: Floats) -> Floats:
    return np.clip(rate, 1e-9, 1 - 1e-9)


def _collision_draws(pairs: Floats, triples: Floats, samples: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw Σp² from its lower and its upper confidence distribution given each (C, T)."""
    total = samples * (samples - 1) / 2
    s2, m = pairs / total, effective_pairs(pairs, triples, samples)
    u = rng.permutation((np.arange(len(pairs)) + 0.5) / len(pairs))
    low = np.zeros(len(pairs))
    some = pairs > 0
    low[some] = beta_quantile(u[some], s2[some] * m[some], m[some] - s2[some] * m[some] + 1)
    high: Floats = s2
    excess = total / m - 1
    for _ in range(8):
        at = np.sqrt(np.divide(high, s2, out=np.ones_like(s2), where=some))
        m = np.maximum(samples / 2, total / (1 + excess * at))
        high = beta_quantile(u, s2 * m + 1, np.maximum(m - s2 * m, 1e-9))
    return low, high


def effective_pairs(pairs: Floats, triples: Floats, samples: int) -> Floats:
    """Return how many independent pairs tell as much as all pairs of the sample (see ``collision_interval``).

    Args:
        pairs: (n,) C. triples: (n,) ordered triples. samples: M.
    """
    total = samples * (samples - 1) / 2
    s2 = np.minimum(pairs / total, 1.0)
    if samples < 4:
        return np.full(len(s2), samples / 2)
    variance = estimated_variance(pairs, triples, samples)  # type: ignore[arg-type]
    m = np.divide(s2 * (1 - s2), variance, out=np.full(len(s2), total), where=np.asarray(variance) > 0)
    return np.clip(np.where(s2 == 1, samples / 2, m), samples / 2, total)
