"""Results with fields as arrays and back, by their annotations: nothing in a file says what is made of it."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from didlearn.arrays import Array
from didlearn.units.records import Arrays, records_in

T = TypeVar("T")
_TEXT = "json"
_ARRAY = "array"


def kept_result(
    folder: Path | None,
    kind: type[T],
    make: Callable[[], T],
    arrays: Mapping[str, Array | None],
    settings: Mapping[str, object],
) -> T:
    """Return what is kept of a result, or make it and keep it.

    Args:
        folder: where finished units are kept; without one it is made. kind: a dataclass of arrays, numbers, texts,
            further ones, and dicts, tuples and ``None`` of these. make: makes it.
        arrays, settings: all that it depends on.
    """
    records = records_in(folder, kind.__name__, arrays, settings)
    if records is None:
        return make()
    known = records.read(0)
    if known is not None:
        return from_arrays(kind, known)
    made = make()
    records.write(0, to_arrays(made))
    return made


def to_arrays(value: object) -> Arrays:
    """Return the arrays of a value, and as text what else there is."""
    arrays: Arrays = {}
    text = json.dumps(_plain(value, arrays))
    return arrays | {_TEXT: np.frombuffer(text.encode(), np.uint8)}


def _plain(value: Any, arrays: Arrays) -> Any:
    if isinstance(value, np.ndarray):
        name = f"{_ARRAY}{len(arrays)}"
        arrays[name] = value
        return name
    if isinstance(value, np.generic):
        return value.item()
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name), arrays) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return [[_plain(key, arrays), _plain(one, arrays)] for key, one in value.items()]
    return [_plain(one, arrays) for one in value] if isinstance(value, tuple | list) else value


def from_arrays(kind: type[T], arrays: Arrays) -> T:
    """Return the value of a kind that ``to_arrays`` was given."""
    made: T = _made(kind, json.loads(arrays[_TEXT].tobytes()), arrays)
    return made


def _made(kind: Any, plain: Any, arrays: Arrays) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if plain is None else _made(next(one for one in inner if one is not type(None)), plain, arrays)
    if origin is np.ndarray:
        return arrays[plain]
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _made(hints[name], one, arrays) for name, one in plain.items()})  # type: ignore[operator]
    if hasattr(kind, "_fields"):  # a named tuple
        hints = get_type_hints(kind)
        return kind(*(_made(hints[name], one, arrays) for name, one in zip(kind._fields, plain, strict=True)))
    if origin is dict:
        return {_made(inner[0], key, arrays): _made(inner[1], one, arrays) for key, one in plain}
    if origin is tuple:
        kinds = [inner[0]] * len(plain) if inner[-1] is Ellipsis else inner
        return tuple(_made(one, part, arrays) for one, part in zip(kinds, plain, strict=True))
    return plain if origin is Literal or kind is Any else kind(plain)
