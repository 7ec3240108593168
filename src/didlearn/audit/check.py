"""A check is one question about one subject, and a value: its parameters are its fields, and running it is pure.

To add a check, write one folder in ``didlearn/checks`` whose ``check.py`` holds a frozen dataclass that derives from
``Check`` and is decorated with ``register``; or announce such a class of another package by an entry point of the group
``didlearn.checks``. Nothing else needs to know: command, help, report and methods paragraph are made from it. The file
that declares a check is loaded by every command, so what is heavy is imported inside ``missing`` and ``run``.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, TypeAdapter

from didlearn.audit.method import Method
from didlearn.errors import UsageError

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream

CHECKS: dict[str, type[Check]] = {}
Better = Literal["more", "less", "one", "zero", "same"]
T = TypeVar("T")


def _between(value: float) -> float:
    if not 0 < value < 1:
        raise ValueError("give a share between 0 and 1, as in 0.95")
    return value


Confidence = Annotated[float, AfterValidator(_between)]  # of confidence


def parameter(default: T, help: str) -> T:  # noqa: A002 (what the flag calls it)
    """Declare a field of a check: its default, and what its flag's help says."""
    declared: Any = dataclasses.field(default=default, metadata={"description": help})
    return declared


def separated(value: str | Iterable[str]) -> tuple[str, ...]:
    """Read names from ``a,b``, from a list of them, or from a list of such texts: what a flag and a file can hold."""
    texts = [value] if isinstance(value, str) else value
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


class Check(ABC):
    """One question. Subclasses are frozen dataclasses whose fields, each a ``parameter``, are the check's parameters.

    Attributes:
        name: of the check and its command. question: in one sentence. position: on the page, ascending.
        summary: the help of its command, in one sentence; the question where there is none.
        judged: whether it may pass or fail; one that is not only describes (``measured``).
        method: its clause of the methods paragraph, with what that cites.
        estimates: the names of the estimates it may give, each with its meaning. In a name ``{group}`` stands for the
            name of a group of images, and what stands in brackets may be absent: ``precision[_train]`` is two names.
        named: what a page calls an estimate whose name is not plain; ``{group}`` as in ``estimates``. A name that ends
            in ``_heldout``, ``_train``, ``_published`` or ``_pvalue`` need not be given if what stands before it is.
        better: of the estimates that have one, the better direction, the most telling first: more, less, nearer to one
            or to zero, or as near as can be to the same of real images.
        efforts: what parameters are held to where there is too little time for the check as it is asked, the least
            first; none of a check whose time does not depend on what a decoder costs.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    position: ClassVar[int] = 99
    summary: ClassVar[str] = ""
    judged: ClassVar[bool] = True
    method: ClassVar[Method | None] = None
    estimates: ClassVar[Mapping[str, str]] = {}
    named: ClassVar[Mapping[str, str]] = {}
    better: ClassVar[Mapping[str, Better]] = {}
    efforts: ClassVar[Sequence[Mapping[str, int]]] = ()

    @abstractmethod
    def missing(self, subject: Subject) -> str | None:
        """Return what the subject lacks for this check, as a sentence, or ``None`` when it can run."""

    @abstractmethod
    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Answer the question. Depends on nothing but the fields, the subject and ``rng``."""

    def passes(self, subject: Subject) -> float:  # noqa: ARG002 (of those that have efforts)
        """Return about how many passes of an image through the decoder the check takes, forwards or backwards."""
        return 0.0

    @classmethod
    def parameters(cls) -> dict[str, dataclasses.Field[Any]]:
        """Return the declared parameters by name."""
        return {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]

    @classmethod
    def text(cls, part: Literal["how", "paper"]) -> str:
        """Return a text of its package for the page, ``how.html`` or ``paper.html``; empty where it has none."""
        package = sys.modules[cls.__module__].__package__
        file = files(package) / f"{part}.html" if package else None
        return file.read_text(encoding="utf-8") if file is not None and file.is_file() else ""

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
    """Make a check known by its name.

    Raises:
        UsageError: it is no such class, or its name is no name or another check's.
    """
    if not (isinstance(check, type) and issubclass(check, Check) and dataclasses.is_dataclass(check)):
        raise UsageError(f"{check!r} is no check; give a frozen dataclass that derives from didlearn.audit.check.Check")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", check.name):
        raise UsageError(f"a check is called {check.name!r}; give it a name of small letters, digits and _")
    if CHECKS.setdefault(check.name, check) is not check:
        raise UsageError(f"two checks are called {check.name!r}: {CHECKS[check.name].__module__}, {check.__module__}")
    return check


def share_of_error(check: Check | type[Check]) -> float:
    """Return a check's share of an audit's chance of any false alarm: one over the judged checks, whichever run.

    That a result does not depend on what else ran, every judged check that there is has its share.
    """
    judged = {name for name, kind in CHECKS.items() if getattr(kind, "judged", True)} | {check.name}
    return 1 / len(judged)
