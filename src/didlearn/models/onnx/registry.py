"""What an operator is here, and the table that they are entered in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch

Attributes = Mapping[str, Any]
Inputs = Sequence[torch.Tensor | None]
Operator = Callable[[Inputs, Attributes], object]
"""From inputs, ``None`` where an optional one is left out, and attributes, to a tensor or a tuple of them."""

OPERATORS: Final[dict[str, Operator]] = {}


class UnknownOperatorError(Exception):
    """A graph holds an operator, or a form of one, that is not known here."""


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Enter a function into the table under these names."""

    def enter(function: Operator) -> Operator:
        for name in names:
            OPERATORS[name] = function
        return function

    return enter


def given(inputs: Inputs, place: int) -> torch.Tensor | None:
    """Return an optional input, ``None`` where it is left out."""
    return inputs[place] if place < len(inputs) else None


def needed(inputs: Inputs, place: int) -> torch.Tensor:
    """Return an input that must be there.

    Raises:
        ValueError: it is not.
    """
    value = given(inputs, place)
    if value is None:
        raise ValueError(f"its input {place} is missing")
    return value


def integers_of(value: torch.Tensor) -> list[int]:
    """Return a tensor of whole numbers as a list."""
    return [int(number) for number in value.reshape(-1).tolist()]


def axes_of(inputs: Inputs, attributes: Attributes, place: int = 1) -> list[int] | None:
    """Return the axes that an operator works on: an input of newer versions of the standard, an attribute before."""
    value = given(inputs, place)
    if value is not None:
        return integers_of(value) or None
    return list(attributes["axes"]) if "axes" in attributes else None
