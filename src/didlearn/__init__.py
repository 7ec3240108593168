"""Did the generative model learn its distribution?

The public names below are imported on first use: ``import didlearn`` itself is cheap, and so is ``didlearn --help``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from didlearn._version import __version__

if TYPE_CHECKING:
    from didlearn.audit import audit
    from didlearn.embeddings import open_embedding
    from didlearn.fidelity.manifold_metrics import density_coverage, precision_recall
    from didlearn.images import Images, open_images
    from didlearn.inference.bdmc import Sandwich, bdmc
    from didlearn.inference.evidence import Evidence, log_evidence
    from didlearn.inference.inversion import Inversion, invert
    from didlearn.models import LatentModel, Sampler, open_model, save_model
    from didlearn.neighbors import closest_pairs, nearest
    from didlearn.random_matrix import Spectrum, limiting_spectrum
    from didlearn.result import AuditResult, CheckResult, Estimate
    from didlearn.statistics.birthday import birthday_bound
    from didlearn.statistics.frechet import frechet_distance
    from didlearn.statistics.kernel_distance import kernel_distance
    from didlearn.statistics.support import estimate_support
    from didlearn.statistics.vendi import vendi_score

__all__ = [
    "AuditResult",
    "CheckResult",
    "Estimate",
    "Evidence",
    "Images",
    "Inversion",
    "LatentModel",
    "Sampler",
    "Sandwich",
    "Spectrum",
    "__version__",
    "audit",
    "bdmc",
    "birthday_bound",
    "closest_pairs",
    "density_coverage",
    "estimate_support",
    "frechet_distance",
    "invert",
    "kernel_distance",
    "limiting_spectrum",
    "log_evidence",
    "nearest",
    "open_embedding",
    "open_images",
    "open_model",
    "precision_recall",
    "save_model",
    "vendi_score",
]

_HOME = {
    "AuditResult": "result",
    "CheckResult": "result",
    "Estimate": "result",
    "Evidence": "inference.evidence",
    "Images": "images",
    "Inversion": "inference.inversion",
    "LatentModel": "models",
    "Sampler": "models",
    "Sandwich": "inference.bdmc",
    "Spectrum": "random_matrix",
    "audit": "audit",
    "bdmc": "inference.bdmc",
    "birthday_bound": "statistics.birthday",
    "closest_pairs": "neighbors",
    "density_coverage": "fidelity.manifold_metrics",
    "estimate_support": "statistics.support",
    "frechet_distance": "statistics.frechet",
    "invert": "inference.inversion",
    "kernel_distance": "statistics.kernel_distance",
    "limiting_spectrum": "random_matrix",
    "log_evidence": "inference.evidence",
    "nearest": "neighbors",
    "open_embedding": "embeddings",
    "open_images": "images",
    "open_model": "models",
    "precision_recall": "fidelity.manifold_metrics",
    "save_model": "models",
    "vendi_score": "statistics.vendi",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'didlearn' has no attribute {name!r}")
    value = getattr(import_module(f"didlearn.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
