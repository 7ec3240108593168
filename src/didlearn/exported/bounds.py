"""Ends to what a program makes, told from shapes before a byte is taken.

A program knows the sizes it is given and may do as it likes with them, so that what ran on one batch says nothing about
another. Before it runs on inputs of shapes that no trial has seen it runs on tensors that have shapes alone (torch's
``meta`` device, whose first use takes seconds), and every tensor is counted that an operator makes on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode

MOST_NUMBER: Final = 2**48
PER_ITEM: Final = 2**29
"""Numbers in all tensors that a program makes on the way, views too, for each item of the batch."""
_PER_WEIGHT: Final = 8
"""And for each number of its weights, which are turned and reshaped on the way."""


@dataclass
class Budget:
    """What is still to be spent on a batch.

    Attributes:
        left: numbers that tensors may still hold.
    """

    left: int

    @classmethod
    def of(cls, inputs: Sequence[torch.Tensor], weights: Iterable[torch.Tensor]) -> Budget:
        """Return what may be spent on a batch of inputs."""
        batch = max(1, inputs[0].shape[0] if inputs[0].ndim else 1)
        return cls(PER_ITEM * batch + _PER_WEIGHT * sum(weight.numel() for weight in weights))

    def take(self, value: object) -> None:
        """Count what an operator made.

        Raises:
            OverflowError: an integer is too large, or the tensors so far hold too many numbers.
        """
        if isinstance(value, torch.Tensor):
            self.left -= value.numel()
            if self.left < 0:
                raise OverflowError(f"tensors of more than 2**{PER_ITEM.bit_length() - 1} numbers for each input")
        elif isinstance(value, list | tuple):
            for part in value:
                self.take(part)
        elif isinstance(value, int) and abs(value) >= MOST_NUMBER:
            raise OverflowError(f"an integer of 2**{MOST_NUMBER.bit_length() - 1} or more")


class Counting(TorchDispatchMode):
    """While entered, whatever an operator or its parts make counts."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.budget = budget

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        """Call the operator and count."""
        result = func(*args, **(kwargs or {}))
        self.budget.take(result)
        return result


def shapes_of(tensors: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return tensors of the same shapes, strides and types that hold nothing."""
    return [torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device="meta") for t in tensors]
