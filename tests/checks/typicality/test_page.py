"""What typicality shows, against a case counted by hand."""

import numpy as np

from didlearn.checks.typicality.measure import typical_estimates
from didlearn.checks.typicality.page import typical_figure, typical_table
from didlearn.rng import Stream

OWN = np.array([0.0, 8, 4, 6, 2])
REAL = {"train": np.array([3.0, 5, 1, 7]), "other": np.array([9.0, 7])}


def test_each_group_is_a_line():
    found = typical_estimates(OWN, REAL, 2, Stream(0), 0.9)
    table = typical_table(OWN, REAL, found, 2)
    assert [row[:3] for row in table.rows] == [
        ("train", 4.0, 0.0),
        ("other", 8.0, found["typicality_shift_other"].value),
    ]
    assert table.rows[1][3:] == tuple(
        found[f"{name}_other"].value for name in ("typicality_pvalue", "atypical", "atypical_batches")
    )
    assert "4.0 nats, standard deviation 3.16. Batches of 2." in table.caption


def test_curves_are_cumulative_shares():
    figure = typical_figure(OWN, REAL)
    own, train, _ = figure.series
    assert (own.x, own.y) == ((0, 2, 4, 6, 8), (0.2, 0.4, 0.6, 0.8, 1.0))
    assert (train.x, train.y) == ((1, 3, 5, 7), (0.25, 0.5, 0.75, 1.0))
    assert [series.role for series in figure.series] == ["generated", "train", "outside"]
    assert figure.marks[0].x == 4
