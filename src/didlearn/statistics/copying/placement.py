"""How often is a generated image nearer than a held-out one, and how sure is that when the two really differ?

The p-value of the Mann-Whitney test uses the variance under "no difference"; an interval must not. DeLong, DeLong and
Clarke-Pearson (1988) estimate the variance of P(G < H) + ½P(G = H) from each image's *placement*, the share of the
other group it beats.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from didlearn.arrays import Floats, Ints
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.copying.data_copying import CellCopying
from didlearn.statistics.intervals import check_level


def placements(generated: Floats, heldout: Floats) -> tuple[float, float]:
    """Return θ = P(G < H) + ½P(G = H) and its DeLong variance.

    Args:
        generated: (m,) distances. heldout: (n,) distances, both at least 2.
    """
    g, h = np.sort(generated), np.sort(heldout)
    m, n = len(g), len(h)
    beats = 1 - (np.searchsorted(h, g, "left") + np.searchsorted(h, g, "right")) / (2 * n)
    beaten = (np.searchsorted(g, h, "left") + np.searchsorted(g, h, "right")) / (2 * m)
    return float(beats.mean()), float(beats.var(ddof=1) / m + beaten.var(ddof=1) / n)


def closer_than_heldout(generated: Floats, heldout: Floats, level: float = 0.95) -> Estimate:
    """Estimate the probability that a generated image is nearer than a held-out one, ½ under no copying.

    The interval is DeLong's on the logit scale, which keeps it inside [0, 1]; where every image of one group beats
    every image of the other the variance is zero, and the exact bound for so many images takes its place.

    Args:
        generated: (m,) distances to the nearest training image. heldout: (n,) likewise. level: nominal coverage.

    Raises:
        UsageError: a group holds fewer than two images.
    """
    check_level(level)
    m, n = len(generated), len(heldout)
    if min(m, n) < 2:
        raise UsageError(f"two images of each kind are the fewest that can be compared, got {m} and {n}")
    share, variance = placements(generated, heldout)
    q = float(norm.ppf((1 + level) / 2))
    floor = _floor(m, n, level)
    if 0 < share < 1 and variance > 0:
        logit, step = math.log(share / (1 - share)), q * math.sqrt(variance) / (share * (1 - share))
        low, high = (1 / (1 + math.exp(-np.clip(logit + side * step, -700, 700))) for side in (-1, 1))
    else:
        low, high = max(0.0, share - floor), min(1.0, share + floor)
    return Estimate(
        value=share,
        low=min(low, share),
        high=max(high, share),
        level=level,
        n=m + n,
        method="Mann-Whitney, interval of DeLong et al. on the logit scale",
        unit="fraction",
    )


def copying_interval(
    cells: tuple[CellCopying, ...],
    generated: tuple[Floats, Ints],
    heldout: tuple[Floats, Ints],
    level: float,
) -> tuple[float, float]:
    """Return the interval of C_T = Σ P(c) Z_U(c) / Σ P(c) from the placements within each cell.

    Args:
        cells: what ``data_copying`` found; those with a ``z`` count.
        generated: distances and cells. heldout: distances and cells. level: nominal coverage.
    """
    q = float(norm.ppf((1 + level) / 2))
    weights, values, variances = [], [], []
    for cell in (c for c in cells if c.z is not None):
        g, h = generated[0][generated[1] == cell.cell], heldout[0][heldout[1] == cell.cell]
        _, variance = placements(g, h)
        null = (len(g) + len(h) + 1) / (12 * len(g) * len(h))
        variance = max(variance, (_floor(len(g), len(h), level) / q) ** 2)
        weights.append(cell.heldout)
        values.append(cell.z)
        variances.append(variance / null)
    w = np.array(weights, dtype=float) / max(1, sum(weights))
    centre = float(w @ np.array(values))
    half = q * math.sqrt(float(w**2 @ np.array(variances)))
    return centre - half, centre + half


def _floor(m: int, n: int, level: float) -> float:
    """How far θ may lie from 0 or 1 when it was seen there: the exact bound for the smaller group."""
    return float(1 - ((1 - level) / 2) ** (1 / min(m, n)))
