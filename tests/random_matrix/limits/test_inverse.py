"""Inverses of symmetric matrices by halves against LAPACK's.

Mistakes seen: a transposed block, a conjugate where there is none, a wrong inverse let through where a half is
singular.
"""

import numpy as np
import pytest
import torch

from didlearn.random_matrix.limits.inverse import LEAST, symmetric_inverse


def symmetric(size, seed):
    matrix = torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return matrix @ matrix.T / size


@pytest.mark.parametrize("size", [1, LEAST, LEAST + 1, 2 * LEAST + 37])
def test_complex_and_definite_matrices_are_inverted(size):
    definite = -symmetric(size, 0) - 0.1 * torch.eye(size)
    for matrix in (definite, torch.complex(symmetric(size, 1) - torch.eye(size), definite)):
        np.testing.assert_allclose(symmetric_inverse(matrix) @ matrix, np.eye(size), atol=1e-10)


def test_singular_halves_and_indefinite_matrices_are_left_to_pivoting():
    half = LEAST
    swap = torch.zeros(2 * half, 2 * half, dtype=torch.float64)
    swap[:half, half:] = swap[half:, :half] = torch.eye(half)
    for matrix in (swap, torch.complex(swap, 0 * swap), torch.complex(0 * swap, swap)):
        np.testing.assert_allclose(symmetric_inverse(matrix) @ matrix, np.eye(2 * half), atol=1e-12)
