"""Quasi-Newton matrices: what they learn, and that both forms agree."""

import pytest
import torch

from didlearn.derivatives.curvature import MEMORY, Dense, Limited


def make(kind, h, d):
    return Dense(torch.diag_embed(h[:, None].expand(-1, d))) if kind is Dense else Limited(h, [])


def filled(kind, steps, seed=0, n=3, d=6):
    g = torch.Generator().manual_seed(seed)
    A = torch.randn(n, d, d, generator=g, dtype=torch.float64)
    hessian = A @ A.mT + torch.eye(d, dtype=torch.float64)
    curvature = make(kind, torch.ones(n, dtype=torch.float64), d)
    s = y = torch.zeros(n, d, dtype=torch.float64)
    for _ in range(steps):
        s = torch.randn(n, d, generator=g, dtype=torch.float64)
        y = (hessian @ s[:, :, None])[:, :, 0]
        curvature.update(s, y, curvature.times(s), torch.ones(n, dtype=torch.bool))
    return curvature, s, y, g


@pytest.mark.parametrize("kind", [Dense, Limited])
def test_the_last_step_is_reproduced(kind):
    curvature, s, y, _ = filled(kind, 8)
    assert torch.allclose(curvature.times(s), y)


@pytest.mark.parametrize("kind", [Dense, Limited])
def test_the_solution_solves_the_shifted_system(kind):
    curvature, _, _, g = filled(kind, 8)
    b = torch.randn(3, 6, generator=g, dtype=torch.float64)
    shift = torch.tensor([0.0, 0.3, 5.0], dtype=torch.float64)
    p = curvature.solve(b, shift)
    assert torch.allclose(curvature.times(p) + shift[:, None] * p, b)


def test_both_forms_are_the_same_matrix_while_all_steps_are_remembered():
    dense, limited = filled(Dense, MEMORY)[0], filled(Limited, MEMORY)[0]
    b = torch.randn(3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    assert torch.allclose(dense.times(b), limited.times(b), rtol=1e-6)


@pytest.mark.parametrize("kind", [Dense, Limited])
def test_negative_curvature_leaves_the_matrix_positive(kind):
    curvature, s, _, _ = filled(kind, 3)
    curvature.update(s, -s, curvature.times(s), torch.ones(3, dtype=torch.bool))
    for b in torch.randn(20, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)):
        assert ((b * curvature.times(b)).sum(dim=1) > 0).all()


@pytest.mark.parametrize("kind", [Dense, Limited])
def test_steps_that_are_not_finite_teach_nothing(kind):
    curvature, s, y, g = filled(kind, 3)
    b = torch.randn(3, 6, generator=g, dtype=torch.float64)
    before = curvature.times(b)
    y[1] = torch.nan
    curvature.update(s * 2, y, curvature.times(s * 2), torch.tensor([False, True, False]))
    assert torch.allclose(curvature.times(b), before)
    assert torch.isfinite(curvature.solve(b, torch.zeros(3, dtype=torch.float64))).all()


@pytest.mark.parametrize("kind", [Dense, Limited])
def test_rows_can_be_chosen(kind):
    curvature, _, _, g = filled(kind, 4)
    b = torch.randn(3, 6, generator=g, dtype=torch.float64)
    index = torch.tensor([2, 0])
    assert torch.allclose(curvature.rows(index).times(b[index]), curvature.times(b)[index])
