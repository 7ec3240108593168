"""The support of each class of a conditional model or a labelled bank (Arora et al. 2018, Table 1)."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Array
from didlearn.checks.duplicate_counts import Counts, count_duplicates
from didlearn.result.parts import Parts
from didlearn.result.values import Cell, Table

_FEWEST, MOST = 20, 200


def class_parts(
    features: Array,
    labels: Array | None,
    heldout: tuple[Array, Array] | None,
    names: tuple[str, ...] | None,
    threshold: float,
    level: float,
    device: str,
) -> Parts:
    """Tabulate the effective support within each class, beside the held-out images of that class.

    Args:
        features: (n, D) of the samples. labels: (n,) their classes, or ``None``.
        heldout: features and labels of held-out images, or ``None``.
        names: of the classes. threshold: of the criterion. level: of the intervals. device: of the distances.
    """
    if labels is None:
        return Parts()
    classes = [int(c) for c in np.unique(labels) if (labels == c).sum() >= _FEWEST][:MOST]
    rows = []
    for c in classes:
        own = count_duplicates(features[labels == c], threshold, device=device)
        row: list[Cell] = [names[c] if names and c < len(names) else str(c), *_columns(own, level)]
        if heldout is not None:
            chosen = heldout[0][heldout[1] == c]
            row += (
                _columns(count_duplicates(chosen, threshold, device=device), level) if len(chosen) > 1 else [None] * 5
            )
        rows.append(tuple(row))
    return Parts(tables=(_table(rows, heldout is not None),)) if rows else Parts()


def _columns(found: Counts, level: float) -> list[Cell]:
    support = found.support(level)
    return [found.samples, found.pairs, support.value, support.low, support.high]


def _table(rows: list[tuple[Cell, ...]], real: bool) -> Table:
    own = ("samples", "pairs", "effective support", "low", "high")
    columns = ("class", *own, *(f"held-out {name}" for name in own if real))
    return Table(name="classes", title="Class by class", columns=columns, rows=tuple(rows), csv="classes.csv")
