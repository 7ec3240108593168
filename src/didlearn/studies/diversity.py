"""How many different images a trained model can make, and whether it copies, as entries of a study's row."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Features, Ints
from didlearn.audit.check import Check
from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.duplicate_counts import count_duplicates
from didlearn.checks.memorization.check import Memorization
from didlearn.checks.support.batches import even_chance_size
from didlearn.checks.support.check import Support
from didlearn.errors import ModelError
from didlearn.neighbors import closest_pairs
from didlearn.result.values import CheckResult
from didlearn.statistics.threshold import FAR
from didlearn.studies.study import StudyRow, ends

# Entries of a row, and the support check's estimates. Of look-alikes the most frequent: one real pair in ten thousand.
_SUPPORTS = {
    "effective_support": "effective_support",
    "effective_support_heldout": "effective_support_heldout",
    "lookalike_support": "lookalike_support_1e4",
    "lookalike_support_real": "lookalike_support_1e4_real",
}
EVEN_CHANCE = (
    "An even-chance batch is the paper's number: the size at which half of all batches hold two images that look "
    "alike, for images as frequent as one another, of the support beside it and with its interval."
)
_SHOWN = {"lookalike_support", "lookalike_support_real"}
_ALIGNED = 1_000  # images lined up, of each: more would take longer than training, and 1 000 tell .4 % from none
_COPYING = ("copied_fraction", "copied_fraction_heldout", "training_preference", "training_preference_expected")


def diversity(subject: Subject, samples: int) -> StudyRow:
    """Run the support check; return its supports, each with its interval.

    ``lookalike_support`` counts pairs that merely look alike, at the distance within which one in ten thousand pairs
    of real images lies: finite where a generator makes no duplicates in the strict sense, as small ones do not.

    Raises:
        ModelError: the check gave no numbers.
    """
    found = _ran(Support(samples=samples), subject).estimates
    return {entry: ends(found[name]) for entry, name in _SUPPORTS.items() if name in found}


def copying(subject: Subject, samples: int) -> StudyRow:
    """Run the memorization check; return how much is copied, and how much nearer than chance samples are.

    Raises:
        ModelError: the check gave no numbers.
    """
    result = _ran(Memorization(samples=samples, aligned=_ALIGNED), subject)
    pvalue = result.estimates.get("training_preference_pvalue")
    found = {name: ends(result.estimates[name]) for name in _COPYING if name in result.estimates}
    return found | {"training_preference_pvalue": None if pvalue is None else pvalue.value}


def class_supports(subject: Subject, samples: int, level: float = 0.95) -> StudyRow:
    """Return the look-alike support within each class, of samples and of the real images, as {class: entries}.

    The distance is one for all classes: that at which the real images of all classes together, two of one class each,
    have about two hundred pairs. Classes of few real images have none.
    """
    assert subject.train is not None
    assert subject.train.labels is not None
    drawn = subject.draw(samples)
    assert drawn.labels is not None, "only conditional models have classes"
    features, real, labels = subject.drawn_features(samples), subject.embed(subject.train), subject.train.labels
    distance = within_class_distance(real, labels)
    rows: StudyRow = {"distance": distance}
    for c in np.unique(labels).tolist():
        own, theirs = features[drawn.labels == c], real[labels == c]
        sides = {"generated": own, "real": theirs}
        rows[subject.train.classes[c] if subject.train.classes else str(c)] = {
            side: None if len(x) < 2 else ends(count_duplicates(x, distance, device=subject.device).support(level))
            for side, x in sides.items()
        }
    return rows


def within_class_distance(features: Features, labels: Ints) -> float:
    """Return the distance within which about ``FAR`` pairs of real images of one class lie."""
    found = [closest_pairs(features[labels == c], k=FAR).distance for c in np.unique(labels) if (labels == c).sum() > 1]
    return float(np.sort(np.concatenate(found))[:FAR][-1])


def even_chance(support: list[float | None] | None) -> list[float | None]:
    """Return the batch size for an even chance of a duplicate, with its interval, of a support with its own.

    It is the paper's number: the smallest batch in which a uniform law on so many images repeats half of the time.
    Images of unequal frequencies with the same 1/Σp² need a larger one: m³ Σp³ / 3 is what the exponent gains.
    A support estimated below 1, which no law has, counts as 1.
    """
    return [None if end is None else even_chance_size(max(1.0, end)) for end in support or [None] * 3]


def beyond_real(rows: list[StudyRow]) -> str:
    """Say so, after a sentence, where most models spread their images wider than the data are spread."""
    pairs = [(row["lookalike_support"][0], row["lookalike_support_real"][0]) for row in rows if row.keys() >= _SHOWN]
    beyond = [own > real for own, real in pairs if own is not None and real is not None]
    if sum(beyond) * 2 <= len(beyond):
        return ""
    return " But most models spread wider than real images do: that is noise in their images, not diversity learned."


def _ran(check: Check, subject: Subject) -> CheckResult:
    result = run_check(check, subject)
    if not result.estimates:
        raise ModelError(f"{result.check} gave no numbers: {result.reason}")
    return result
