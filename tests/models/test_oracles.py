import numpy as np
import pytest
import torch

from didlearn.errors import UsageError
from didlearn.models import open_model
from didlearn.models.oracles import PPCA, DiscreteGenerator, atom_probabilities


def points(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 4, 4), dtype=np.uint8)


def test_atoms_have_their_masses():
    p = atom_probabilities(1001, 0.05)
    assert (p[0], p[1]) == (0.05, pytest.approx(0.95 / 1000))
    assert p.sum() == pytest.approx(1)
    with pytest.raises(UsageError, match="masses"):
        atom_probabilities(3, 0.5, 0.6)
    with pytest.raises(UsageError, match="masses"):
        atom_probabilities(1, 0.5)


def test_the_collision_probability_is_exact_and_seen(rng):
    generator = DiscreteGenerator(points(200), atom_probabilities(200, 0.1))
    assert generator.collision_probability == pytest.approx(0.01 + 0.9**2 / 199)
    index = generator.draw_index(4000, rng)
    counts = np.bincount(index, minlength=200)
    n = 4000
    u = (counts * (counts - 1)).sum() / (n * (n - 1))
    assert u == pytest.approx(generator.collision_probability, abs=5 * 2 * (0.1**3 / n) ** 0.5)
    assert abs(counts[0] - 400) < 5 * 19
    assert generator.effective_support == pytest.approx(1 / generator.collision_probability)


def test_draws_are_a_prefix_and_without_noise_exact(rng):
    generator = DiscreteGenerator(points(50))
    samples = generator.draw(100, rng)
    np.testing.assert_array_equal(samples.images, generator.points[generator.draw_index(100, rng)])
    np.testing.assert_array_equal(generator.draw(33, rng).images, samples.images[:33])


def test_noise_has_its_size_and_never_repeats(rng):
    flat = np.full((1, 3, 8, 8), 128, dtype=np.uint8)
    samples = DiscreteGenerator(flat, sigma=0.02).draw(200, rng)
    deviation = samples.images.astype(float) - 128
    assert deviation.std() == pytest.approx(0.02 * 255, rel=0.03)
    assert len(np.unique(samples.images.reshape(200, -1), axis=0)) == 200


def test_points_of_probability_zero_are_never_drawn(rng):
    p = np.array([0, 0.5, 0, 0.5, 0])
    assert set(DiscreteGenerator(points(5), p).draw_index(1000, rng)) == {1, 3}


def test_labels_go_with_their_points(rng):
    generator = DiscreteGenerator(points(10), labels=np.arange(10) % 3)
    samples = generator.draw(64, rng)
    np.testing.assert_array_equal(samples.labels, generator.draw_index(64, rng) % 3)
    assert generator.classes == 3


def test_it_passes_through_open_model():
    generator = DiscreteGenerator(points(5))
    assert open_model(generator) is generator
    assert generator.fingerprint != DiscreteGenerator(points(5, seed=1)).fingerprint


@pytest.mark.parametrize(("images", "p"), [(points(3), [0.5, 0.5]), (points(2)[:, 0], None), (points(2), [1, -1])])
def test_what_does_not_fit_is_refused(images, p):
    with pytest.raises(UsageError, match="a discrete generator takes"):
        DiscreteGenerator(images, None if p is None else np.array(p))


@pytest.fixture
def ppca():
    generator = torch.Generator().manual_seed(2)
    return PPCA(torch.randn(16, 3, generator=generator), torch.randn(16, generator=generator), (1, 4, 4))


def test_ppca_evidence_is_the_integral(ppca):
    x = ppca.decode(torch.tensor([[0.3, -1.0, 0.5]])).double()
    z = torch.randn(400_000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    residual = (x - ppca.decode(z)).flatten(1).square().sum(1)
    sigma = 2.0
    log_likelihood = -residual / (2 * sigma**2) - 8 * np.log(2 * np.pi * sigma**2)
    estimate = torch.logsumexp(log_likelihood, 0) - np.log(len(z))
    assert ppca.log_evidence(x, sigma).item() == pytest.approx(estimate.item(), abs=0.03)


def test_ppca_posterior_obeys_bayes(ppca):
    x = torch.rand(2, 1, 4, 4, dtype=torch.float64)
    mean, covariance = ppca.posterior(x, 0.5)
    for z in (torch.zeros(2, 3).double(), torch.ones(2, 3).double()):
        likelihood = torch.distributions.Normal(ppca.decode(z).flatten(1), 0.5).log_prob(x.flatten(1)).sum(1)
        posterior = torch.stack(
            [
                torch.distributions.MultivariateNormal(m, covariance).log_prob(one)
                for m, one in zip(mean, z, strict=True)
            ]
        )
        torch.testing.assert_close(ppca.log_prior(z) + likelihood - posterior, ppca.log_evidence(x, 0.5))


def test_ppca_draws_its_covariance(ppca, rng):
    samples = ppca.draw(4000, rng)
    assert samples.images.dtype == np.float32
    flat = torch.from_numpy(samples.images).flatten(1)
    expected = ppca.W @ ppca.W.T
    assert (torch.cov(flat.T) - expected).abs().max() < 0.15 * expected.diagonal().max()
    np.testing.assert_array_equal(ppca.draw(50, rng, batch_size=1000, threads=2).images, samples.images[:50])
