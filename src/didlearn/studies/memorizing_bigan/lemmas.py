"""The two lemmas behind Theorem 3, each measured for one trained discriminator.

A set of codes is *non-colliding* if each cell of the generator holds one of them; T_nc draws the code of each cell from
ν given the cell, independently.

- Lemma D.1: for a fixed G and D, E_{z~ν} φ(D(G(z), z)) = E_{T~T_nc} E_{z~T} φ(D(G(z), z)), for the cells are equally
  likely. Both sides are drawn.
- Lemma D.2: for a fixed D, E_{z~T} φ(D(G(z), z)) concentrates in the choice of T and of the images G memorised. It is a
  mean of m independent values; for φ in [0, 1] Hoeffding's inequality gives P(|deviation| ≥ ε) ≤ 2 exp(−2mε²), and a
  standard deviation of at most 1/(2√m). The lemma's union over all discriminators is what the advantages are about.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.stats import chi2

from didlearn.rng import Stream
from didlearn.statistics.intervals import clopper_pearson, difference
from didlearn.studies.memorizing_bigan.discriminators import Judge, train_judge
from didlearn.studies.memorizing_bigan.pairs import generated_pairs, law_of, memorizing, real_pairs
from didlearn.studies.memorizing_bigan.settings import MemorizingBigan
from didlearn.studies.memorizing_bigan.smoothed_law import SmoothedLaw
from didlearn.studies.study import StudyCell, StudyRow
from didlearn.zoo.memorizing.generator import MemorizingGenerator, noised

# At most so many images are memorised, by all generators together; of fewer than 30 a deviation says little.
_IMAGES, _FEWEST = 2**21, 30
_LEVEL = 0.95


def lemma_cells(settings: MemorizingBigan) -> list[StudyCell]:
    """Return one cell for each number of memorised images that is not too large, and each width."""
    supports = [m for m in settings.sets if m * _FEWEST <= _IMAGES]
    return [{"measure": "lemmas", "support": m, "width": w} for m in supports for w in settings.widths]


def non_colliding(generator: MemorizingGenerator, sets: int, random: torch.Generator) -> torch.Tensor:
    """Draw ``sets`` non-colliding sets: (sets · m, d̃) float64, of each set the code of cell 0 first.

    |z_j| = s Φ⁻¹(½ + (digit + u) / 2k) with u uniform is N(0, s²) given that |z_j| lies in its part.
    """
    count = sets * generator.support
    z = torch.randn(count, *generator.latent_shape, generator=random, dtype=torch.float64)
    cell = torch.arange(generator.support).repeat(sets)
    for j, k in enumerate(generator.cells):
        u = torch.rand(count, generator=random, dtype=torch.float64)
        size = torch.special.ndtri(0.5 + (cell % k + u) / (2 * k))
        z[:, j] = torch.where(z[:, j] < 0, -size, size)
        cell = cell // k
    return generator.scale * z


def lemmas_row(settings: MemorizingBigan, cell: StudyCell, stream: Stream) -> StudyRow:
    """Train a discriminator against one generator, then measure both sides of each lemma."""
    law, support = law_of(settings), cell["support"]
    generator = memorizing(settings, support, stream)
    real, generated = real_pairs(law, settings.latent), generated_pairs(generator)
    judge = train_judge(real, generated, cell["width"], settings.training, stream)
    memories = min(settings.memories, _IMAGES // support)
    return {
        "parameters": sum(p.numel() for p in judge.network.parameters()),
        **reduction(judge, generator, math.ceil(settings.test / support), stream),
        **concentration(judge, law, generator, memories, stream),
    }


def reduction(judge: Judge, generator: MemorizingGenerator, sets: int, stream: Stream) -> StudyRow:
    """Measure both sides of Lemma D.1 on as many codes: independent ones, and ``sets`` non-colliding sets of them.

    The interval is that of independent codes on both sides: one code for each cell can only be more even.
    """
    count = sets * generator.support
    free, free_codes = generated_pairs(generator)(count, stream.torch("free"))
    codes = non_colliding(generator, sets, stream.torch("non-colliding"))
    taken = judge.takes((generator.lookup(codes), codes)), judge.takes((free, free_codes))
    gap = difference(taken[0], count, taken[1], count)
    return {
        "codes": count,
        "non_colliding": taken[0] / count,
        "independent": taken[1] / count,
        "difference": gap.value,
        "difference_low": gap.low,
        "difference_high": gap.high,
    }


def concentration(
    judge: Judge, law: SmoothedLaw, cells: MemorizingGenerator, memories: int, stream: Stream
) -> StudyRow:
    """Measure how E_{z~T} φ(D(G(z), z)) varies as T and the memorised images are drawn again, with D fixed.

    Args:
        judge: D. law: of the memorised images. cells: whose cells the codes are drawn in; its images are not used.
        memories: how often images and codes are drawn.
        stream: where from.
    """
    support, random = cells.support, stream.torch("memories")
    shares = np.array([_share(judge, law, cells, random) for _ in range(memories)])
    # Of a deviation that Hoeffding's inequality allows one time in twenty.
    allowed = math.sqrt(math.log(2 / (1 - _LEVEL)) / (2 * support))
    beyond = int((np.abs(shares - shares.mean()) > allowed).sum())
    deviation, freedom = float(shares.std(ddof=1)), memories - 1
    ends = [deviation * math.sqrt(freedom / float(chi2.ppf(q, freedom))) for q in (0.975, 0.025)]
    low, high = clopper_pearson(beyond, memories)
    return {
        "memories": memories,
        "scaled_deviation": deviation * support**0.5,
        "scaled_deviation_low": ends[0] * support**0.5,
        "scaled_deviation_high": ends[1] * support**0.5,
        "beyond": beyond / memories,
        "beyond_low": low,
        "beyond_high": high,
    }


def _share(judge: Judge, law: SmoothedLaw, cells: MemorizingGenerator, random: torch.Generator) -> float:
    """Return E_{z~T} φ(D(G(z), z)) for a new T ~ T_nc and a new G, which makes image i of the code in cell i."""
    images, codes = law.draw(cells.support, random), non_colliding(cells, 1, random)
    return judge.takes((noised(images, codes), codes)) / cells.support
