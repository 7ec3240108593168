"""The Fréchet distance.

Mistakes seen: covariances over n instead of n − 1, a trace of Σ_r Σ_g without the root, a D × D root where rows are
few, float32 inside, a block of rows forgotten.
"""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

import didlearn as dl
from didlearn.errors import DataError
from didlearn.statistics.fidelity import frechet
from didlearn.statistics.fidelity.frechet import frechet_distance, frechet_from_moments


def fixed_pair():
    g = np.random.RandomState(0)
    real = g.normal(size=(1000, 64))
    return real, g.normal(size=(1000, 64)) * 0.95 + 0.1


def whitened(rows):
    """Rows with mean 0 and covariance 1, but for rounding."""
    left, _, right = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    return left @ right * np.sqrt(len(rows) - 1)


def moments(name, rows):
    return {f"{name}_mean": rows.mean(0), f"{name}_covariance": np.cov(rows, rowvar=False)}


def test_the_peers_number_on_a_fixed_pair():
    real, generated = fixed_pair()
    found = dl.frechet_distance(real=real, generated=generated)
    assert isinstance(found, float)
    assert found == pytest.approx(3.0167057316, abs=2e-10)
    again = frechet_from_moments(**moments("real", real), **moments("generated", generated))
    assert again == pytest.approx(found, abs=1e-10)


def test_commuting_covariances_have_a_closed_form():
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0.1, 3, size=(2, 20))
    real, generated = whitened(rng.normal(size=(90, 20))), whitened(rng.normal(size=(70, 20)))
    wanted = 20 * 0.5**2 + ((a - b) ** 2).sum()
    assert frechet_distance(real=real * a, generated=generated * b + 0.5) == pytest.approx(wanted, rel=1e-12)


def test_against_the_root_of_the_product():
    rng = np.random.default_rng(2)
    real, generated = (rng.normal(size=(80, 12)) @ rng.normal(size=(12, 12)) for _ in range(2))
    sr, sg = np.cov(real.T), np.cov(generated.T)
    wanted = ((real.mean(0) - generated.mean(0)) ** 2).sum() + np.trace(sr + sg - 2 * sqrtm(sr @ sg).real)
    assert frechet_distance(real=real, generated=generated) == pytest.approx(wanted, rel=1e-10)


def test_moments_in_two_thousand_dimensions():
    d = 2048
    eye = np.eye(d)
    found = frechet_from_moments(
        real_mean=np.zeros(d), real_covariance=eye, generated_mean=np.ones(d), generated_covariance=eye
    )
    assert found == pytest.approx(d, rel=1e-12)


def test_fewer_rows_than_dimensions():
    """In a rotated space of many more dimensions the distance stays, without a matrix of that size."""
    rng = np.random.default_rng(3)
    real, generated = rng.normal(size=(30, 10)) * 2, rng.normal(size=(25, 10))
    turn = np.linalg.qr(rng.normal(size=(500, 10)))[0]
    wide = frechet_distance(real=real @ turn.T, generated=generated @ turn.T)
    assert wide == pytest.approx(frechet_distance(real=real, generated=generated), rel=1e-11)
    assert frechet_distance(real=rng.normal(size=(3, 200_000)), generated=rng.normal(size=(4, 200_000))) > 0


def test_laws():
    real, generated = fixed_pair()
    found = frechet_distance(real=real, generated=generated)
    assert frechet_distance(real=generated, generated=real) == pytest.approx(found, rel=1e-12)
    assert frechet_distance(real=real * 7, generated=generated * 7) == pytest.approx(49 * found, rel=1e-12)
    assert frechet_distance(real=real + 1e4, generated=generated + 1e4) == pytest.approx(found, rel=1e-8)
    assert frechet_distance(real=real[::-1], generated=generated[::-1]) == pytest.approx(found, rel=1e-12)
    assert frechet_distance(real=real, generated=real[::-1]) == pytest.approx(0, abs=1e-11)
    assert frechet_distance(real=real, generated=np.concatenate([generated] * 2)) != found


def test_identical_rows_and_singular_covariances():
    constant = np.full((9, 40), 0.3)
    assert frechet_distance(real=constant, generated=constant) == 0
    assert frechet_distance(real=constant, generated=constant + 1) == pytest.approx(40)
    flat = np.random.default_rng(4).normal(size=(300, 5)) @ np.random.default_rng(5).normal(size=(5, 40))
    assert frechet_distance(real=flat, generated=flat[::-1].copy()) == pytest.approx(0, abs=1e-10)


def test_blocks_make_no_difference(monkeypatch):
    real, generated = np.random.default_rng(6).normal(size=(2, 3001, 30))
    whole = frechet_distance(real=real, generated=generated)
    monkeypatch.setattr(frechet, "FACTORED_AT_ONCE", 10**6)
    assert frechet_distance(real=real, generated=generated) == pytest.approx(whole, rel=1e-11)


def test_other_kinds_of_arrays():
    real, generated = (rows.astype(np.float32) for rows in fixed_pair())
    found = frechet_distance(real=torch.from_numpy(real), generated=generated.reshape(1000, 1, 8, 8))
    assert found == frechet_distance(real=real.astype(np.float64), generated=generated.astype(np.float64))


def test_what_is_refused():
    rows = np.zeros((5, 3))
    with pytest.raises(TypeError):
        frechet_distance(rows, rows)  # type: ignore[call-arg]
    for bad, message in [
        (np.full((5, 3), np.nan), r"generated holds NaN or infinity in 5 rows"),
        (np.zeros((1, 3)), r"generated holds 1 row; give at least 2"),
        (np.zeros((5, 4)), r"real has 3 features and generated 4.*same embedding"),
        (np.zeros(5), r"generated must be rows of features \(n, D\), got float64 of shape \(5,\)"),
        (np.zeros((5, 3), complex), r"got complex128"),
    ]:
        with pytest.raises(DataError, match=message):
            frechet_distance(real=rows, generated=bad)


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (np.eye(3), r"real_covariance must be \(2, 2\) like its mean, got \(3, 3\)"),
        ([[1.0, 0.5], [0.0, 1.0]], "is not symmetric"),
        (np.diag([1.0, -0.5]), r"has the eigenvalue -0.5 and is no covariance"),
    ],
)
def test_moments_that_are_none(covariance, message):
    with pytest.raises(DataError, match=message):
        frechet_from_moments(
            real_mean=[0, 0], real_covariance=covariance, generated_mean=[0, 0], generated_covariance=np.eye(2)
        )


def from_moments(real, generated):
    return frechet.frechet_influence_from_moments(**moments("real", real), generated=generated)


def test_from_moments_and_images_the_distance_is_the_same():
    real, generated = fixed_pair()
    assert from_moments(real, generated).value == pytest.approx(3.0167057316, abs=1e-9)
    few = generated[:20]  # fewer than dimensions
    assert from_moments(real, few).value == pytest.approx(frechet_distance(real=real, generated=few), rel=1e-9)


def test_its_influence_is_the_one_that_images_have():
    real, generated = fixed_pair()
    pull = frechet.frechet_influence(real=real, generated=generated).generated
    np.testing.assert_allclose(from_moments(real, generated).generated, pull, atol=1e-8 * np.abs(pull).max())


@pytest.mark.slow
def test_its_interval_covers_the_mean_distance_fully():
    covers(2000)


def test_its_interval_covers_the_mean_distance():
    covers(300)


def covers(trials):
    """The moments are exact, so that the images alone are at chance."""
    rng = np.random.default_rng(5)
    scale, mean = np.linspace(0.5, 1.5, 6), np.full(6, 0.3)
    found = [
        frechet.frechet_influence_from_moments(
            real_mean=np.zeros(6), real_covariance=np.eye(6), generated=mean + scale * rng.normal(size=(200, 6))
        )
        for _ in range(trials)
    ]
    centre = np.mean([one.value for one in found])
    hit = [one.estimate(0.95, "") for one in found]
    share = np.mean([e.low <= centre <= e.high for e in hit])
    assert abs(share - 0.95) < 4 * np.sqrt(0.95 * 0.05 / trials)
    assert {e.n for e in hit} == {200}


def test_images_of_another_width_than_the_moments_are_refused():
    real, generated = fixed_pair()
    with pytest.raises(DataError, match="64 features and the images 63"):
        from_moments(real, generated[:, 1:])
