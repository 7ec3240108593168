"""torch's optimizers without its compiler, which they load and do not use: seconds of each process that trains."""

from __future__ import annotations

import inspect
from typing import Final, TypeVar, cast

import torch

Kind = TypeVar("Kind", bound=torch.optim.Optimizer)
_SHIELDED: Final = ("add_param_group", "zero_grad", "state_dict", "load_state_dict", "step")


def _light(kind: type[Kind]) -> type[Kind]:
    """Return the same optimizer, whose methods are not wrapped in what keeps the compiler off: nothing compiles them.

    The wrappers only load it, and switch gradients off, which is done here; the steps are those of ``kind`` to the bit.
    """
    own = {name: inspect.unwrap(getattr(kind, name)) for name in _SHIELDED}
    own["step"] = torch.no_grad()(own["step"])
    return cast("type[Kind]", type(kind.__name__, (kind,), own))


Adam: Final = _light(torch.optim.Adam)
SGD: Final = _light(torch.optim.SGD)
SparseAdam: Final = _light(torch.optim.SparseAdam)
