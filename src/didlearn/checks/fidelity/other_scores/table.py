"""The other scores as a short table."""

from __future__ import annotations

from didlearn.result.values import Cell, Estimates, Table

_SCORES = {
    "inception_score": ("Inception Score", "_heldout", "as real"),
    "cmmd": ("CMMD", "_train", "0"),
    "mind": ("MIND", "_train", "0"),
    "spatial_frechet_distance": ("sFID", "_train", "0"),
}


def other_table(found: Estimates) -> Table:
    """List those that were found beside real images'."""
    rows: list[tuple[Cell, ...]] = []
    for name, (words, null, best) in _SCORES.items():
        if name in found:
            own, real = found[name], found[name + null]
            rows.append((words, own.value, own.low, own.high, real.value, real.low, real.high, best))
    return Table(
        name="other_scores",
        title="Other scores, which decide nothing",
        columns=("score", "generated", "low", "high", "real images", "low, real", "high, real", "best"),
        rows=tuple(rows),
        caption="Real images: as many training images in the place of the generated ones; of the Inception Score, as "
        "many held-out ones.",
        csv="other_scores.csv",
    )
