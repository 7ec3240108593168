"""The inverse of a complex symmetric matrix by halves: nearly all of the work is products of real matrices.

With A = [[a, b], [bᵀ, d]] and the Schur complement s = d − bᵀ a^{-1} b,

    A^{-1} = [[a^{-1} + v wᵀ, −v], [−vᵀ, s^{-1}]],    w = a^{-1} b,  v = w s^{-1}.

Symmetry saves a third of an LU's work, three real products for one complex product (Gauss) a quarter more. Halves are
not pivoted: where the imaginary part is definite every one of them is regular. A matrix whose inverse fails the check
at a fixed vector is handed to LAPACK's pivoting.
"""

from __future__ import annotations

import torch

LEAST = 128
_WRONG = 1e-10

_Pair = tuple[torch.Tensor, torch.Tensor]


def symmetric_inverse(matrix: torch.Tensor) -> torch.Tensor:
    """Return A^{-1} of a symmetric (r, r) matrix, real or complex, to about 1e-10 in its residual at a vector.

    Raises:
        torch.linalg.LinAlgError: A is singular.
    """
    if len(matrix) <= LEAST:
        return torch.linalg.inv(matrix)
    found = torch.complex(*_halves(matrix.real, matrix.imag)) if matrix.is_complex() else _definite(matrix)
    return found if found is not None and _holds(matrix, found) else torch.linalg.inv(matrix)


def _definite(matrix: torch.Tensor) -> torch.Tensor | None:
    """Return the inverse of a negative definite matrix, as it is beyond the spectrum; None where it is not."""
    root, info = torch.linalg.cholesky_ex(-matrix)
    return None if int(info) else -torch.cholesky_inverse(root)


def _halves(real: torch.Tensor, imaginary: torch.Tensor) -> _Pair:
    if len(real) <= LEAST:
        small = torch.linalg.inv_ex(torch.complex(real, imaginary)).inverse
        return small.real, small.imag
    half = len(real) // 2
    corner = _halves(real[:half, :half], imaginary[:half, :half])
    side = real[:half, half:], imaginary[:half, half:]
    w = _product(corner, side)
    drop = _product((side[0].T, side[1].T), w)
    last = _halves(real[half:, half:] - drop[0], imaginary[half:, half:] - drop[1])
    v = _product(w, last)
    gain = _product(v, (w[0].T, w[1].T))
    whole = torch.empty_like(real), torch.empty_like(real)
    for part, out in enumerate(whole):
        out[:half, :half] = corner[part] + gain[part]
        out[:half, half:] = -v[part]
        out[half:, :half] = -v[part].T
        out[half:, half:] = last[part]
    return whole


def _product(left: _Pair, right: _Pair) -> _Pair:
    both = left[0] @ right[0]
    cross = left[1] @ right[1]
    sums = (left[0] + left[1]) @ (right[0] + right[1])
    return both - cross, sums.sub_(both).sub_(cross)


def _holds(matrix: torch.Tensor, inverse: torch.Tensor) -> bool:
    """Return whether A (A^{-1} u) = u for a vector u without structure."""
    u = torch.sin(torch.arange(1.0, len(matrix) + 1, dtype=torch.float64, device=matrix.device)).to(matrix.dtype)
    return bool((matrix @ (inverse @ u) - u).abs().max() <= _WRONG)
