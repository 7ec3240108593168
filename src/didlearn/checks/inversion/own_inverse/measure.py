"""The latents of groups of images, and the numbers that say how typical they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import mannwhitneyu

from didlearn.arrays import Floats
from didlearn.audit.subject import Subject
from didlearn.checks.groups import estimate_key
from didlearn.checks.inversion.inverted import Wanted, choose_groups
from didlearn.checks.latents.encoding import Encoded, between_levels, encoded, kept_in_bytes
from didlearn.checks.latents.typical import PriorLaw, neighbour_correlation
from didlearn.checks.targets import planted
from didlearn.models.base import LatentModel
from didlearn.result.values import Estimate, Estimates, Role, exactly
from didlearn.rng import Stream
from didlearn.statistics.intervals import proportion
from didlearn.statistics.medians import median

FOUND_AGAIN = 1e-4  # of the image's variance
GENERATED = "generated"  # as stored: in 8 bits where real images are
AS_MADE = "planted"  # exactly what the decoder made
_TYPICAL = 0.05  # of its own images lie beyond


@dataclass(frozen=True, eq=False)
class Group:
    """Images of one kind and their latents.

    Attributes:
        role: their colour. found: the latents. scores: (n,) how far off each is, in spreads of the prior.
        limit: the score that 95 % of the prior's own draws do not exceed.
        pvalue: that the latents are independent draws of the prior. each: the same by statistic.
    """

    role: Role
    found: Encoded
    scores: Floats
    limit: float
    pvalue: float
    each: dict[str, float]


def measure_groups(subject: Subject, count: int, rng: Stream) -> dict[str, Group]:
    """Find the latents of ``count`` training, held-out, generated and outside images, and of half as many controls.

    Images in 8 bits lie on a lattice, where a density on the whole space has no value: they are dequantised first, the
    generator's own like the real ones. Beside them stand its images as they are made (``planted``).
    """
    assert isinstance(subject.model, LatentModel)
    law = PriorLaw.learn(subject.model, Stream(subject.seed, ("prior",)))
    groups = {}
    for name, wanted in _wanted(subject, count, rng).items():
        found = encoded(subject, name, wanted.images)
        pvalue, each = law.pvalue(found.latents, rng.child("groups", name))
        groups[name] = Group(wanted.role, found, law.scores(found.latents), law.limit, pvalue, each)
    return groups


def _wanted(subject: Subject, count: int, rng: Stream) -> dict[str, Wanted]:
    assert isinstance(subject.model, LatentModel)
    chosen = choose_groups(subject, count, rng)
    clean = planted(subject.model, count, rng.child("planted"), subject.device)
    wanted = {}
    for name, group in chosen.items():
        exact = name == GENERATED and not kept_in_bytes(subject)  # drawn samples are rounded
        images = clean if exact else between_levels(subject, group.images, rng.child("levels", name))
        wanted[name] = group._replace(images=images)
    return wanted | {AS_MADE: Wanted("theory", clean)}


def beyond_own(group: Group, own: Group) -> int:
    """Count latents (n,) farther off than the k-th farthest of the generator's own images; see ``nominal``."""
    return int((group.scores > np.sort(own.scores)[-_rank(own)]).sum())


def beyond_prior(group: Group) -> int:
    """Count latents (n,) farther off than 95 % of the prior's own draws."""
    return int((group.scores > group.limit).sum())


def nominal(own: Group) -> float:
    """Return the share of fresh images of its own that lie beyond: k/(m + 1), at most 5 % where there are enough."""
    return _rank(own) / (len(own.scores) + 1)


def _rank(own: Group) -> int:
    return max(1, int(_TYPICAL * (len(own.scores) + 1)))


def latent_estimates(groups: dict[str, Group], level: float) -> Estimates:
    """What is known of each group's latents."""
    own = groups[GENERATED]
    m = len(own.scores)
    found = {
        "atypical_nominal": exactly(nominal(own), level, m, "share of its own images", "fraction"),
        "recovered": made_again(groups[AS_MADE], level),
    }
    for name, group in groups.items():
        n, z = len(group.scores), group.found.latents
        squares = np.square(z.reshape(n, -1).astype(np.float64)).mean(axis=1)
        measured = {
            "round_trip": median(group.found.error, level, "of the variance"),
            "latent_size": median(squares, level, "mean square of a coordinate"),
            "latent_correlation": median(neighbour_correlation(z), level, "correlation"),
            "atypical_prior": proportion(beyond_prior(group), n, level),
            "latent_pvalue": exactly(group.pvalue, level, n, "exact, against draws of the prior", "p-value"),
        }
        if name not in (GENERATED, AS_MADE):
            measured["atypical_latents"] = proportion(beyond_own(group, own), n, level)
        found |= {estimate_key(key, name): estimate for key, estimate in measured.items()}
    if "held-out" in groups:
        p = closer_pvalue(groups["train"].scores, groups["held-out"].scores)
        n = len(groups["train"].scores) + len(groups["held-out"].scores)
        found["latent_closer_pvalue"] = exactly(p, level, n, "Mann–Whitney, one-sided", "p-value")
    return found


def made_again(group: Group, level: float) -> Estimate:
    """Return the share of images that their latents make again, up to what float32 rounds away."""
    return proportion(int((group.found.error < FOUND_AGAIN).sum()), len(group.scores), level)


def closer_pvalue(train: Floats, heldout: Floats) -> float:
    """Return how likely training images' scores would be so much smaller than held-out ones' by chance."""
    p = float(mannwhitneyu(train, heldout, alternative="less").pvalue)
    return p if math.isfinite(p) else 1.0
