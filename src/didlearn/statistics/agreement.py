"""How far several people agree beyond chance: Krippendorff's alpha for names, with missing answers."""

from __future__ import annotations

from typing import Final

import numpy as np

from didlearn.arrays import Floats, Ints
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import bootstrap

MISSING: Final = -1


def krippendorff_alpha(answers: Ints) -> float | None:
    """Return α = 1 − D_o/D_e for nominal answers (Krippendorff 2011, "Computing Krippendorff's alpha-reliability").

    In a unit that m people answered, each of its m(m−1) ordered pairs of answers counts 1/(m−1): these make up the
    coincidence matrix o, with margins n_c and total n. D_o = Σ_{c≠k} o_ck / n is the disagreement seen,
    D_e = Σ_{c≠k} n_c n_k / (n(n−1)) the one expected by chance.

    Args:
        answers: (people, units) int, ``MISSING`` (−1) where a person gave none; units with one answer do not count.

    Returns:
        1 for perfect agreement, 0 for chance; ``None`` where no unit has two answers, or all answers are the same
        (nothing could have disagreed).

    Raises:
        UsageError: the array is not of that form.
    """
    codes = np.asarray(answers)
    if codes.ndim != 2 or not np.issubdtype(codes.dtype, np.integer) or (codes < MISSING).any():
        raise UsageError(f"answers must be (people, units) whole numbers from -1, got {codes.dtype} {codes.shape}")
    counts = np.stack([(codes == c).sum(0) for c in range(codes.max(initial=-1) + 1)] or [np.zeros(codes.shape[1])])
    return _alpha(counts.T.astype(float))


def agreement(answers: Ints, rng: np.random.Generator, level: float = 0.95) -> Estimate | None:
    """Estimate Krippendorff's alpha, with a bootstrap interval over units; ``None`` where there is no alpha.

    Args:
        answers: as ``krippendorff_alpha`` takes them. rng: of the resampling. level: of the interval.
    """
    alpha = krippendorff_alpha(answers)
    shared = np.asarray(answers)[:, (np.asarray(answers) != MISSING).sum(0) >= 2]
    if alpha is None or shared.shape[1] < 2:
        return None

    def resampled(units: Ints) -> float:
        # A resample in which everyone says the same agrees perfectly.
        found = krippendorff_alpha(units.T)
        return 1.0 if found is None else found

    found = bootstrap(shared.T, resampled, rng, level=level, replicates=500)
    method = f"Krippendorff's alpha, nominal, {len(shared)} people; {found.method}"
    low, high = min(found.low_or(alpha), alpha), max(alpha, found.high_or(alpha))
    return found.model_copy(update={"value": alpha, "low": low, "high": high, "method": method})


def _alpha(counts: Floats) -> float | None:
    """Compute alpha from (units, answers) counts of how many people gave each answer."""
    m = counts.sum(1)
    counts, m = counts[m >= 2], m[m >= 2]
    n_c, n = counts.sum(0), m.sum()
    expected = (n**2 - (n_c**2).sum()) / (n * (n - 1)) if n else 0.0
    if expected == 0:
        return None
    observed = ((m**2 - (counts**2).sum(1)) / (m - 1)).sum() / n
    return float(1 - observed / expected)
