"""Edges as folds of the real solution: against closed forms and what is seen from inside.

Mistakes seen: the far side of the fold taken for the physical one, a turn that is no edge, K that is not of the edge.
"""

import numpy as np
import pytest

from didlearn.random_matrix.limits.branch import Branch
from didlearn.random_matrix.limits.fixed_point import NoRootError
from didlearn.random_matrix.limits.fold import find_fold, hermite
from didlearn.random_matrix.limits.mixture import population


def branch_of(variances, ratio):
    variances = np.atleast_2d(variances)
    k, p = variances.shape
    return Branch(population(np.zeros((k, p)), [np.diag(v) for v in variances], np.full(k, 1 / k), ratio))


@pytest.mark.parametrize("ratio", [0.2, 0.9, 1.1, 4.0])
def test_white_edges_are_known(ratio):
    branch = branch_of(np.ones(20), ratio)
    low, high = find_fold(branch.equations.positive(1.0)), find_fold(branch.at(1.01 * branch.highest))
    assert [low.edge, high.edge] == pytest.approx([(1 - ratio**-0.5) ** 2, (1 + ratio**-0.5) ** 2], rel=1e-8)
    assert float(high.delta[0]) == pytest.approx(-1 / (1 + ratio**-0.5), rel=1e-6)


def test_beyond_the_fold_lies_the_bulk_it_foretells():
    branch = branch_of([np.linspace(0.2, 2, 30), np.linspace(3, 0.1, 30)], 0.5)
    for start, inwards in ((branch.equations.positive(1.0), 1.001), (branch.at(1.01 * branch.highest), 0.999)):
        fold = find_fold(start)
        assert np.abs(np.linalg.eigvals(fold.stability)).max() == pytest.approx(1, abs=1e-3)
        found = branch.equations.real_axis(fold.edge * inwards, fold.inside(fold.edge * inwards))
        assert found.kind == "bulk"
        np.testing.assert_allclose(found.delta, fold.inside(fold.edge * inwards), rtol=0.01)
        assert all(root.kind == "outside" and branch.equations.radius(root) < 1 + 1e-6 for root in fold.path)


def test_a_spectrum_that_reaches_zero_has_no_lower_fold():
    with pytest.raises(NoRootError):
        find_fold(branch_of(np.ones(20), 1.0).equations.positive(1.0))


def test_hermite_meets_values_and_slopes():
    places = np.array([0.3, 1.0, 2.5])
    found = hermite(1.7, places, places[:, None] ** 5, 5 * places[:, None] ** 4)
    assert found == pytest.approx([1.7**5])


def test_a_start_at_the_pole_of_the_weights_finds_no_root_and_no_warning():
    equations = branch_of(np.ones(8), 0.5).equations
    for start in (np.array([-1.0]), np.array([np.nan])):
        with pytest.raises(NoRootError, match="pole"):
            equations.newton(2.0, start)
