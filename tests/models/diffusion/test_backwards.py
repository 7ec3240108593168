"""Undoing a step."""

import torch

from didlearn.models.diffusion.backwards import undo


def matrix(radius, D=12, seed=0):
    """A symmetric map scale · I + A with the eigenvalues of A between −radius and radius, times 0.7."""
    g = torch.Generator().manual_seed(seed)
    Q = torch.linalg.qr(torch.randn(D, D, generator=g, dtype=torch.float64))[0]
    return 0.7 * (torch.eye(D) + Q @ torch.diag(torch.linspace(-radius, radius, D, dtype=torch.float64)) @ Q.T)


def test_a_linear_step_is_undone_to_rounding():
    M, x = matrix(0.6), torch.randn(5, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found, error = undo(lambda u: u @ M, 0.7, x @ M, x @ M, 60)
    torch.testing.assert_close(found, x, atol=1e-9, rtol=0)
    assert error.max() < 1e-10


def test_mixing_finds_what_plain_iteration_would_not():
    M, x = matrix(1.5), torch.randn(5, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    plain = x @ M
    for _ in range(60):
        plain = plain + (x @ M - plain @ M) / 0.7
    found, error = undo(lambda u: u @ M, 0.7, x @ M, x @ M, 200)
    assert (plain - x).abs().max() > 1e3
    torch.testing.assert_close(found, x, atol=1e-5, rtol=0)
    assert error.max() < 1e-8


def test_what_cannot_be_undone_says_by_how_much():
    y = torch.tensor([[1.0, 1.0]], dtype=torch.float64)

    def flat(u):
        return torch.stack([u[:, 0], 0 * u[:, 1]], dim=1)

    found, error = undo(flat, 1.0, y, y, 50)
    missed = (flat(found) - y).square().mean().sqrt() / y.square().mean().sqrt()
    assert error.item() > 0.5
    assert error.item() == missed.item()


def test_numbers_that_are_none_are_never_the_best():
    y = torch.ones(1, 3, dtype=torch.float64)

    def broken(u):
        return torch.where(u > 1.2, torch.nan, 0.5 * u)

    found, error = undo(broken, 0.5, y, y, 20)
    assert torch.isfinite(found).all()
    assert torch.isfinite(error).all()


def test_an_image_is_undone_alike_whatever_is_beside_it():
    M = matrix(0.6)

    def step(u):
        return torch.sin(u) * 0.1 + u @ M

    y = step(torch.randn(6, 12, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
    y[1] *= 1e3
    together, _ = undo(step, 0.7, y, y, 60)
    alone, _ = undo(step, 0.7, y[:1], y[:1], 60)
    torch.testing.assert_close(together[:1], alone, atol=1e-9, rtol=0)
