"""Log-determinants by probes, against those of linear algebra."""

import itertools

import pytest
import torch

from didlearn.models.diffusion.determinant import arnoldi, first_log, log_determinant


def near_identity(D, size, seed=0, symmetric=False):
    g = torch.Generator().manual_seed(seed)
    A = torch.randn(D, D, generator=g, dtype=torch.float64) * size / D**0.5
    return torch.eye(D, dtype=torch.float64) + ((A + A.T) / 2 if symmetric else A)


def signs(D):
    return torch.tensor(list(itertools.product((-1.0, 1.0), repeat=D)), dtype=torch.float64)[None]


@pytest.mark.parametrize("scale", [1.0, 0.4, 7.0])
def test_over_all_signs_and_in_full_dimension_it_is_exact(scale):
    M = scale * near_identity(5, 0.7)
    estimates = log_determinant(lambda u: u @ M.T, scale, torch.zeros(1, 5, dtype=torch.float64), signs(5), 5)
    assert estimates.mean().item() == pytest.approx(torch.linalg.slogdet(M).logabsdet.item(), abs=1e-9)


def test_a_map_that_turns_space_inside_out_has_the_determinants_size():
    M = torch.diag(torch.tensor([0.5, -0.25, 1.5], dtype=torch.float64))
    found = log_determinant(lambda u: u @ M, 1.0, torch.zeros(1, 3, dtype=torch.float64), signs(3), 3)
    assert found.mean().item() == pytest.approx(torch.linalg.slogdet(M).logabsdet.item(), abs=1e-9)


def test_four_dimensions_suffice_for_short_steps():
    M = near_identity(60, 0.3, symmetric=True)
    probes = torch.randn(1, 40, 60, generator=torch.Generator().manual_seed(1), dtype=torch.float64).sign()
    x = torch.zeros(1, 60, dtype=torch.float64)
    short, full = (log_determinant(lambda u: u @ M, 1.0, x, probes, k) for k in (4, 30))
    assert (short - full).abs().max() < 1e-3
    assert (log_determinant(lambda u: u @ M, 1.0, x, probes, 1) - full).abs().max() > 0.1


def test_probes_scatter_about_the_determinant():
    M = near_identity(60, 0.5)
    probes = torch.randn(1, 400, 60, generator=torch.Generator().manual_seed(1), dtype=torch.float64).sign()
    found = log_determinant(lambda u: u @ M, 1.0, torch.zeros(1, 60, dtype=torch.float64), probes, 12)[0]
    error = found.mean() - torch.linalg.slogdet(M).logabsdet
    assert abs(error) < 4 * found.std() / 20


def test_each_image_has_its_own_jacobian():
    x = torch.tensor([[0.1, 0.2], [1.0, -0.3]], dtype=torch.float64)
    found = log_determinant(lambda u: u + 0.1 * u**3, 1.0, x, signs(2).expand(2, -1, -1), 2)
    torch.testing.assert_close(found.mean(dim=1), (1 + 0.3 * x**2).log().sum(dim=1))


def test_an_exhausted_subspace_changes_nothing():
    H = arnoldi(lambda v: 2 * v, torch.ones(1, 6, dtype=torch.float64), 4)
    assert first_log(H).item() == pytest.approx(torch.log(torch.tensor(2.0)).item())
