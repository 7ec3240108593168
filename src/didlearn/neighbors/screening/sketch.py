"""A few coordinates per row whose distances never exceed the true ones.

For any contraction ``V'`` (``‖V'x‖ ≤ ‖x‖``) let ``r(x) = √(‖x‖² - ‖V'x‖²)``. Then

    ``‖x - y‖² ≥ ‖V'x - V'y‖² + (r(x) - r(y))²``

because ``‖x‖² - ‖V'x‖² = ‖M^½ x‖²`` with ``M = I - VV'`` and the triangle inequality holds for ``M^½``. With ``V`` the
leading principal components of a sample, most pairs of natural images are told apart by a few dozen numbers.
"""

from __future__ import annotations

import math
from copy import copy
from functools import cached_property
from threading import Lock

import torch

from didlearn.neighbors.screening.rows import TINY, RowIndex, Rows, spread_rows
from didlearn.neighbors.screening.threads import share, slices
from didlearn.parallel import single_threaded
from didlearn.rng import torch_generator

SKETCHED_ROWS = 1024  # rows sketched at once
SUMMED_COLUMNS = 128  # columns summed in one go: the rounding bound grows with it and with how many there are
LOADED_COLUMNS = 32 * SUMMED_COLUMNS  # columns loaded at once
_UNIT = 2.0**-24
_OVERSAMPLE = 16
_FORETOLD = 256  # rows from which directions are taken, and as many that they are tried on


class Components:
    """A contraction (D, count) that spans about the leading principal components of a sample of the rows.

    Two rounds of subspace iteration are enough: any contraction gives a valid bound, a better one prunes more.
    """

    def __init__(self, rows: Rows, count: int) -> None:
        self.rows, self.count = rows, count

    @cached_property
    def _sample(self) -> torch.Tensor:
        """Rows that stand for all."""
        return self.rows.load(spread_rows(len(self.rows)), slice(0, self.rows.width), torch.float32)

    @cached_property
    def reach(self) -> float:
        """Root mean square distance of two rows in such components, foretold by a few rows before they are found.

        The leading directions of one half of them hold of the other half what they hold of any row.
        """
        some = self._sample[:: -(-len(self._sample) // (2 * _FORETOLD))]
        half, other = some[::2], some[1::2]
        with single_threaded():
            _, turn = torch.linalg.eigh(half @ half.T)
            basis = torch.linalg.qr(half.T @ turn[:, -self.count :]).Q
            return math.sqrt(2 * float((other @ basis).double().square().sum(1).mean()))

    @cached_property
    def matrix(self) -> torch.Tensor:
        """The contraction, found when it is first needed."""
        sample = self._sample
        vars(self).pop("_sample", None)  # two threads may come here: since Python 3.12 nothing keeps them apart
        generator = torch_generator(0, "neighbors", "components", self.count)
        start = torch.randn(len(sample), self.count + _OVERSAMPLE, generator=generator).to(sample.device)
        # Threads that meet after every column of a small factorization wait longer than they work.
        with single_threaded():
            basis = torch.linalg.qr(sample.T @ start).Q
            for _ in range(2):
                basis = torch.linalg.qr(sample.T @ (sample @ basis)).Q
            _, _, turn = torch.linalg.svd(sample @ basis, full_matrices=False)
            return _contraction(basis @ turn[: self.count].T)


def _contraction(basis: torch.Tensor) -> torch.Tensor:
    gram = basis.double().T @ basis.double()
    excess = torch.linalg.matrix_norm(gram - torch.eye(len(gram), device=gram.device, dtype=gram.dtype))
    return basis / (1 + float(excess) + 4 * _UNIT)


class Sketch:
    """``(V'z, r(z))`` for every row, computed when a block is first asked for.

    Attributes:
        width: the number of coordinates, components and one more.
        error: (N,) float64, how far each computed sketch may lie from the true one.
    """

    dtype = torch.float32
    tight = False

    def __init__(self, rows: Rows, components: Components) -> None:
        self.rows, self.components = rows, components
        self.width = components.count + 1
        self.values = torch.empty(len(rows), self.width, device=rows.raw.device)
        self.errors = torch.empty(len(rows), dtype=torch.float64, device=rows.raw.device)
        self.lock = Lock()
        self.locks = [Lock() for _ in range(-(-len(rows) // SKETCHED_ROWS))]
        self.done = [False] * len(self.locks)

    @property
    def device(self) -> torch.device:
        """Where the rows are."""
        return self.rows.raw.device

    def load(self, index: RowIndex, columns: slice, spare: int) -> torch.Tensor:
        """Return the sketches of some rows, (n, d + spare)."""
        self._prepare(index)
        block = self.values[index, columns]
        out = torch.empty(block.shape[0], block.shape[1] + spare, device=block.device)
        out[:, : block.shape[1]] = block
        return out

    def error(self, index: RowIndex, norm: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 (known since the sketching)
        """Return the bound on the sketches' own errors, (n,)."""
        return self.errors[index]

    def reach(self) -> float:
        """Return how far two rows typically lie apart in the leading components."""
        return self.components.reach

    def complete(self) -> Sketch:
        """Find all of them, on all threads."""
        share(torch.inference_mode()(self._prepare), slices(0, len(self.rows), SKETCHED_ROWS))
        return self

    def sorted(self, order: torch.Tensor) -> Sketch:
        """Return complete ones of the rows in another order."""
        twin = copy(self)
        twin.values, twin.errors = self.values[order], self.errors[order]
        return twin

    def _prepare(self, index: RowIndex) -> None:
        if isinstance(index, slice):
            blocks = list(range(index.start // SKETCHED_ROWS, -(-index.stop // SKETCHED_ROWS)))
        else:
            blocks = torch.unique(index // SKETCHED_ROWS).tolist()
        with self.lock:
            _ = self.components.matrix
        for block in blocks:
            with self.locks[block]:
                if not self.done[block]:
                    self._compute(slice(block * SKETCHED_ROWS, min((block + 1) * SKETCHED_ROWS, len(self.rows))))
                    self.done[block] = True

    def _compute(self, index: slice) -> None:
        width, components = self.rows.width, self.width - 1
        projected = torch.zeros(index.stop - index.start, components, device=self.values.device)
        square = torch.zeros(len(projected), dtype=torch.float64, device=self.values.device)
        for start in range(0, width, LOADED_COLUMNS):
            columns = slice(start, min(start + LOADED_COLUMNS, width))
            z, basis = self._spans(index, columns)
            square += torch.linalg.vector_norm(z, dim=2).double().square().sum(1)
            projected += torch.bmm(z.transpose(0, 1), basis).sum(0)
        unit = _UNIT * (SUMMED_COLUMNS + width // SUMMED_COLUMNS + width // LOADED_COLUMNS + 16)
        norm = square.sqrt() * (1 + unit)
        leading = math.sqrt(components) * unit * norm
        rest = (square - projected.double().square().sum(1)).clamp_(min=0)
        doubt = unit * square + 2 * leading * norm + leading.square()
        residual = rest.sqrt()
        below = residual - (rest - doubt).clamp_(min=0).sqrt()
        above = (rest + doubt).sqrt() - residual
        self.values[index, :components] = projected
        self.values[index, components] = residual.float()
        self.errors[index] = torch.hypot(leading, torch.maximum(below, above)) + 3 * _UNIT * norm + math.sqrt(TINY)

    def _spans(self, index: slice, columns: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Return rows (n, s, SPAN) and basis (s, SPAN, m) cut into spans, padded with zeros."""
        basis = self.components.matrix[columns]
        missing = -len(basis) % SUMMED_COLUMNS
        z = self.rows.load(index, columns, torch.float32, missing)
        z[:, len(basis) :] = 0
        basis = torch.nn.functional.pad(basis, (0, 0, 0, missing))
        return z.view(len(z), -1, SUMMED_COLUMNS), basis.view(-1, SUMMED_COLUMNS, basis.shape[1])
