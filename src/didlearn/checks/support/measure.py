"""The numbers of the birthday test: what is compared, what a duplicate is, supports, look-alikes, atoms, classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch

from didlearn.alignment.planes import Planes, planes_of
from didlearn.arrays import Array, Ints, joined
from didlearn.audit.subject import Subject
from didlearn.checks.duplicate_counts import Counts, PairCounts, count_duplicates, count_pairs
from didlearn.checks.sameness import PERTURBED, Change, Criterion, calibrate_duplicates
from didlearn.images.base import Images
from didlearn.images.perturb import PERTURBATIONS
from didlearn.images.picture import eight_bit
from didlearn.models.base import Samples
from didlearn.neighbors import Pairs
from didlearn.result.values import Estimate, exactly
from didlearn.rng import Stream
from didlearn.statistics.birthday.atoms import Atom, heavy_atoms
from didlearn.statistics.birthday.support import estimate_support, estimate_support_without_atoms
from didlearn.statistics.relative_support import ratio_of

_FEWEST_OF_A_CLASS, _MOST_CLASSES = 20, 200
_REAL = 20_000  # real images: as many whatever is asked of the generator
_LOOKALIKE = 10_000  # samples: at the larger distances fewer show as much


C = TypeVar("C", bound=PairCounts)
# Duplicates by distance, planes of the pictures -> those in disguise joined to them; None where likeness chains.
Join = Callable[[Counts, Planes], Counts | None]


class Embedded(NamedTuple):
    """Real images and their features, (n, D)."""

    images: Images
    features: Array


@dataclass(frozen=True)
class Compared:
    """The samples, and the real images beside them.

    Attributes:
        drawn: the samples. features: (n, D) theirs.
        heldout: held-out images, or ``None``. train: training images that fill them up to ``_REAL``, or ``None``.
    """

    drawn: Samples
    features: Array
    heldout: Embedded | None
    train: Embedded | None

    @property
    def real(self) -> list[Embedded]:
        """The real images that there are, held-out ones first."""
        return [known for known in (self.heldout, self.train) if known is not None]

    @property
    def real_features(self) -> Array | None:
        """(r, D) of all of them, or ``None``."""
        return joined([known.features for known in self.real]) if self.real else None

    @property
    def labelled(self) -> bool:
        """Whether the held-out images have classes."""
        return self.heldout is not None and self.heldout.images.labels is not None


class Duplicates(NamedTuple, Generic[C]):
    """Pairs within one distance: among the samples, held-out images, and all real images where there are any."""

    own: C
    heldout: C | None
    real: C | None

    def ratio(self, level: float) -> Estimate:
        """Return the samples' effective support over real images': how often real pairs are close over theirs."""
        assert self.real is not None
        method = "pairs of real images over pairs of samples, at one distance"
        return ratio_of(self.real.collision(level), self.own.collision(level), method)


class ClassDuplicates(NamedTuple):
    """Duplicates within one class; ``heldout`` is ``None`` where fewer than two held-out images are of it."""

    label: int
    own: Counts
    heldout: Counts | None


def gather(subject: Subject, samples: int, rng: Stream) -> Compared:
    """Draw the samples, choose the real images to set beside them, and embed both."""
    drawn = subject.draw(samples)

    def embedded(images: Images | None, most: int, name: str) -> Embedded | None:
        """Take at most so many, or ``None`` where there are not two to compare."""
        if images is None or min(most, len(images)) < 2:
            return None
        chosen = images.some(most, rng.numpy(name))
        return Embedded(chosen, subject.embed(chosen))

    heldout = embedded(subject.heldout, _REAL, "heldout")
    room = _REAL - (0 if heldout is None else len(heldout.images))
    return Compared(drawn, subject.drawn_features(samples), heldout, embedded(subject.train, room, "train"))


def calibrated(
    compared: Compared,
    embed: Callable[[Array], Array],
    threshold: float | None,
    rng: Stream,
    device: str,
    changes: Mapping[str, Change] = PERTURBATIONS,
) -> Criterion:
    """Calibrate on all the real images there are: whatever the generator is asked for, the distances stay."""
    pictures, real = to_perturb(compared), compared.real_features
    shuffled = None if real is None else real[rng.numpy("order").permutation(len(real))]
    return calibrate_duplicates(
        pictures, embed(pictures), shuffled, embed, changes=changes, threshold=threshold, device=device
    )


def to_perturb(compared: Compared) -> Array:
    """Return 8-bit pictures, or points as they are, to change mildly: real ones where there are any."""
    shown = compared.drawn.images[:PERTURBED]
    if compared.real:
        images = compared.real[0].images
        shown = images.read_raw(range(min(PERTURBED, len(images))))
    return shown if compared.drawn.points else eight_bit(shown)


def count_at(compared: Compared, radius: float, device: str, closest: Pairs | None = None) -> Duplicates[Counts]:
    """Count pairs within ``radius`` among the samples, held-out images, and all real images, and connect them.

    Args:
        closest: the closest pairs of the samples, where they are known.
    """
    heldout, real = compared.heldout, compared.real_features
    return Duplicates(
        count_duplicates(compared.features, radius, closest=closest, device=device),
        None if heldout is None else count_duplicates(heldout.features, radius, device=device),
        None if real is None else count_duplicates(real, radius, device=device),
    )


def join_pairs(compared: Compared, found: Duplicates[Counts], join: Join, device: str) -> Duplicates[Counts]:
    """Count pictures in disguise among the duplicates: of samples and real images alike, or of none.

    Where likeness chains among one of them, none is joined: else their ratio would compare two ways of counting.
    """
    own = join(found.own, Planes.of(compared.drawn.images, device))
    parts = [planes_of(known.images, range(len(known.images)), device) for known in compared.real]
    held = Planes.kept(torch.cat(parts)) if parts else None
    heldout = None if held is None or found.heldout is None else join(found.heldout, held.some(slice(len(parts[0]))))
    real = None if held is None or found.real is None else join(found.real, held)
    if own is None or (heldout is None) != (found.heldout is None) or (real is None) != (found.real is None):
        return found
    return Duplicates(own, heldout, real)


def count_lookalikes(compared: Compared, criterion: Criterion, device: str) -> dict[str, Duplicates[PairCounts]]:
    """Count pairs at each of the larger distances, where real images have pairs of their own."""
    names = sorted(criterion.lookalikes, key=criterion.lookalikes.__getitem__)
    distances = [criterion.lookalikes[name] for name in names]

    def counted(features: Array | None) -> Sequence[PairCounts | None]:
        return [None] * len(names) if features is None else count_pairs(features, distances, device=device)

    own = count_pairs(compared.features[:_LOOKALIKE], distances, device=device)
    heldout = counted(None if compared.heldout is None else compared.heldout.features)
    found = zip(own, heldout, counted(compared.real_features), strict=True)
    by_name = {name: Duplicates(*counts) for name, counts in zip(names, found, strict=True)}
    return {name: by_name[name] for name in criterion.lookalikes}


def measured_supports(found: Duplicates[Counts], level: float, together: float) -> dict[str, Estimate]:
    """Estimate supports, generated and real; where duplicates form clusters, what rests on clusters too.

    Args:
        found: the pairs of the same picture. level: of every interval but those of supports. together: of those, which
            stand beside the supports at larger distances and hold with these at once.
    """
    own = found.own
    estimates = {
        "effective_support": own.support(together),
        "collision_probability": own.collision(together),
    }
    if own.transitive:
        estimates = estimate_support(own.cluster_sizes, own.samples, level) | estimates
    if found.heldout is not None:
        estimates["effective_support_heldout"] = found.heldout.support(together)
    if found.real is not None:
        estimates |= {"effective_support_real": found.real.support(together), "support_ratio": found.ratio(level)}
    return estimates


def measured_lookalikes(found: dict[str, Duplicates[PairCounts]], level: float, together: float) -> dict[str, Estimate]:
    """Estimate the supports at the larger distances, and generated over real ones; levels as above."""
    estimates: dict[str, Estimate] = {}
    for name, counts in found.items():
        estimates[f"lookalike_support_{name}"] = counts.own.support(together)
        if counts.real is not None:
            estimates[f"lookalike_support_{name}_real"] = counts.real.support(together)
            estimates[f"lookalike_ratio_{name}"] = counts.ratio(level)
    return estimates


def atoms_of(found: Counts, level: float) -> list[Atom]:
    """List pictures drawn far more often than the rest, heaviest first."""
    return heavy_atoms(found.cluster_sizes, found.samples, level) if found.transitive else []


def measured_without(atoms: list[Atom], found: Counts, level: float) -> dict[str, Estimate]:
    """Estimate the heaviest atom's mass, and the supports again without the atoms."""
    if not atoms:
        return {}
    rest = estimate_support_without_atoms(found.cluster_sizes, found.samples, level) or {}
    kept = {f"{name}_without_atoms": rest[name] for name in ("effective_support", "richness") if name in rest}
    return {"largest_atom": atoms[0].mass, **kept}


def measured_criterion(criterion: Criterion, level: float) -> dict[str, Estimate]:
    """Return the threshold, and how often it calls independent images duplicates where that is known."""
    method = f"calibrated: {criterion.because}"
    threshold = exactly(criterion.threshold, level, criterion.distinct, method, "distance")
    rate = criterion.false_duplicate_rate(level)
    return {"threshold": threshold} if rate is None else {"false_duplicate_rate": rate, "threshold": threshold}


def count_by_class(compared: Compared, radius: float, device: str) -> list[ClassDuplicates]:
    """Count duplicates within each class of a conditional model or a labelled bank (Arora et al. 2018, Table 1)."""
    labels, found = compared.drawn.labels, []
    for label in [] if labels is None else _large_classes(labels):
        own = count_duplicates(compared.features[labels == label], radius, device=device)
        found.append(ClassDuplicates(label, own, _heldout_of(compared.heldout, label, radius, device)))
    return found


def _large_classes(labels: Ints) -> list[int]:
    classes, counts = np.unique(labels, return_counts=True)
    return classes[counts >= _FEWEST_OF_A_CLASS][:_MOST_CLASSES].tolist()


def _heldout_of(heldout: Embedded | None, label: int, radius: float, device: str) -> Counts | None:
    if heldout is None or heldout.images.labels is None:
        return None
    features = heldout.features[heldout.images.labels == label]
    return count_duplicates(features, radius, device=device) if len(features) > 1 else None
