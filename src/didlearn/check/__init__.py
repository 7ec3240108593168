"""Where ``Check`` and ``Subject`` stood at first, for scripts that still ask here; they live in ``didlearn.audit``."""

from didlearn.audit.check import Check
from didlearn.audit.subject import Subject

__all__ = ["Check", "Subject"]
