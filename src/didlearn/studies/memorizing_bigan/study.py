"""``memorizing-bigan`` as a study: its cells, rows and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from didlearn.result.values import CheckResult, Estimate
from didlearn.result.words import number
from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan import measures
from didlearn.studies.memorizing_bigan.finite_summary import pool_sets, sets_estimates
from didlearn.studies.memorizing_bigan.settings import STUDY_NAME, MemorizingBigan
from didlearn.studies.memorizing_bigan.summary import Pooled, StudySummary, pool, summary
from didlearn.studies.study import Study, StudyCell, StudyRow, Workplace


@dataclass(frozen=True)
class MemorizingBiganStudy(MemorizingBigan, Study):
    """Discriminators of growing capacity against a BiGAN that memorises: see ``MemorizingBigan`` for the settings."""

    name: ClassVar[str] = STUDY_NAME
    question: ClassVar[str] = "Can a discriminator tell a BiGAN that memorises, with noise for a code, from the data?"
    FULL: ClassVar[Mapping[str, object]] = {
        "seeds": 5,
        "steps": 4000,
        "widths": (0, 8, 32, 128, 512),
        "bigan_latent": 64,
        "bigan_width": 64,
        "bigan_steps": 10_000,
        "bigan_learning_rate": 2e-4,
    }

    def cells(self) -> list[StudyCell]:
        """One for each encoder, network and trained BiGAN, and for each discriminator on laws, sets and lemmas."""
        return measures.cells(self)

    def run_cell(self, cell: StudyCell, rng: Stream, place: Workplace) -> StudyRow:
        """Measure one of them."""
        return measures.run_cell(self, cell, rng, place)

    def summarise(self, rows: list[StudyRow]) -> CheckResult:
        """Tabulate and draw, and say from which support on nothing is seen."""
        found, pooled = summary(self, rows), pool(rows)
        return CheckResult(
            check=self.name,
            verdict="measured",
            answer=_answer(pooled),
            estimates=_estimates(found, pooled) | sets_estimates(pool_sets(rows)),
            tables=found.tables,
            figures=found.figures,
            notes=(
                "An advantage within its error says that this discriminator, trained this long, saw nothing: wider "
                "ones are limited by training as well as by capacity.",
                "The code of the memorising BiGAN is noise by construction: the table of what codes say about the "
                "image sets that of a trained one beside it.",
                "The trained BiGAN is small and trained for a short time. That it is found out where the memorising "
                "one is not says what the objective prefers, not what training finds.",
                "On a training set and a set of seeds a discriminator gains what it learned by heart as well: the "
                "honest generator's row says how much that is.",
            ),
        )


def _estimates(found: StudySummary, pooled: list[Pooled]) -> dict[str, Estimate]:
    largest = max((p.support or 0 for p in pooled), default=0)
    named = {"memorizing": "largest_memory", "bigan": "trained_bigan"}
    judged = {
        f"{named[p.model]}_width_{p.width}": p.advantage
        for p in pooled
        if p.model in named and (p.model == "bigan" or p.support == largest)
    }
    return judged | {f"slope_width_{width}": slope for width, slope in found.slopes.items()}


def _answer(pooled: list[Pooled]) -> str:
    memories = [p for p in pooled if p.support is not None]
    if not memories:
        return "No discriminator was trained yet."
    supports = sorted({p.support or 0 for p in memories})
    reach = {p.width: 0 for p in memories}
    for p in memories:
        if p.found_out:
            reach[p.width] = max(reach[p.width], p.support or 0)
    if not any(reach.values()):
        said = f"No discriminator found the memorising BiGAN out, from {number(supports[0])} images up."
    elif min(reach.values()) == supports[-1]:
        return f"Even with {number(supports[-1])} memorised images every discriminator found the BiGAN out."
    else:
        reached = ", ".join(f"{_reached(m, supports[-1])} ({_named(width)})" for width, m in reach.items())
        said = (
            f"Discriminators found the memorising BiGAN out up to so many images: {reached}. With more they did not, "
            "though its support is finite and its code is noise."
        )
    return said + _of_the_trained(pooled, supports[-1])


def _reached(support: int, largest: int) -> str:
    if support == largest:
        return f"{number(support)}, the most there were"
    return number(support) if support else "none"


def _named(width: int) -> str:
    return f"width {width}" if width else "linear"


def _of_the_trained(pooled: list[Pooled], largest: int) -> str:
    """Compare the trained BiGAN with the largest memory, where no discriminator leaves a doubt."""
    trained = {p.width: p.advantage for p in pooled if p.model == "bigan"}
    memory = {p.width: p.advantage for p in pooled if p.support == largest}
    if not trained or any(trained[w].low_or(-1.0) <= memory[w].high_or(1.0) for w in trained if w in memory):
        return ""
    least = number(min(advantage.point for advantage in trained.values()))
    return (
        f" Every one found the trained BiGAN out, with an advantage of at least {least}: the objective prefers the one "
        f"that memorises {number(largest)} images."
    )
