"""What one matrix product says about the distances in a block, and which pairs it leaves open."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from didlearn.neighbors.screening.rows import TINY

TILE = 128  # columns whose minimum is looked at first: a minimum is far cheaper than a comparison that writes
_GROUP = 1 << 11  # tiles looked into at once


def padded_width(columns: int) -> int:
    """Return the columns rounded up to an odd number of tiles.

    Odd: rows a power of two apart would share the same few cache lines.
    """
    return (-(-columns // TILE) | 1) * TILE


class Room:
    """Memory for one block after another: fresh memory costs as much as what is written to it."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self._held = torch.empty(0, dtype=dtype, device=device)

    def take(self, rows: int, columns: int) -> torch.Tensor:
        """Return (rows, columns), whose values are anything, valid until the next call."""
        if self._held.numel() < rows * columns:
            self._held = self._held.new_empty(rows * columns)
        return self._held[: rows * columns].view(rows, columns)

    def padded(self, rows: int, columns: int) -> torch.Tensor:
        """Return (rows, columns), each rounded up to whole tiles or more, infinite beyond them."""
        space = self.take(-(-rows // TILE) * TILE, padded_width(columns))
        space[:, columns:] = math.inf
        space[rows:] = math.inf
        return space


def least_across(padded: torch.Tensor) -> torch.Tensor:
    """Return the least of each column and tile of rows, (m, s)."""
    return padded.unflatten(0, (-1, TILE)).amin(1).T


class Minima:
    """The least of padded bounds in each tile, found piece by piece while they are still in a core's cache."""

    def __init__(self, padded: torch.Tensor) -> None:
        rows, columns = padded.shape
        self.padded = padded
        self._least, self._across = padded.new_empty(rows, columns // TILE), padded.new_empty(rows // TILE, columns)

    def see(self, start: int, stop: int) -> None:
        """Look at some rows: whole tiles of them, or all to the last."""
        stop = -(-stop // TILE) * TILE
        piece, tiles = self.padded[start:stop], slice(start // TILE, stop // TILE)
        torch.amin(piece.unflatten(1, (-1, TILE)), -1, out=self._least[start:stop])
        torch.amin(piece.unflatten(0, (-1, TILE)), 1, out=self._across[tiles])

    def within(self, rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the least of each row and tile, (rows, t), and of each column and tile of rows, (columns, s)."""
        return self._least[:rows], self._across.T[:columns]


@dataclass
class Bounds:
    """Lower bounds of the squared distances between the coordinates of a block's rows.

    Pairs that do not count are hidden: their bounds are set to infinity.

    Attributes:
        padded: (n, m), each rounded up to whole tiles or more, infinite beyond them.
        error_i, error_j: (n,) and (m,) float64, errors of the coordinates, as distances.
        doubt_i, doubt_j: (n,) and (m,) float64, in sum how far a bound may lie below the squared distance between
            coordinates.
        tight: whether the coordinates are all there are, so that distances are bounded from above too.
        least: (n, t), the least bound of each row and tile, and least_across: (m, s) of each column and tile of rows,
            where they were found together with the bounds.
        room: where the bounds of a view are copied to before pairs are hidden among them.
    """

    padded: torch.Tensor
    error_i: torch.Tensor
    error_j: torch.Tensor
    doubt_i: torch.Tensor
    doubt_j: torch.Tensor
    tight: bool = True
    least: torch.Tensor | None = None
    least_across: torch.Tensor | None = None
    room: Room | None = None

    def turned(self, room: Room) -> Bounds:
        """Return the bounds with columns for rows: a view, to be done with before pairs are hidden in these.

        Where it hides pairs itself, it moves into ``room`` first, and these stay as they are.
        """
        errors = self.error_j, self.error_i, self.doubt_j, self.doubt_i
        return Bounds(self.padded.T, *errors, self.tight, self.least_across, self.least, room)

    def hide(self, hidden: torch.Tensor, rows: slice = slice(None)) -> None:
        """Leave pairs of some rows out, (rows, m) or (m,)."""
        self._move()
        self.lower[rows].masked_fill_(hidden, math.inf)
        self._renew(rows)

    def told(self, rows: slice, inner: torch.Tensor, outer: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return which pairs of some rows lie at or below ``inner``, (n,), and which of the others below ``outer``."""
        lower = self.lower[rows]
        sure = lower <= inner[rows, None]
        return sure, (lower <= outer[rows, None]) ^ sure

    def put(self, rows: torch.Tensor, lower: torch.Tensor) -> None:
        """Set all bounds of some rows, (rows, m), some of which were hidden."""
        self._move()
        self.lower[rows] = lower
        self._renew(rows)

    def hide_pairs(self, row: torch.Tensor, column: torch.Tensor) -> None:
        """Leave some pairs out, one of a row."""
        self._move()
        self.lower[row, column] = math.inf
        if self.least is not None:
            tile = column // TILE
            self.least[row, tile] = self.tiles[row, tile].amin(-1)

    def _renew(self, rows: slice | torch.Tensor) -> None:
        if self.least is not None:
            self.least[rows] = self.tiles[rows].amin(-1)

    def _move(self) -> None:
        """Copy the bounds of a view, whose owner would hide the same pairs."""
        if self.room is None:
            return
        space = self.room.padded(*self.lower.shape)
        for start in range(0, self.height, TILE):  # rows that stay in the cache while they are read column by column
            rows = slice(start, min(start + TILE, self.height))
            space[rows, : self.width] = self.lower[rows]
        self.padded, self.room = space, None
        if self.least is not None:
            self.least = self.tiles.amin(-1)

    @property
    def doubt(self) -> torch.Tensor:
        """(n,) float64, how far any bound of a row may lie below."""
        return self.doubt_i + self.doubt_j.max()

    @property
    def height(self) -> int:
        """How many rows, n."""
        return len(self.error_i)

    @property
    def width(self) -> int:
        """How many columns, m."""
        return len(self.error_j)

    @property
    def lower(self) -> torch.Tensor:
        """The bounds, (n, m), to be read."""
        return self.padded[: self.height, : self.width]

    @property
    def tiles(self) -> torch.Tensor:
        """The bounds of each row tile by tile, (n, t, TILE)."""
        return self.padded[: self.height].unflatten(1, (-1, TILE))

    def minima(self) -> torch.Tensor:
        """Return the least bound of each row and tile, (n, t)."""
        if self.least is None:
            self.least = self.tiles.amin(-1) if self.room is None else least_across(self.padded.T)[: self.height]
        return self.least

    def smallest(self, k: int) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Return ``k`` small bounds of each row and their columns, (n, k) ascending; ``None`` for fewer columns.

        The smallest is among them; the others are the least of other tiles, which is nearly as good and far cheaper.
        """
        minima = self.minima()
        if minima.shape[1] < k:
            if self.width < k:
                return None
            values, column = self.lower.topk(k, largest=False)
            return values, column
        values, tile = minima.topk(k, largest=False)
        place = self.tiles[torch.arange(self.height, device=tile.device)[:, None], tile].argmin(-1)
        return values, tile * TILE + place

    def kth(self, k: int) -> torch.Tensor | None:
        """Return a bound of each row that ``k`` of its bounds do not exceed, (n,); ``None`` for fewer columns."""
        minima = self.minima()
        if minima.shape[1] < k and self.width < k:
            return None
        values = self.lower if minima.shape[1] < k else minima
        return values.kthvalue(k, dim=1).values

    def inner(self, limit: torch.Tensor) -> torch.Tensor:
        """Return (n,) such that a pair with ``lower`` at or below it has distance ``limit`` or less."""
        room = limit - self.error_i - self._error()
        square = room.square() * self._slack(-1) - self.doubt - TINY
        return self._cast(torch.where(room > 0, square, -math.inf))

    def outer(self, limit: torch.Tensor) -> torch.Tensor:
        """Return (n,) such that a pair at distance ``limit`` or less has ``lower`` at or below it."""
        return self._threshold(limit + self.error_i + self._error())

    def upper(self, lower: torch.Tensor) -> torch.Tensor:
        """Return upper bounds of the distances where ``lower`` holds one bound per row, float64."""
        above = ((lower.double().clamp_(min=0) + self.doubt) * self._slack(1) + TINY).sqrt()
        return above + self.error_i + self._error()

    def alive(self, limit: torch.Tensor) -> torch.Tensor:
        """Return the rows and tiles, (a, 2), that may hold a pair within ``limit``, (n,)."""
        reach = limit + self.error_i
        return (self.minima() <= self._threshold(reach[:, None] + self._tiled().amax(-1))).nonzero()

    def pairs(self, limit: torch.Tensor, alive: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
        """Yield (row, column, lower bound of the distance) of the pairs that may lie within ``limit``."""
        tiles, reach, error_j = self.tiles, limit + self.error_i, self._tiled()
        for group in alive.split(_GROUP):
            row, tile = group.unbind(1)
            values, far = tiles[row, tile], self._threshold(reach[row] + error_j[tile].amax(1))
            near, place = (values <= far[:, None]).nonzero(as_tuple=True)
            row, column = row[near], tile[near] * TILE + place
            own = (values[near, place] <= self._threshold(reach[row] + self.error_j[column])).nonzero().flatten()
            row, column = row[own], column[own]
            yield row, column, self.below(row, column)

    def above(self, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        """Return upper bounds of the distances of some pairs of the block, float64."""
        square = self.padded[row, column].double().clamp_(min=0) + self.doubt_i[row] + self.doubt_j[column]
        return (square * self._slack(1) + TINY).sqrt() + self.error_i[row] + self.error_j[column]

    def below(self, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        """Return lower bounds of the distances of some pairs of the block, float64."""
        square = self.padded[row, column].double().clamp_(min=0)
        return (square.sqrt() * self._slack(-1) - self.error_i[row] - self.error_j[column]).clamp_(min=0)

    def _error(self) -> torch.Tensor:
        return self.error_j.max()

    def _tiled(self) -> torch.Tensor:
        error = self.error_j.new_zeros(self.padded.shape[1])
        error[: self.width] = self.error_j
        return error.view(-1, TILE)

    def _threshold(self, distance: torch.Tensor) -> torch.Tensor:
        return self._cast(distance.square() * self._slack(1) + TINY)

    def _slack(self, sign: int) -> float:
        return 1 + sign * (1e-6 if self.padded.dtype == torch.float32 else 1e-9)

    def _cast(self, values: torch.Tensor) -> torch.Tensor:
        # Infinity marks pairs that do not count, so no threshold may reach it.
        return values.to(self.padded.dtype).clamp_(max=torch.finfo(self.padded.dtype).max)
