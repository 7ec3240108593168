"""The numbers of the concentration check, worked out by hand.

Mistakes seen: a bound below what was found, a slope given as the whitened one, held-out numbers under the generator's
names, an interval of once the spread, below zero.
"""

import numpy as np
import pytest

from didlearn.checks.concentration.lipschitz import Lower, Upper
from didlearn.checks.concentration.measure import (
    Fluctuations,
    fluctuation_estimates,
    lipschitz_estimates,
    measure_fluctuations,
)
from didlearn.checks.concentration.observables import MEANING, observable_variances
from didlearn.checks.feature_groups import OWN, REAL, FeatureGroup
from didlearn.random_matrix import ConcentrationCurve, concentration_curve
from didlearn.rng import Stream

FOUND = Lower(prior=np.array([1.0, 3, 2, 5, 4]), ascent=np.array([5.0, 6, 7]), evaluations=1)
CURVE = ConcentrationCurve(
    dimensions=np.array([4, 8, 9]),
    plain=np.array([1.0, 3.0, 2.0]),
    whitened=np.array([3.0, 2.0, 0.5]),
    plain_error=np.array([9.0, 8.0, 0.25]),
    whitened_error=np.array([9.0, 8.0, 0.375]),
    plain_slope=0.75,
    whitened_slope=-0.5,
)


def group(name=OWN, rows=((3, 0), (-3, 0), (0, 1), (0, -1))):
    return FeatureGroup(name, "generated", np.array(rows, float), None, ("all",), 0, 2)


def fluctuations(name=OWN):
    variances = {"norm": np.array([8.0, 1, 2, 3, 4, 10]), "greatest": np.array([1.0, 2, 2])}
    return Fluctuations(group(name), 50, variances, CURVE)


def test_the_constant_lies_between_what_was_found_and_what_layers_allow():
    found = lipschitz_estimates(Upper(9.0, ()), FOUND, 0.8)
    constant, typical = found["lipschitz"], found["lipschitz_typical"]
    assert (constant.low, constant.value, constant.high) == (7, 7, 9)
    assert (constant.n, constant.level, constant.unit) == (5, 0.8, "per latent unit")
    assert (typical.low, typical.value, typical.high, typical.level) == (1, 3, 5, 0.8)


def test_a_bound_that_rounding_leaves_below_what_was_found_is_what_was_found():
    assert lipschitz_estimates(Upper(7 - 1e-9, ()), FOUND, 0.8)["lipschitz"].high == 7


def test_an_unknown_bound_is_open():
    found = lipschitz_estimates(Upper(None, (), "of a layer"), FOUND, 0.8)["lipschitz"]
    assert found.high is None
    assert "product of the layers' norms" not in found.method
    assert "product of the layers' norms" in lipschitz_estimates(Upper(9.0, ()), FOUND, 0.8)["lipschitz"].method


def test_variances_are_over_the_replicates_and_curves_end_in_all_dimensions():
    """Variances along the axes are 18/3 and 2/3; the ends of the curve are 2 ± .5 and .5 ± .75, cut at 0."""
    found = fluctuation_estimates(fluctuations(), 0.8)
    assert {name: one.value for name, one in found.items()} == pytest.approx(
        {
            "fluctuation_norm": 2,
            "fluctuation_greatest": 0.5,
            "spread": np.sqrt(6),
            "effective_dimension": 20 / 18,
            "quadratic_slope": 0.75,
            "quadratic_slope_whitened": -0.5,
            "quadratic_ratio": 2,
            "quadratic_ratio_whitened": 0.5,
        }
    )
    assert (found["fluctuation_norm"].low, found["fluctuation_norm"].high) == pytest.approx((8 / 7.6, 8 / 1.4))
    assert (found["quadratic_ratio"].low, found["quadratic_ratio"].high) == (1.5, 2.5)
    assert (found["quadratic_ratio_whitened"].low, found["quadratic_ratio_whitened"].high) == (0, 1.25)
    assert {one.n for name, one in found.items() if name.startswith("fluctuation")} == {50}
    assert {one.n for name, one in found.items() if not name.startswith("fluctuation")} == {4}
    assert {one.level for one in found.values()} == {0.8}


def test_held_out_numbers_have_names_of_their_own():
    own, real = (fluctuation_estimates(fluctuations(name), 0.8) for name in (OWN, REAL))
    assert list(real) == [f"{name}_heldout" for name in own]


def test_a_group_is_measured_by_its_own_observables_and_curve():
    x = np.random.default_rng(0).normal(size=(80, 6))
    whole = FeatureGroup(OWN, "generated", x, None, ("all",), 0, 6)
    found = measure_fluctuations(whole, 30, 19, Stream(3))
    known = observable_variances(whole, 30, 19, Stream(3))
    assert (found.group, found.tested, list(found.variances)) == (whole, 30, list(MEANING))
    assert all(np.array_equal(found.variances[name], known[name]) for name in MEANING)
    assert {len(values) for values in found.variances.values()} == {20}
    curve = concentration_curve(x, rng=Stream(3).numpy("curve"))
    assert np.array_equal(found.curve.plain, curve.plain)
