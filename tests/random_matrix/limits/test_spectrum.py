"""Limiting spectra against Marchenko-Pastur, spiked models and simulations.

Plausible mistakes: smoothing by a small imaginary part (the 1e-6 of Marchenko-Pastur), a root that is not the physical
one (mass and rotation laws), the wrong normalisation of spikes or alignments (closed forms and simulation).
"""

import numpy as np
import pytest
import torch

from didlearn.errors import UsageError
from didlearn.random_matrix import limiting_spectrum
from didlearn.random_matrix.limits import structure
from didlearn.random_matrix.limits.branch import Branch
from didlearn.random_matrix.limits.edges import find_support
from didlearn.random_matrix.limits.inverse import symmetric_inverse
from didlearn.random_matrix.limits.mixture import population
from didlearn.random_matrix.limits.spikes import _class_matrix


def marchenko_pastur(x, ratio):
    low, high = (1 - ratio**-0.5) ** 2, (1 + ratio**-0.5) ** 2
    return ratio * np.sqrt(np.maximum((high - x) * (x - low), 0)) / (2 * np.pi * x)


@pytest.mark.parametrize("ratio", [0.2, 0.5, 1.0, 3.0])
def test_one_white_class_is_marchenko_pastur(ratio):
    grid = np.linspace(0.01, 1.1 * (1 + ratio**-0.5) ** 2, 200)
    s = limiting_spectrum(np.zeros((1, 20)), np.eye(20)[None], [1.0], ratio, grid)
    assert np.abs(s.density - marchenko_pastur(grid, ratio)).max() < 1e-6
    fine = np.linspace(max((1 - ratio**-0.5) ** 2, 1e-16) ** 0.5, grid[150] ** 0.5, 200_001)
    below = np.trapezoid(marchenko_pastur(fine**2, ratio) * 2 * fine, fine)
    assert s.distribution[150] == pytest.approx(max(0, 1 - ratio) + below, abs=1e-6)
    assert s.mass_at_zero == pytest.approx(max(0, 1 - ratio), abs=1e-6)
    assert s.edges[1] == pytest.approx((1 + ratio**-0.5) ** 2, rel=1e-6)
    assert s.distribution[-1] == pytest.approx(1)


def test_at_and_below_zero_there_is_only_the_point_mass():
    s = limiting_spectrum(np.zeros((1, 20)), np.eye(20)[None], [1.0], 0.25, [-1.0, 0.0, 3.0, 3.0])
    assert s.density[:2].tolist() == [0, 0]
    assert s.distribution[:2] == pytest.approx([0, 0.75])
    assert s.density[2] == s.density[3] > 0
    assert limiting_spectrum(np.zeros((1, 20)), np.eye(20)[None], [1.0], 1.0, [0.0]).density[0] == np.inf


@pytest.mark.parametrize("kind", [np.float32, torch.float32, torch.float64])
def test_moments_of_any_precision_and_library_are_taken(kind):
    rows = np.random.default_rng(0).normal(size=(12, 30)) * np.linspace(0.2, 3, 30)
    rough = torch.from_numpy(rows).to(kind) if isinstance(kind, torch.dtype) else rows.astype(kind)
    exact = np.asarray(rough, np.float64)
    found = limiting_spectrum(0 * rough[:1], (rough.T @ rough)[None], [1.0], 0.5, [30.0, 60.0])
    known = limiting_spectrum(0 * exact[:1], (exact.T @ exact)[None], [1.0], 0.5, [30.0, 60.0])
    np.testing.assert_allclose(found.density, known.density, rtol=1e-4)
    assert found.mass_at_zero == pytest.approx(1 - 12 / 30 * 0.5, abs=1e-6)


def test_the_spectrum_scales_with_the_features():
    rng = np.random.default_rng(0)
    means, covariance = rng.normal(size=(2, 30)), np.diag(np.linspace(1, 3, 30))
    one = limiting_spectrum(means, [covariance] * 2, [0.5, 0.5], 0.5)
    nine = limiting_spectrum(3 * means, [9 * covariance] * 2, [0.5, 0.5], 0.5, 9 * one.grid)
    np.testing.assert_allclose(nine.density * 9, one.density, atol=1e-8)
    np.testing.assert_allclose(nine.spikes, 9 * one.spikes, rtol=1e-8)


@pytest.mark.parametrize("square", [1.5, 3.0, 8.0])
def test_two_opposite_means_give_the_known_spike(square):
    mean, c = np.sqrt(square) * np.eye(1, 40)[0], 0.5
    s = limiting_spectrum([mean, -mean], [np.eye(40)] * 2, [0.5, 0.5], c)
    theta = square / c
    assert s.spikes == pytest.approx([(1 + theta) * (1 / c + theta) / theta], rel=1e-8)
    whole = 1 - (1 + theta) / (c * theta * (theta + 1 / c))
    assert s.alignments == pytest.approx(np.full((1, 2), whole / 2), rel=1e-6)


def test_the_bbp_threshold_is_found():
    def spikes(square, c=0.5):
        mean = np.sqrt(square) * np.eye(1, 40)[0]
        return len(limiting_spectrum([mean, -mean], [np.eye(40)] * 2, [0.5, 0.5], c).spikes)

    assert spikes(0.98 * np.sqrt(0.5)) == 0
    assert spikes(1.02 * np.sqrt(0.5)) == 1


def test_separated_variances_leave_a_gap_with_the_right_masses():
    covariance = np.diag(np.repeat([1.0, 10.0], 30))
    s = limiting_spectrum(np.zeros((1, 60)), covariance[None], [1.0], 0.1)
    assert len(s.support) == 2
    assert s.masses == pytest.approx([0.05, 0.05], abs=1e-8)
    assert s.mass_at_zero == pytest.approx(0.9)


def test_an_outlying_direction_is_an_interval_of_one_eigenvalue():
    variances = np.ones(100)
    variances[0] = 8
    s = limiting_spectrum(np.zeros((1, 100)), np.diag(variances)[None], [1.0], 0.5)
    assert s.masses[-1] * 200 == pytest.approx(1, abs=1e-6)
    assert s.support[-1].mean() == pytest.approx(2 * (8 + 0.5 * 8 / 7), rel=0.02)


def test_covariances_without_common_basis_agree_with_their_rotation_and_mass(three_classes):
    means, covariances, proportions = three_classes(24)
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(24, 24)))
    one = limiting_spectrum(means, covariances, proportions, 0.5)
    other = limiting_spectrum(means @ turn, turn.T @ covariances @ turn, proportions, 0.5, one.grid)
    np.testing.assert_allclose(other.density, one.density, atol=1e-6)
    np.testing.assert_allclose(other.spikes, one.spikes, rtol=1e-6)
    assert np.trapezoid(one.density, one.grid) == pytest.approx(0.5, abs=1e-3)
    middle = len(one.grid) // 2
    part = np.trapezoid(one.density[:middle], one.grid[:middle])
    assert one.distribution[middle - 1] - one.mass_at_zero == pytest.approx(part, abs=1e-3)


def test_a_dense_block_agrees_with_eigenvalues_only():
    """A little noise on one covariance takes the shortcut away and must change nothing."""
    rng = np.random.default_rng(0)
    covariances = np.stack([np.diag(np.linspace(0.5, 2, 24)), np.diag(np.linspace(2, 0.5, 24))])
    means, grid = 3 * np.eye(2, 24), np.linspace(0.1, 9, 40)
    short = limiting_spectrum(means, covariances, [0.4, 0.6], 0.5, grid)
    noise = rng.normal(size=(24, 24)) * 1e-7
    whole = limiting_spectrum(means, covariances + np.stack([noise + noise.T, 0 * noise]), [0.4, 0.6], 0.5, grid)
    np.testing.assert_allclose(whole.density, short.density, atol=1e-5)
    np.testing.assert_allclose(whole.distribution, short.distribution, atol=1e-5)
    np.testing.assert_allclose(whole.spikes, short.spikes, rtol=1e-5)
    np.testing.assert_allclose(whole.alignments, short.alignments, atol=1e-4)


def test_low_rank_plus_identity_agrees_with_simulation(draw):
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(200, 5)) / np.sqrt(200)
    covariances = np.stack([np.eye(200) * s + s * factor @ factor.T for s in (1, 2)])
    means, counts = 3 * np.eye(2, 200), np.array([200, 200])
    s = limiting_spectrum(means, covariances, [0.5, 0.5], 0.5)
    values = np.linalg.eigvalsh(np.cov(draw(means * 0, covariances, counts, rng)[0].T, bias=True) * 2)
    found = 0.5 + np.searchsorted(values, s.grid) / 400
    assert np.abs(found - s.distribution).max() < 0.015


def simulate(population, draw, n, repeats):
    """Return theory, the greatest distance of distribution functions, and means of spikes and alignments (3, 3)."""
    means, covariances, proportions = population
    p, counts = means.shape[1], np.round(proportions * n).astype(int)
    s = limiting_spectrum(means, covariances, proportions, p / n)
    apart, top, shares = [], [], []
    for seed in range(repeats):
        x, y = draw(means, covariances, counts, np.random.default_rng(seed))
        values, right = np.linalg.eigh(x.T @ x / p)
        left = x @ right[:, ::-1][:, :3] / np.sqrt(p * values[::-1][:3])
        steps = (np.searchsorted(values, s.grid) + n - p) / n
        apart.append(np.abs(steps - s.distribution).max())
        top.append(values[::-1][:3])
        shares.append([[left[y == a, i].sum() ** 2 / counts[a] for a in range(3)] for i in range(3)])
    return s, max(apart), np.mean(top, 0), np.mean(shares, 0)


def test_a_general_mixture_agrees_with_simulation(three_classes, draw):
    s, apart, top, _ = simulate(three_classes(100, size=3.0), draw, 200, 3)
    assert apart < 0.04
    np.testing.assert_allclose(top, s.spikes, rtol=0.08)


@pytest.mark.slow
def test_a_large_general_mixture_agrees_with_simulation(three_classes, draw):
    means, covariances, proportions = three_classes(700, size=3.0)
    apart_means = means * np.array([[1.0], [1.5], [2.5]])
    s, apart, top, shares = simulate((apart_means, covariances, proportions), draw, 1400, 16)
    assert apart < 0.005
    np.testing.assert_allclose(top, s.spikes, rtol=0.01)
    np.testing.assert_allclose(shares.max(1), s.alignments.max(1), rtol=0.01)


@pytest.mark.slow
def test_near_spikes_share_the_classes_as_one_subspace(three_classes, draw):
    """Spikes 15.3, 14.4 and 14.0 fluctuate by more than they lie apart: only their span has a limit to compare."""
    s, _, top, shares = simulate(three_classes(400, size=3.0), draw, 800, 12)
    assert top.sum() == pytest.approx(s.spikes.sum(), rel=0.01)
    np.testing.assert_allclose(shares.sum(0), s.alignments.sum(0), rtol=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"proportions": [1.0, 0.0]}, "class 1 is empty"),
        ({"proportions": [0.5, 0.4]}, "sum to 0.9"),
        ({"ratio": 0.0}, "positive number"),
        ({"means": np.full((2, 4), np.nan)}, "not finite"),
        ({"covariances": np.stack([np.eye(4), -np.eye(4)])}, "negative eigenvalue"),
        ({"covariances": np.zeros((2, 4, 4))}, "every covariance is zero"),
        ({"covariances": np.stack([np.eye(4), np.triu(np.ones((4, 4)))])}, "not symmetric"),
        ({"covariances": np.eye(4)}, "dimensions"),
        ({"covariances": np.stack([np.eye(4), np.diag([1, 1, 1, -1e-3])])}, "negative eigenvalue"),
        ({"means": [[1.0], [1.0, 2.0]]}, "no array"),
        ({"ratio": "p/n"}, "positive number"),
        ({"grid": [np.nan, 1.0]}, "not finite"),
        ({"grid": 1.0}, "dimensions"),
        ({"grid": []}, "is empty"),
    ],
)
def test_what_is_no_mixture_is_refused(change, message):
    good = {"means": np.zeros((2, 4)), "covariances": [np.eye(4)] * 2, "proportions": [0.5, 0.5], "ratio": 0.5}
    with pytest.raises(UsageError, match=message):
        limiting_spectrum(**{**good, **change})


def test_a_general_mixture_of_more_features_than_images_costs_few_complex_inverses(three_classes, monkeypatch):
    """Outside the spectrum δ is real: coming down from the complex plane to every point there took 600 of them."""
    found = []

    def counted(matrix):
        found.append(matrix.is_complex())
        return symmetric_inverse(matrix)

    monkeypatch.setattr(structure, "symmetric_inverse", counted)
    means, covariances, proportions = three_classes(40)
    s = limiting_spectrum(means, covariances, proportions, 2048 / 1500, precision=1e-3)
    assert len(s.spikes) == 3
    assert s.support[0, 0] > 0
    assert sum(found) <= 200
    assert len(found) <= 400


def test_the_class_matrix_rises_across_every_gap():
    """ζH(ζ) has no pole there, so that its signs at the ends count the spikes between them."""
    rng = np.random.default_rng(0)
    variances = np.repeat([1.0, 30.0], 30)
    means = 2 * rng.normal(size=(2, 60)) / np.sqrt(60) * np.sqrt(variances)
    moments = population(means, np.stack([np.diag(variances), np.diag(variances[::-1])]), [0.4, 0.6], 0.2)
    branch = Branch(moments)
    support = find_support(branch, 200, 1e-3)
    for low, high in zip([1e-3 * support[0, 0], *support[:, 1]], [*support[:, 0], 2 * support[-1, 1]], strict=True):
        places = np.linspace(low, high, 9)[1:-1]
        values = np.array([x * np.linalg.eigvalsh(_class_matrix(branch, branch.at(float(x)))) for x in places])
        assert (np.diff(values, axis=0) > 0).all()
