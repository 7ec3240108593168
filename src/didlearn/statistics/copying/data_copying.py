"""The data-copying test: do generated images lie closer to the training set than new real ones do?

Meehan, Chaudhuri and Dasgupta, "A non-parametric test to detect data-copying in generative models" (AISTATS 2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from didlearn.arrays import Floats, Ints
from didlearn.errors import UsageError


@dataclass(frozen=True)
class CellCopying:
    """One cell: its label, how many images fell into it, and its Z_U (``None`` where they were too few)."""

    cell: int
    generated: int
    heldout: int
    z: float | None


@dataclass(frozen=True)
class DataCopying:
    """What the data-copying test found. Negative statistics mean copying, positive ones under-fitting.

    Attributes:
        z: Z_U over all images. p_copying: chance of so low a Z_U without copying; p_two_sided: of one so far from 0.
        cell_z: C_T, the average of the cells' Z_U weighted by held-out images; ``None`` where no cell has enough.
        cell_p_copying, cell_p_two_sided: the same for C_T.
        cells: every cell. permutations: how many gave the p-values; 0 where the normal law did.
    """

    z: float
    p_copying: float
    p_two_sided: float
    cell_z: float | None
    cell_p_copying: float | None
    cell_p_two_sided: float | None
    cells: tuple[CellCopying, ...]
    permutations: int = 0


def data_copying(
    *,
    generated: Floats,
    heldout: Floats,
    generated_cells: Ints | None = None,
    heldout_cells: Ints | None = None,
    minimum: int = 20,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
) -> DataCopying:
    """Compare the distances to the nearest training image of generated and of held-out images.

    Z_U is the Mann–Whitney statistic of the generated distances among the held-out ones, less its mean, over its
    standard deviation (ties counted half and corrected for): without copying or under-fitting it is standard normal.
    C_T = Σ P(c)·Z_U(c)/Σ P(c) over the cells c with enough of both, P(c) the share of held-out images: a generator
    that copies in one place and under-fits in another shows here. Under the null C_T is normal with variance
    Σ P(c)²/(Σ P(c))².

    Args:
        generated: (m,) distance from each generated image to its nearest training image.
        heldout: (n,) the same for held-out real images.
        generated_cells, heldout_cells: (m,) and (n,) the cell each image falls into; one cell if not given.
        minimum: a cell with fewer generated or held-out images is left out of C_T.
        permutations: if above 0, p-values come from that many exchanges of the two labels (overall for Z_U, within
            cells for C_T) instead of the normal law; for small samples.
        rng: where the permutations are drawn from.

    Raises:
        UsageError: the arrays are empty, hold NaN, do not fit together, or permutations come without ``rng``.
    """
    g, h = _distances("generated", generated), _distances("heldout", heldout)
    g_cell, h_cell = _cells(g, h, generated_cells, heldout_cells)
    if permutations and rng is None:
        raise UsageError("permutations need a generator to be drawn from; pass rng=numpy.random.default_rng(seed)")
    whole = _Cell(0, g, h)
    cells = [_Cell(c, g[g_cell == c], h[h_cell == c]) for c in np.union1d(g_cell, h_cell).tolist()]
    used = [c for c in cells if min(len(c.generated), len(c.heldout)) >= minimum]
    if permutations and rng is not None:
        p, cell_p = _permuted([whole], permutations, rng), _permuted(used, permutations, rng)
    else:
        p, cell_p = _normal([whole]), _normal(used)
    return DataCopying(
        z=whole.z,
        p_copying=p[0],
        p_two_sided=p[1],
        cell_z=_weighted(used, [c.z for c in used]) if used else None,
        cell_p_copying=cell_p[0] if used else None,
        cell_p_two_sided=cell_p[1] if used else None,
        cells=tuple(CellCopying(c.label, len(c.generated), len(c.heldout), c.z if c in used else None) for c in cells),
        permutations=permutations,
    )


class _Cell:
    """One cell's distances as mid-ranks, which is all that Z_U needs."""

    def __init__(self, label: int, generated: Floats, heldout: Floats) -> None:
        self.label, self.generated, self.heldout = label, generated, heldout
        m, n = len(generated), len(heldout)
        self.ranks = stats.rankdata(np.concatenate([generated, heldout]))
        self.mean = m * (m + n + 1) / 2
        # m·n/(N−1) times the ranks' variance is the ties-corrected variance of their sum over m of them.
        self.sd = math.sqrt(m * n / (m + n - 1) * float(self.ranks.var())) if m + n > 1 else 0.0

    @property
    def z(self) -> float:
        """Z_U: 0 where every distance is the same."""
        return self.standardised(float(self.ranks[: len(self.generated)].sum()))

    def standardised(self, rank_sum: float) -> float:
        return (rank_sum - self.mean) / self.sd if self.sd > 0 else 0.0


def _weighted(cells: list[_Cell], z: list[float]) -> float:
    return float(np.average(z, weights=[len(c.heldout) for c in cells]))


def _normal(cells: list[_Cell]) -> tuple[float, float]:
    """One- and two-sided p-values of the weighted average, whose Z_U are independent and standard normal."""
    if not cells:
        return 1.0, 1.0
    weights = np.array([len(c.heldout) for c in cells], dtype=float)
    z = _weighted(cells, [c.z for c in cells]) * float(weights.sum() / np.sqrt((weights**2).sum()))
    return float(stats.norm.cdf(z)), float(2 * stats.norm.sf(abs(z)))


def _permuted(cells: list[_Cell], permutations: int, rng: np.random.Generator) -> tuple[float, float]:
    """One- and two-sided p-values of exchanges within cells, which scipy's ``permutation_test`` does not know."""
    if not cells:
        return 1.0, 1.0
    seen = _weighted(cells, [c.z for c in cells])
    drawn = np.array(
        [
            [c.standardised(float(rng.permutation(c.ranks)[: len(c.generated)].sum())) for c in cells]
            for _ in range(permutations)
        ]
    )
    drawn = np.average(drawn, axis=1, weights=[len(c.heldout) for c in cells])
    # Equal statistics may differ in their last bits, and must count as equal.
    lower = 1 + int((drawn <= seen + 1e-9).sum())
    farther = 1 + int((np.abs(drawn) >= abs(seen) - 1e-9).sum())
    return lower / (permutations + 1), farther / (permutations + 1)


def _distances(name: str, values: Floats) -> Floats:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) == 0 or np.isnan(array).any():
        raise UsageError(f"{name} must be one list of distances without NaN, got shape {array.shape}")
    return array


def _cells(g: Floats, h: Floats, g_cell: Ints | None, h_cell: Ints | None) -> tuple[Ints, Ints]:
    if (g_cell is None) != (h_cell is None):
        raise UsageError("give the cells of both the generated and the held-out images, or of neither")
    if g_cell is None or h_cell is None:
        return np.zeros(len(g), int), np.zeros(len(h), int)
    g_cell, h_cell = np.asarray(g_cell), np.asarray(h_cell)
    if g_cell.shape != g.shape or h_cell.shape != h.shape:
        raise UsageError(
            f"one cell per image is needed, got {g_cell.shape} and {h_cell.shape} for {len(g)} generated and "
            f"{len(h)} held-out images"
        )
    return g_cell, h_cell
