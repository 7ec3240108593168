"""Did the generative model learn its distribution?

The public names below are imported on first use: ``import didlearn`` itself is cheap, and so is ``didlearn --help``.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from didlearn._version import __version__

if TYPE_CHECKING:
    from didlearn.audit.run import audit
    from didlearn.checks.fidelity.manifold_metrics import density_coverage, precision_recall
    from didlearn.embeddings import open_embedding
    from didlearn.embeddings.extract import embed_points
    from didlearn.evidence.bdmc import Sandwich, bdmc
    from didlearn.evidence.log_evidence import Evidence, log_evidence
    from didlearn.images import Images, open_images
    from didlearn.images.points import open_points
    from didlearn.inversion.invert import Inversion, invert
    from didlearn.models import LatentModel, Sampler, open_model, save_model
    from didlearn.models.diffusion.sampler import DiffusionModel, FlowModel
    from didlearn.monitoring.monitor import Monitor
    from didlearn.neighbors import closest_pairs
    from didlearn.neighbors.nearest import nearest
    from didlearn.random_matrix import Spectrum, limiting_spectrum
    from didlearn.result.files import AuditResult
    from didlearn.result.values import CheckResult, Estimate
    from didlearn.statistics.birthday.paradox import birthday_bound
    from didlearn.statistics.birthday.support import estimate_support
    from didlearn.statistics.fidelity.cmmd import cmmd
    from didlearn.statistics.fidelity.frechet import frechet_distance
    from didlearn.statistics.fidelity.inception_score import inception_score
    from didlearn.statistics.fidelity.kernel_distance import kernel_distance
    from didlearn.statistics.fidelity.mind import mind
    from didlearn.statistics.fidelity.vendi import vendi_score

__all__ = [
    "AuditResult",
    "CheckResult",
    "DiffusionModel",
    "Estimate",
    "Evidence",
    "FlowModel",
    "Images",
    "Inversion",
    "LatentModel",
    "Monitor",
    "Sampler",
    "Sandwich",
    "Spectrum",
    "__version__",
    "audit",
    "bdmc",
    "birthday_bound",
    "closest_pairs",
    "cmmd",
    "density_coverage",
    "embed_points",
    "estimate_support",
    "frechet_distance",
    "inception_score",
    "invert",
    "kernel_distance",
    "limiting_spectrum",
    "log_evidence",
    "mind",
    "nearest",
    "open_embedding",
    "open_images",
    "open_model",
    "open_points",
    "precision_recall",
    "save_model",
    "vendi_score",
]

_HOME = {
    "AuditResult": "result.files",
    "CheckResult": "result.values",
    "DiffusionModel": "models.diffusion.sampler",
    "Estimate": "result.values",
    "Evidence": "evidence.log_evidence",
    "FlowModel": "models.diffusion.sampler",
    "Images": "images",
    "Inversion": "inversion.invert",
    "LatentModel": "models",
    "Monitor": "monitoring.monitor",
    "Sampler": "models",
    "Sandwich": "evidence.bdmc",
    "Spectrum": "random_matrix",
    "bdmc": "evidence.bdmc",
    "birthday_bound": "statistics.birthday.paradox",
    "closest_pairs": "neighbors",
    "cmmd": "statistics.fidelity.cmmd",
    "density_coverage": "checks.fidelity.manifold_metrics",
    "embed_points": "embeddings.extract",
    "estimate_support": "statistics.birthday.support",
    "frechet_distance": "statistics.fidelity.frechet",
    "inception_score": "statistics.fidelity.inception_score",
    "invert": "inversion.invert",
    "kernel_distance": "statistics.fidelity.kernel_distance",
    "limiting_spectrum": "random_matrix",
    "log_evidence": "evidence.log_evidence",
    "mind": "statistics.fidelity.mind",
    "nearest": "neighbors",
    "open_embedding": "embeddings",
    "open_images": "images",
    "open_model": "models",
    "open_points": "images.points",
    "precision_recall": "checks.fidelity.manifold_metrics",
    "save_model": "models",
    "vendi_score": "statistics.fidelity.vendi",
}


class _Package(ModuleType):
    """The package: ``didlearn.audit`` is the function, also once the folder of that name was imported."""

    @property
    def audit(self) -> Callable[..., Any]:
        return getattr(import_module("didlearn.audit.run"), "audit")  # noqa: B009 (the name is the folder's too)

    @audit.setter
    def audit(self, folder: ModuleType) -> None:
        """Importing ``didlearn.audit.…`` sets the folder here; the function stays in its place."""


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'didlearn' has no attribute {name!r}")
    value = getattr(import_module(f"didlearn.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
