"""What travels to a worker once: a function and all it needs, packed; and a unit of it done there.

Classes of installed packages travel by name, those of a file or of ``__main__`` with their code (cloudpickle), since no
worker could import them. The packed bytes are sent once and not with each unit.
"""

from __future__ import annotations

import hashlib
import io
import operator
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import cloudpickle
import numpy as np
import torch

from didlearn import naming
from didlearn.arrays import Bytes
from didlearn.errors import DidlearnError, TravelError, first_line
from didlearn.naming import option
from didlearn.parallel import one_thread

_OPENED: OrderedDict[str, tuple[Callable[[Any], Any], int]] = OrderedDict()  # with its bytes
_MOST_OPENED, _MOST_BYTES = 4, 1 << 30
_KNOWN = {"__main__", "didlearn", *sys.stdlib_module_names}
_LOCKS = {type(make()): make for make in (threading.Lock, threading.RLock)}  # their types have no name to travel by


class Parcel(NamedTuple):
    """A packed function of one argument: its bytes (n,) uint8, and what they hash to."""

    content: Bytes
    name: str


class Refused(NamedTuple):
    """What a unit raised that trying again will not change: an answer about the model or the data."""

    error: DidlearnError


class Failed(NamedTuple):
    """Why a unit gave nothing, in words: it may do so elsewhere."""

    cause: str


class _Packer(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, torch.jit.ScriptModule):
            buffer = io.BytesIO()
            torch.jit.save(obj, buffer)
            return _script, (buffer.getvalue(),)
        if isinstance(obj, torch._ops.OpOverload):
            return _operator, (*obj._schema.name.split("::"), obj._overloadname)
        if type(obj) in _LOCKS:  # nobody holds one while units are sent
            return _LOCKS[type(obj)], ()
        return super().reducer_override(obj)


def _script(content: bytes) -> torch.jit.ScriptModule:
    return torch.jit.load(io.BytesIO(content))


def _operator(space: str, name: str, overload: str) -> Any:
    return operator.attrgetter(f"{space}.{name}.{overload}")(torch.ops)


def pack(function: Callable[[Any], Any]) -> Parcel:
    """Pack a function.

    Raises:
        TravelError: something that it needs cannot travel.
    """
    buffer = io.BytesIO()
    strangers = list(_strangers())
    for module in strangers:
        cloudpickle.register_pickle_by_value(module)
    try:
        _Packer(buffer).dump((function, naming.naming_style()))
    except Exception as error:
        raise TravelError(
            f"the work cannot be sent to other processes ({first_line(error)}); leave {option('backend', None)} out"
        ) from error
    finally:
        for module in strangers:
            cloudpickle.unregister_pickle_by_value(module)
    content = buffer.getvalue()
    return Parcel(np.frombuffer(content, np.uint8), hashlib.blake2b(content, digest_size=12).hexdigest())


def _strangers() -> Iterator[ModuleType]:
    """Modules and packages that a worker could not import: their folder is on no search path, as a factory's is not."""
    searched = {Path(folder).resolve() for folder in sys.path}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or "." in name or name in _KNOWN or name.startswith("_frozen_"):
            continue
        place = Path(file).resolve()
        if (place.parent.parent if place.name == "__init__.py" else place.parent) not in searched:
            yield module


def do_unit(carried: Bytes | Path, name: str, item: Any) -> Any:
    """Do one unit of a parcel, on one thread; what it raises is returned.

    Args:
        carried: the parcel's content, or the file that it is in. name: of the parcel. item: the unit.
    """
    try:
        with one_thread():
            return _opened(carried, name)(item)
    except DidlearnError as error:
        return Refused(error)
    except Exception as error:  # noqa: BLE001 (whatever it is, it may be this worker's)
        return Failed(first_line(error))


def _opened(carried: Bytes | Path, name: str) -> Callable[[Any], Any]:
    if name not in _OPENED:
        content = carried.read_bytes() if isinstance(carried, Path) else carried.tobytes()
        function, style = cloudpickle.loads(content)
        naming.name_as(style)
        _OPENED[name] = function, len(content)
        while len(_OPENED) > _MOST_OPENED or (len(_OPENED) > 1 and sum(n for _, n in _OPENED.values()) > _MOST_BYTES):
            _OPENED.popitem(last=False)
    return _OPENED[name][0]
