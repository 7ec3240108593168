"""Corollary D.1: discriminators that see a training set and a set of seeds, each of finite size, and nothing else.

The corollary bounds |E_{x~S} φ(D(x, E(x))) − E_{z~T} φ(D(G(z), z))| for S a training set and T a sample of seeds, both
of size at least m, for all discriminators at once. So a discriminator is trained to make it large on the very pairs of
S and T, and it is measured on those. What the same discriminator gains on fresh pairs is beside it: the difference is
what it learned of the sets by heart.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from didlearn.errors import UsageError
from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan.discriminators import ImageCode, PairSampler, train_judge
from didlearn.studies.memorizing_bigan.pairs import generated_pairs, law_of, memorizing, real_pairs
from didlearn.studies.memorizing_bigan.settings import STUDY_NAME, MemorizingBigan
from didlearn.studies.study import StudyCell, StudyRow


def set_cells(settings: MemorizingBigan, seed: int) -> list[StudyCell]:
    """Return the cells of one repetition: both models, every size and width."""
    return [
        {"measure": "sets", "model": model, "size": size, "width": width, "seed": seed}
        for model in ("honest", "memorizing")
        for size in settings.sets
        for width in settings.widths
    ]


def drawn_from(pairs: ImageCode) -> PairSampler:
    """Return the sampler of the uniform law on finitely many pairs."""

    def draw(count: int, generator: torch.Generator) -> ImageCode:
        index = torch.randint(len(pairs[0]), (count,), generator=generator)
        return pairs[0][index], pairs[1][index]

    return draw


def sets_row(settings: MemorizingBigan, cell: StudyCell, stream: Stream) -> StudyRow:
    """Train a discriminator on a set of ``size`` pairs of each kind, and measure it on them and on fresh pairs.

    The memorising generator has a support of ``size``. The honest one makes a new image for each seed of T.

    Raises:
        UsageError: the cell names no model.
    """
    # Never stopped early: the corollary is about the discriminator that does best on the sets themselves.
    size, training = cell["size"], replace(settings.training, patience=settings.training.looks)
    real = real_pairs(law_of(settings), settings.latent)
    # All discriminators of a seed face the same sets.
    shared = Stream(stream.seed, (STUDY_NAME, "sets", size, cell["seed"]))
    generated = _generated(settings, cell, real, shared)
    both = real(size, shared.torch("images")), generated(size, shared.torch("seeds"))
    judge = train_judge(drawn_from(both[0]), drawn_from(both[1]), cell["width"], training, stream)
    on_sets = [judge.takes(pairs) for pairs in both]
    test = stream.torch("test")
    fresh = judge.score(real(settings.test, test), generated(settings.test, test))
    return {
        "on_sets": (on_sets[0] - on_sets[1]) / size,
        "fresh": fresh.advantage.value,
        "real_taken": fresh.real_taken,
        "generated_taken": fresh.generated_taken,
        "test": settings.test,
        "parameters": fresh.parameters,
        "steps": fresh.steps,
    }


def _generated(settings: MemorizingBigan, cell: StudyCell, real: PairSampler, shared: Stream) -> PairSampler:
    if cell["model"] == "honest":
        return real
    if cell["model"] == "memorizing":
        return generated_pairs(memorizing(settings, cell["size"], shared))
    raise UsageError(f"{STUDY_NAME} has no model {cell['model']!r}; it has honest and memorizing")
