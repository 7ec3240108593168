"""Norms of convolutions against their matrices. Mistakes seen: stride's 1/√(s s), wrap-around, groups, the adjoint."""

import pytest
import torch

from didlearn.checks.concentration import operators
from didlearn.checks.concentration.operators import convolution_norm, matrix_norm

CASES = [
    {"stride": (1, 1), "padding": (1, 1)},
    {"stride": (2, 2), "padding": (1, 1)},
    {"stride": (3, 1), "padding": (0, 2)},
    {"stride": (1, 2), "padding": (2, 1), "dilation": (2, 1)},
    {"stride": (2, 2), "padding": (1, 1), "groups": 2},
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("transposed", [False, True])
def test_the_torus_bounds_the_matrix_closely(case, transposed, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(4, 4 // case.get("groups", 1), 4, 3, generator=generator)
    exact, is_exact = convolution_norm(weight, (14, 15), transposed=transposed, **case)
    monkeypatch.setattr(operators, "DENSE_ENTRIES", 10)
    bound, is_bound = convolution_norm(weight, (14, 15), transposed=transposed, **case)
    assert (is_exact, is_bound) == (True, False)
    assert exact <= bound * (1 + 1e-9)
    assert bound <= 1.15 * exact


def test_a_constant_kernel_s_torus_norm_is_its_sum(monkeypatch):
    monkeypatch.setattr(operators, "DENSE_ENTRIES", 10)
    assert convolution_norm(torch.ones(1, 1, 3, 3), (8, 8))[0] == pytest.approx(9)


def test_dense_matrices_are_those_of_the_layer():
    layer = torch.nn.ConvTranspose2d(3, 5, 4, 2, 1, output_padding=1, bias=False)
    eye = torch.eye(3 * 9).view(-1, 3, 3, 3)
    with torch.no_grad():
        wanted = float(torch.linalg.matrix_norm(layer(eye).flatten(1), ord=2))
    found, exact = convolution_norm(
        layer.weight, (3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1), transposed=True
    )
    assert exact
    assert found == pytest.approx(wanted, rel=1e-5)


def test_a_matrix_s_norm_is_its_greatest_singular_value():
    a = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    assert matrix_norm(a) == pytest.approx(float(torch.linalg.matrix_norm(a, ord=2)), rel=1e-5)
