"""The Fréchet distance of reconstructions, where the linear-Gaussian model has its closed form."""

import numpy as np
import pytest

from didlearn.embeddings import open_embedding
from didlearn.errors import UsageError
from didlearn.statistics.fidelity.frechet import frechet_influence
from didlearn.studies.latent_dimension.perception import reconstruction_distance

VALUES = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.125])  # eigenvalues of the data's covariance
KEPT = 2


def draw(rng, n):
    return rng.standard_normal((n, 6)) * np.sqrt(VALUES)


def project(x):
    return np.where(np.arange(6) < KEPT, x, 0)


def paired(real, generated):
    return frechet_influence(real=real, generated=generated).paired(0.95, "")


@pytest.mark.parametrize("n", [4, 20, 300])
def test_a_projection_s_distance_is_its_squared_error_however_few_the_images(n):
    """FD = ‖gap of means‖² + n/(n − 1) (MSE − ‖gap‖²), exactly, also with fewer images than dimensions."""
    rng = np.random.default_rng(n)
    basis = np.linalg.qr(rng.standard_normal((6, KEPT)))[0]
    x = draw(rng, n)
    made = 0.3 + (x - 0.3) @ basis @ basis.T
    error, gap = np.square(made - x).sum(axis=1).mean(), np.square((made - x).mean(axis=0)).sum()
    assert paired(x, made).value == pytest.approx(gap + n / (n - 1) * (error - gap), rel=1e-9)


def test_principal_components_leave_the_trailing_eigenvalues():
    """Blau & Michaeli: the least squared error and its distance are Σ λ trailing; at no distance it costs twice."""
    rng = np.random.default_rng(0)
    x = draw(rng, 40_000)
    trailing = VALUES[KEPT:].sum()
    best = project(x)
    assert np.square(best - x).sum(axis=1).mean() == pytest.approx(trailing, rel=0.02)
    assert paired(x, best).value == pytest.approx(trailing, rel=0.02)
    real_looking = best + np.where(np.arange(6) < KEPT, 0, draw(rng, 40_000))
    assert np.square(real_looking - x).sum(axis=1).mean() == pytest.approx(2 * trailing, rel=0.02)
    assert paired(x, real_looking).value < 0.01 * trailing


def test_perfect_reconstructions_are_at_no_distance_and_pairs_have_no_order():
    rng = np.random.default_rng(0)
    x = draw(rng, 30)
    assert paired(x, x).value == pytest.approx(0, abs=1e-9)
    made, order = 0.7 * x, rng.permutation(30)
    one, other = paired(x, made), paired(x[order], made[order])
    assert (one.low, one.value, one.high) == pytest.approx((other.low, other.value, other.high), rel=1e-9)
    twice = paired(2 * x, 2 * made)
    assert (twice.low, twice.value, twice.high) == pytest.approx((4 * one.low, 4 * one.value, 4 * one.high), rel=1e-9)
    with pytest.raises(UsageError, match="30 real images and 29 generated ones are no pairs"):
        paired(x, made[1:])


@pytest.mark.parametrize(
    ("make", "truth", "narrower"), [(project, VALUES[KEPT:].sum(), 0.9), (lambda x: x / 2, VALUES.sum() / 4, 2)]
)
def test_the_interval_covers_and_knows_of_the_pairing(make, truth, narrower):
    """95 % over data sets of 60; images counted as independent of their halves would make it twice as wide."""
    inside, widths = 0, []
    for seed in range(300):
        x = draw(np.random.default_rng(seed), 60)
        found = frechet_influence(real=x, generated=make(x))
        estimate = found.paired(0.95, "")
        inside += estimate.low <= truth <= estimate.high
        alone = found.estimate(0.95, "")
        widths.append((alone.high - alone.low) / (estimate.high - estimate.low))
    assert 273 <= inside <= 297  # 91 % to 99 %
    assert np.median(widths) > narrower


def test_worse_reconstructions_are_farther_in_pictures_too():
    """In an embedding, as 8-bit pictures."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (50, 1, 8, 8)).astype(np.float32) / 255
    blurred = (x + np.roll(x, 1, axis=3)) / 2
    embedding = open_embedding("pixels")
    same, near, far = (reconstruction_distance(embedding, x, y, "cpu") for y in (x, 0.9 * x + 0.1 * blurred, blurred))
    assert same.value == pytest.approx(0, abs=1e-6)
    assert near.high < far.low
    flat = x.reshape(50, -1)
    expected = frechet_influence(real=flat, generated=blurred.reshape(50, -1)).value
    # A distance of distributions: rounding moves its root by no more than the images, half a grey level a pixel.
    assert far.value**0.5 == pytest.approx(expected**0.5, abs=8 * 0.5 / 255)
