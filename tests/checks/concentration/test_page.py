"""Tables and figures of the concentration check. Mistakes seen: shares not of all draws, a bound drawn far outside."""

import numpy as np
import pytest

from didlearn.checks.concentration.lipschitz import Lower, Upper
from didlearn.checks.concentration.page import fluctuation_parts, lipschitz_parts
from didlearn.checks.feature_groups import REAL
from tests.checks.concentration.test_measure import FOUND, fluctuations


def test_layers_are_listed_with_how_their_norms_were_found():
    parts = lipschitz_parts(Upper(9.0, (("linear", 3.0, True), ("conv2d", 3.5, False))), FOUND, 0.8)
    assert parts.tables[0].rows == (("linear", 3, "exact"), ("conv2d", 3.5, "bound, by FFT"))
    assert not parts.notes
    unknown = lipschitz_parts(Upper(None, (), "odd"), FOUND, 0.8)
    assert (unknown.tables, unknown.notes) == ((), ("There is no upper bound: odd.",))


@pytest.mark.parametrize(("bound", "marks"), [(210.0, 2), (210.1, 1), (None, 1)])
def test_norms_are_counted_from_zero_to_the_steepest(bound, marks):
    figure = lipschitz_parts(Upper(bound, ()), FOUND, 0.8).figures[0]
    (bars,) = figure.series
    assert (bars.x[0], bars.x[-1], len(bars.x)) == (0, pytest.approx(1.05 * 7), 25)
    assert sum(bars.y) == pytest.approx(1)
    assert {one for one in bars.y if one} == {0.2}
    assert [mark.x for mark in figure.marks] == [7, bound][:marks]
    still = Lower(np.zeros(5), np.zeros(2), 1)
    assert sum(lipschitz_parts(Upper(0.0, ()), still, 0.8).figures[0].series[0].y) == 1


def test_observables_have_a_row_each():
    parts = fluctuation_parts([fluctuations(), fluctuations(REAL)], 0.8)
    (table,) = parts.tables
    assert len(table.rows) == 4
    assert table.rows[0] == ("generated", "distance from the mean", pytest.approx(np.sqrt(8)), 2, *ends(parts, ""))
    assert table.rows[2][0] == "held-out"
    assert table.rows[3][1] == "greatest of sixteen random projections"
    assert len(parts.estimates) == 16
    assert [one.label for one in parts.figures[0].series][:2] == ["generated", "generated, whitened"]


def ends(parts, suffix):
    found = parts.estimates[f"fluctuation_norm{suffix}"]
    return found.low, found.high
