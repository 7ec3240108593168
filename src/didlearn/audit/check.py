"""A check is one question about one subject, and a value: its parameters are its fields, and running it is pure.

To add a check, write one folder in ``didlearn/checks`` whose ``check.py`` holds a frozen dataclass that derives from
``Check`` and is decorated with ``register``. Nothing else needs to know.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream

CHECKS: dict[str, type[Check]] = {}


class Check(ABC):
    """One question. Subclasses are frozen dataclasses whose fields are the check's parameters.

    Attributes:
        name: of the check and its command. question: in one sentence. position: on the page, ascending.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    position: ClassVar[int] = 99

    @abstractmethod
    def missing(self, subject: Subject) -> str | None:
        """Return what the subject lacks for this check, as a sentence, or ``None`` when it can run."""

    @abstractmethod
    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Answer the question. Depends on nothing but the fields, the subject and ``rng``."""

    @classmethod
    def validated(cls, parameters: Mapping[str, Any]) -> Self:
        """Make the check from untyped values (flags, TOML), converting numbers given as text.

        Raises:
            pydantic.ValidationError: a value cannot be read as its field's type.
        """
        return TypeAdapter(cls).validate_python(dict(parameters))

    def params(self) -> dict[str, object]:
        """Return the parameters as JSON values."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]


def register(check: type[Check]) -> type[Check]:
    """Make a check known by its name."""
    CHECKS[check.name] = check
    return check
