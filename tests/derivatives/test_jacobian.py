"""Derivatives against finite differences, and where there is nothing to differentiate."""

import torch

from didlearn.derivatives.jacobian import half_square, hessian, jacobian, squared_norm


def residual(z):
    return torch.stack([z[:, 0] ** 2 * z[:, 1], torch.sin(z[:, 1]), z[:, 0] - z[:, 1]], dim=1)


def exact_jacobian(z):
    a, b = z[:, 0], z[:, 1]
    one = torch.ones_like(a)
    rows = [torch.stack([2 * a * b, a**2], 1), torch.stack([0 * a, torch.cos(b)], 1), torch.stack([one, -one], 1)]
    return torch.stack(rows, dim=1)


def points():
    return torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_jacobian_is_that_of_calculus():
    r, J = jacobian(residual, points())
    assert torch.allclose(r, residual(points()))
    assert torch.allclose(J, exact_jacobian(points()))


def test_the_gradient_is_the_jacobian_times_the_residual():
    value, gradient = half_square(residual, points())
    r, J = jacobian(residual, points())
    assert torch.allclose(value, r.square().sum(dim=1) / 2)
    assert torch.allclose(gradient, (J.mT @ r[:, :, None])[:, :, 0])
    assert torch.allclose(2 * value, squared_norm(residual, points()))


def test_the_hessian_is_that_of_half_the_squared_residual():
    z, h = points(), 1e-5
    found = hessian(residual, z)
    for j in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[j] = h
        numeric = (half_square(residual, z + step)[1] - half_square(residual, z - step)[1]) / (2 * h)
        assert torch.allclose(found[:, :, j], numeric, atol=1e-7)


def test_columns_in_blocks_are_the_same(monkeypatch):
    whole = jacobian(residual, points())[1]
    monkeypatch.setattr("didlearn.derivatives.footprint.COLUMN_BYTES", 1)
    assert torch.equal(jacobian(residual, points())[1], whole)


def test_a_constant_has_zero_derivatives():
    def constant(z):
        return torch.ones(len(z), 3, dtype=z.dtype)

    assert not half_square(constant, points())[1].any()
    assert not hessian(constant, points()).any()
    assert hessian(constant, points()).shape == (5, 2, 2)
    assert not jacobian(constant, points())[1].any()
    assert jacobian(constant, points())[1].shape == (5, 3, 2)


def test_rows_that_are_not_finite_get_an_infinite_error_and_no_direction():
    def broken(z):
        return torch.where(z[:, :1] > 0, torch.nan, z)

    z = torch.tensor([[1.0, 0.0], [-1.0, 2.0]])
    value, gradient = half_square(broken, z)
    assert value.tolist() == [torch.inf, 2.5]
    assert gradient.tolist() == [[0.0, 0.0], [-1.0, 2.0]]
    assert squared_norm(broken, z).tolist() == [torch.inf, 5.0]
