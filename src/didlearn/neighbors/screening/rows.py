"""The rows whose distances are asked for: validated, left where they are, and converted block by block.

Screening works on ``z = factor · x - centre`` in float32, which is never stored for all rows at once. Two other
distances come straight from the rows as given: ``interval`` (float32 differences, a rigorous interval) and
``distance`` (float64 differences; what the public functions return). The float64 sum runs over one contiguous row
at a time, so that a pair's distance does not depend on which other pairs are computed with it.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias, cast

import numpy as np
import torch

from didlearn.arrays import Array, ArrayOrTensor, BytePoints, Floats
from didlearn.errors import DataError
from didlearn.neighbors.screening.integers.byte_form import ByteForm, Rounding
from didlearn.neighbors.screening.threads import share
from didlearn.parallel import single_threaded

RowIndex = slice | torch.Tensor

_SAMPLE = 1024  # rows that stand for all when the centre and the leading components are chosen
_SAFE = (2.0**-20, 2.0**40)  # largest absolute values whose squares need no scaling in float32
_GATHER = 1 << 22  # bytes of gathered rows that stay in a core's cache
_WIDENED = (
    1 << 23
)  # in float64, which is written several times: larger, since threads wait for one another between steps
_PIECE = 64  # rows converted at once where that takes memory: fresh memory costs more than what is written to it
_SUMMED = 128  # differences summed in one go: the rounding bound grows with it and with how many there are
TINY = 2.0**-100  # above what float32 underflow can add to a squared distance of scaled rows


@dataclass(frozen=True, eq=False)
class Rows:
    """N points in D dimensions.

    Attributes:
        raw: (N, D) float32, float64 or uint8, as given; of ``BytePoints`` what they store.
        scale: what distances are multiplied by, so that the largest value is near one; 1 where the values are harmless.
        factor: a power of two that brings what is stored to that scale: the same, but where bytes stand for fractions.
        centre: (D,) near the mean of ``factor · raw``; float32 unless every input was float64.
        shared: the same rows as bytes, as far as others that hold them found out.
    """

    raw: torch.Tensor
    scale: float
    factor: float
    centre: torch.Tensor
    shared: ByteForm | None = None

    @cached_property
    def form(self) -> ByteForm:
        """The values as bytes, where they are."""
        return self.shared if self.shared is not None and self.shared.raw is self.raw else ByteForm(self.raw)

    def __len__(self) -> int:
        return self.raw.shape[0]

    @property
    def width(self) -> int:
        """The dimension D."""
        return self.raw.shape[1]

    @cached_property
    def byte_unit(self) -> float | None:
        """What all values are multiples b of, 0 <= b <= 255, in scaled units and up to rounding; ``None`` of others.

        1 or 1/255: bytes, or what was made of bytes.
        """
        if self.raw.dtype == torch.uint8:
            return self.factor
        return None if self.factor != 1 or self.form.steps is None else 1 / self.form.steps

    @cached_property
    def rounded(self) -> Rounding:
        """The centred values rounded to 8-bit integers."""
        load = partial(self.load, columns=slice(0, self.width), dtype=torch.float32)
        return Rounding(load, partial(conversion_error, torch.float32), len(self), self.width, self.raw.device)

    def load(self, index: RowIndex, columns: slice, dtype: torch.dtype, spare: int = 0) -> torch.Tensor:
        """Return ``factor · x - centre`` for some rows and columns, (n, d + spare); the spare columns are not set."""
        chosen = self.raw[index, columns] if isinstance(index, slice) else index
        out = torch.empty(len(chosen), columns.stop - columns.start + spare, dtype=dtype, device=self.raw.device)
        wide = torch.promote_types(self.raw.dtype, dtype)
        centre = self.centre[columns].to(wide)
        plain = isinstance(index, slice) and wide == self.raw.dtype and self.factor == 1
        piece = max(1, len(chosen)) if plain else _PIECE
        for part, place in zip(chosen.split(piece), out[:, : len(centre)].split(piece), strict=True):
            block = part if isinstance(index, slice) else self._some(part.to(self.raw.device), columns)
            torch.sub(self._scaled(block, wide), centre, out=place)
        return out

    def _some(self, index: torch.Tensor, columns: slice) -> torch.Tensor:
        whole = columns.stop - columns.start == self.width
        return self.raw.index_select(0, index) if whole else self.raw[index, columns]

    def interval(self, i: torch.Tensor, other: Rows, j: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Bound the distances between rows ``i`` of this and ``j`` of the other, in scaled units, from both sides."""
        unit = 2.0**-24
        bytes_each = 2 * self.width * max(4, self.raw.element_size())
        step = max(1, _GATHER // bytes_each)
        pairs = zip(i.split(step), j.split(step), strict=True)
        squares = share(lambda pair: self._square(pair[0], other, pair[1]), pairs)
        distance = torch.cat(squares).double().sqrt() if squares else torch.empty(0, device=i.device).double()
        slack = 1.01 * unit * (min(self.width, _SUMMED) + self.width // _SUMMED + 8)
        tiny = math.sqrt(TINY)
        return distance * (1 - slack) - tiny, distance * (1 + slack) + tiny

    def _square(self, i: torch.Tensor, other: Rows, j: torch.Tensor) -> torch.Tensor:
        wide = torch.promote_types(torch.promote_types(self.raw.dtype, other.raw.dtype), torch.float32)
        left = self._scaled(self.raw.index_select(0, i), wide)
        right = self._scaled(other.raw.index_select(0, j), wide)
        difference = left.sub_(right).float()
        whole = self.width // _SUMMED * _SUMMED
        spans, rest = difference[:, :whole].unflatten(1, (-1, _SUMMED)), difference[:, whole:]
        return torch.linalg.vecdot(spans, spans).sum(1) + torch.linalg.vecdot(rest, rest)

    def _scaled(self, block: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        # The factor itself may lie beyond float32.
        return (block if self.factor == 1 else block.double() * self.factor).to(dtype)

    def distance(self, i: torch.Tensor, other: Rows, j: torch.Tensor) -> Floats:
        """Return the distances in scaled units: the square root of the float64 sum of squared differences."""
        step = max(1, _WIDENED // (8 * self.width))
        pairs = zip(i.split(step), j.split(step), strict=True)
        parts = share(lambda pair: self._distance(pair[0], other, pair[1]), pairs)
        return np.concatenate(parts) if parts else np.empty(0)

    def _distance(self, i: torch.Tensor, other: Rows, j: torch.Tensor) -> Floats:
        left, right = (rows.raw.index_select(0, index).cpu().numpy() for rows, index in ((self, i), (other, j)))
        if self.factor != 1:
            left, right = (side.astype(np.float64) * self.factor for side in (left, right))
        difference = np.subtract(left, right, dtype=np.float64)  # each widened first
        return np.sqrt(np.add.reduce(np.square(difference, out=difference), axis=1))


AnyRows: TypeAlias = "ArrayOrTensor | Rows"


def as_rows(*arrays: AnyRows, device: str | torch.device | None = None) -> list[Rows]:
    """Bring arrays of points to one scale and one centre.

    Args:
        *arrays: (N, D) points or (N, C, H, W) images each; numpy or torch; float32, float64 or uint8 are used as they
            are, other real types are converted. Rows that were brought together before are returned as they are: what
            several searches find out about them is found once.
        device: where to work; unless given, the device of the first array that is not on the CPU.

    Raises:
        DataError: an array is not of two or more dimensions, holds NaN or infinity, or the widths differ.
    """
    ready = [array for array in arrays if isinstance(array, Rows)]
    if len(ready) == len(arrays):
        return ready
    arrays = cast("tuple[ArrayOrTensor, ...]", arrays)
    if device is None:
        device = next((a.device for a in arrays if isinstance(a, torch.Tensor) and a.device.type != "cpu"), None)
    in_bytes = all(isinstance(array, BytePoints) for array in arrays)
    raws = [_matrix(array.stored if in_bytes and isinstance(array, BytePoints) else array, device) for array in arrays]
    widths = sorted({raw.shape[1] for raw in raws})
    if len(widths) > 1:
        raise DataError(f"points of {widths[0]} and of {widths[-1]} values cannot be compared; give the same shape")
    factor = _scale(max(_largest(raw) for raw in raws))
    centre = _centre(raws[-1], factor)
    if any(raw.dtype != torch.float64 for raw in raws):
        centre = centre.float()
    scale = factor * BytePoints.unit if in_bytes else factor
    known = {_memory(raw): ByteForm(raw) for raw in raws}  # one of what is given twice
    forms = [known[_memory(raw)] for raw in raws]
    return [Rows(form.raw, scale, factor, centre, form) for form in forms]


def conversion_error(dtype: torch.dtype, norm: torch.Tensor) -> torch.Tensor:
    """Bound how far rows of some norms lie from ``factor · x - centre`` by its rounding, (n,)."""
    return 2 * torch.finfo(dtype).eps * norm + math.sqrt(TINY)


def _memory(raw: torch.Tensor) -> tuple[object, ...]:
    return raw.data_ptr(), raw.shape, raw.stride(), raw.dtype, raw.device


def spread_rows(count: int, most: int = _SAMPLE) -> torch.Tensor:
    """Return at most ``most`` row numbers, evenly spread over ``count`` rows."""
    size = min(count, most)
    return (torch.arange(size) * count) // max(1, size)


def _matrix(array: ArrayOrTensor, device: str | torch.device | None) -> torch.Tensor:
    tensor = array.detach() if isinstance(array, torch.Tensor) else _from_numpy(np.asarray(array))
    if tensor.ndim < 2:
        raise DataError(f"want points (N, D) or images (N, C, H, W), got shape {tuple(tensor.shape)}")
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    elif tensor.is_complex():
        raise DataError(f"want real numbers, got {tensor.dtype}")
    elif tensor.dtype not in (torch.float32, torch.float64, torch.uint8):
        tensor = tensor.double()
    flat = tensor.reshape(tensor.shape[0], math.prod(tensor.shape[1:])).contiguous()
    if flat.shape[1] == 0:
        flat = torch.zeros(flat.shape[0], 1)
    return flat if device is None else flat.to(device)


def _from_numpy(array: Array) -> torch.Tensor:
    if array.dtype.kind not in "biuf":
        raise DataError(f"want real numbers, got an array of {array.dtype}")
    if array.dtype not in (np.float16, np.float32, np.float64, np.uint8) or not array.dtype.isnative:
        array = array.astype(np.float64)
    with warnings.catch_warnings():
        # A read-only array (a memory map, say) is fine: nothing here writes to it.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def _largest(raw: torch.Tensor) -> float:
    if raw.numel() == 0:
        return 0.0
    low, high = (float(bound) for bound in torch.aminmax(raw))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DataError("the points hold NaN or infinity; remove or replace them before asking for distances")
    return max(-low, high)


def _scale(largest: float) -> float:
    if largest == 0 or _SAFE[0] <= largest <= _SAFE[1]:
        return 1.0
    return math.ldexp(1.0, min(max(-math.frexp(largest)[1], -1000), 1000))


def _centre(raw: torch.Tensor, factor: float) -> torch.Tensor:
    if len(raw) == 0:
        return torch.zeros(raw.shape[1], dtype=torch.float64, device=raw.device)
    sample = spread_rows(len(raw)).to(raw.device)
    total = torch.zeros(raw.shape[1], dtype=torch.float64, device=raw.device)
    with single_threaded():  # threads wait for one another longer than they work
        for part in sample.split(_PIECE):
            rows = raw.index_select(0, part)
            plain = factor == 1 and rows.is_floating_point()  # near the mean is near enough
            total += rows.sum(0) if plain else (rows.double() * factor).sum(0)
    return total / len(sample)
