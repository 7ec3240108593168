"""Names of outside sets: none may be that of a group, or of an estimate, that the program makes itself."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from didlearn.checks import CHECKS
from didlearn.errors import UsageError
from didlearn.naming import option

# What checks call their own groups of images, and curves beside which an outside set may be drawn.
TAKEN = (
    "train", "training", "training images", "held-out", "held-out real", "held-out images", "generated", "real",
    "samples", "its own samples", "shifted", "noise", "planted", "planted images", "perturbed", "mildly changed copies",
)  # fmt: skip

_COMPARED = ("train", "heldout", "generated", "shifted", "noise")  # as the names of estimates spell them


def refuse_taken_names(names: Iterable[str]) -> None:
    """Refuse names of outside sets under which their numbers would be taken for others.

    Raises:
        UsageError: one is a group of the program's own, or makes the name of another estimate.
    """
    owner = {estimate: "" for group in (None, *_COMPARED) for estimate in _estimates(group)}
    for name in names:
        if _plain(name) in {_plain(own) for own in TAKEN}:
            raise _taken(name, f"{name!r} is what the program calls images of its own")
        for estimate in _estimates(name):
            other = owner.setdefault(estimate, name)
            if other != name:
                beside = f" beside {other!r}" if other else ""
                raise _taken(name, f"{name!r}{beside} would give two numbers the name {estimate!r}")


def _plain(name: str) -> str:
    """Return a name as its letters: a reader does not tell ``held-out`` from ``Heldout``."""
    return re.sub(r"[\W_]", "", name).casefold()


def _taken(name: str, why: str) -> UsageError:
    other = f"other-{name}"
    asked = option("outside", f"{{{other!r}: ...}}", f"{other}=...")
    return UsageError(f"an outside set cannot be called {name!r}: {why}; call it something else, as in {asked}")


def _estimates(group: str | None = None) -> list[str]:
    """Return the declared names of all estimates: those without a group, or those of ``group``."""
    declared = [name for check in CHECKS.values() for pattern in check.estimates for name in _spelled(pattern)]
    if group is None:
        return [name for name in declared if "{group}" not in name]
    return [name.replace("{group}", group) for name in declared if "{group}" in name]


def _spelled(pattern: str) -> list[str]:
    """Return the names that a declaration stands for: what is in brackets may be absent."""
    pieces = [("", piece) if i % 2 else (piece,) for i, piece in enumerate(re.split(r"\[(.*?)\]", pattern))]
    return ["".join(chosen) for chosen in itertools.product(*pieces)]
