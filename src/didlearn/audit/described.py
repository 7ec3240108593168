"""What was audited, and where: the parts of ``audit.json`` that name data, model and place."""

from __future__ import annotations

import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from didlearn import __version__
from didlearn.audit.kept import code_digest
from didlearn.audit.matched_classes import Audited
from didlearn.images import Images
from didlearn.models import Sampler


def describe_audited(audited: Audited) -> dict[str, Any]:
    """Return what the data and the model are."""
    sets = {"train": audited.train, "heldout": audited.heldout}
    described: dict[str, Any] = {name: _set(images) for name, images in sets.items() if images is not None}
    described["outside"] = {name: _set(images) for name, images in audited.outside.items()}
    if audited.model is not None:
        described["model"] = _model(audited.model)
    return described


def _set(images: Images) -> dict[str, Any]:
    return {
        "name": images.name,
        "images": len(images),
        "shape": list(images.shape),
        "classes": list(images.classes) if images.classes else None,
        "fingerprint": images.fingerprint,
        "notes": list(images.notes),
    }


def _model(model: Sampler) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "image_shape": list(model.image_shape),
        "classes": model.classes,
        "size": model.size,
        "fingerprint": model.fingerprint,
    }


def environment_of(*, device: str, threads: int, batch_size: int, seed: int, settings: str) -> dict[str, Any]:
    """Return where and how it runs.

    Args:
        device, threads, batch_size, seed: as ``didlearn.audit`` takes them. settings: what else was asked for.
    """
    where = {
        "didlearn": __version__,
        "code": code_digest(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        "device": device,
        "threads": threads,
        "batch_size": batch_size,
        "seed": seed,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }
    return where | ({"settings": settings} if settings else {})
