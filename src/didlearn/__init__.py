"""Did the generative model learn its distribution?

The public names below are imported on first use: ``import didlearn`` itself is cheap, and so is ``didlearn --help``.
"""

from importlib import import_module
from typing import Any

from didlearn._version import __version__

_HOME = {
    "AuditResult": "didlearn.result",
    "CheckResult": "didlearn.result",
    "Estimate": "didlearn.result",
    "Images": "didlearn.images",
    "LatentModel": "didlearn.models",
    "Sampler": "didlearn.models",
    "audit": "didlearn.audit",
    "birthday_bound": "didlearn.statistics.birthday",
    "closest_pairs": "didlearn.neighbors",
    "estimate_support": "didlearn.statistics.support",
    "nearest": "didlearn.neighbors",
    "open_embedding": "didlearn.embeddings",
    "open_images": "didlearn.images",
    "open_model": "didlearn.models",
    "save_model": "didlearn.models",
}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'didlearn' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
