"""Devices to compute on."""

from __future__ import annotations

import torch

from didlearn.errors import UsageError
from didlearn.naming import option


def check_device(name: str) -> None:
    """Refuse a torch device that is not there, or that holds no numbers (``meta``).

    Raises:
        UsageError: the name is none, or this machine has no such device.
    """
    try:
        torch.zeros(1, device=name).item()
    except Exception as error:  # noqa: BLE001 (each back end has errors of its own)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        there = "cpu or cuda" if torch.cuda.is_available() else "cpu (there is no CUDA device here)"
        raise UsageError(
            f"the device {name!r} cannot be used ({reason}); give {option('device', None)} {there}"
        ) from None
