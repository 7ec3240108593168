"""The numbers of the birthday test: supports, look-alikes, heavy atoms, and what was called a duplicate."""

from __future__ import annotations

from didlearn.arrays import Array
from didlearn.checks.duplicate_counts import Counts, count_duplicates
from didlearn.checks.sameness import Criterion
from didlearn.checks.support.pairs import atom_parts
from didlearn.models.base import Samples
from didlearn.result.parts import Parts
from didlearn.result.values import Estimate, exactly
from didlearn.result.words import percent
from didlearn.statistics.birthday.atoms import heavy_atoms
from didlearn.statistics.birthday.collisions import collision_probability
from didlearn.statistics.birthday.support import estimate_support, estimate_support_without_atoms


def measured_supports(found: Counts, found_real: Counts | None, level: float) -> dict[str, Estimate]:
    """Estimate supports, generated and held-out; where duplicates form clusters, what rests on clusters too."""
    estimates = {
        "effective_support": found.support(level),
        "collision_probability": collision_probability(found.pairs, found.triples, found.samples, level),
    }
    if found.transitive:
        estimates = estimate_support(found.cluster_sizes, found.samples, level) | estimates
    if found_real is not None:
        estimates["effective_support_heldout"] = found_real.support(level)
    return estimates


def measured_lookalikes(
    features: Array, real: Array | None, criterion: Criterion, device: str, level: float
) -> dict[str, Estimate]:
    """Count at the larger distance where real images have pairs to count, for the comparison to rest on."""
    if real is None or criterion.lookalike is None or criterion.lookalike <= criterion.threshold:
        return {}
    counts = {"": features, "_heldout": real}
    found = {name: count_duplicates(x, criterion.lookalike, device=device) for name, x in counts.items()}
    return {f"lookalike_support{name}": c.support(level) for name, c in found.items()}


def measured_atoms(drawn: Samples, found: Counts, level: float) -> Parts:
    """List pictures drawn far more often than the rest, and measure again without them."""
    atoms = heavy_atoms(found.cluster_sizes, found.samples, level) if found.transitive else []
    if not atoms:
        return Parts()
    rest = estimate_support_without_atoms(found.cluster_sizes, found.samples, level) or {}
    named = {f"{name}_without_atoms": rest[name] for name in ("effective_support", "richness") if name in rest}
    masses = [(size, mass.value or 0.0, mass.low or 0.0, mass.high or 1.0) for size, mass in atoms]
    return atom_parts(drawn.images, found, masses) + Parts({"largest_atom": atoms[0][1], **named})


def measured_criterion(criterion: Criterion, found: Counts, level: float) -> Parts:
    """Say what was called a duplicate, how often wrongly, and whether clusters mean anything."""
    rate = criterion.false_duplicate_rate(level)
    estimates = {} if rate is None else {"false_duplicate_rate": rate}
    method = f"calibrated: {criterion.because}"
    estimates["threshold"] = exactly(criterion.threshold, level, criterion.distinct, method, "distance")
    notes = [f"Two images are duplicates at a distance of {criterion.threshold:.4g} or less: {criterion.because}."]
    if not found.transitive:
        notes.append(
            f"Only {percent(found.transitivity or 0.0)} of pairs within clusters are duplicates themselves: "
            "pictures shade into one another, so that clusters mean nothing, and richness, coverage, heterogeneity "
            "and atoms are left out. The effective support counts pairs, and stands."
        )
    return Parts(estimates, notes=tuple(notes))
