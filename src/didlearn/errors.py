"""Every error a user can meet, in one tree.

    DidlearnError
    ├── UsageError            a flag, name or argument cannot be used as given
    │   └── TrustError        the file would run code, and nobody said that it may
    ├── DataError             a data set cannot be read as it is
    │   └── NotFiniteError    it holds pixels that are no numbers
    ├── ModelError            a model cannot be opened or does not do what it says
    │   └── OutputError       it was opened, and what it makes is no image
    ├── MissingExtraError     an optional dependency or its weights are absent
    └── ResultError           a run folder does not hold a result this version reads

Each message says what is wrong, what was got, and what would do.
"""

from __future__ import annotations

import re

_CAUSE = re.compile(r"[\w.]*(Error|Exception): ")


class DidlearnError(Exception):
    """Base of all errors raised on purpose by didlearn."""


class UsageError(DidlearnError):
    """A flag, name or argument cannot be used as given."""


class TrustError(UsageError):
    """Opening the file would run its code, and nobody said it may."""


class DataError(DidlearnError):
    """A data set cannot be read as it is."""


class NotFiniteError(DataError):
    """A data set holds pixels that are no numbers."""


class ModelError(DidlearnError):
    """A model cannot be opened, or what it makes is not what it says."""


class OutputError(ModelError):
    """The model was opened, and what it makes is no image: a finding about the model, not about how it was named."""


class StorageError(DidlearnError):
    """A folder cannot be written to any more; what it holds is whole."""


class TravelError(UsageError):
    """What a unit of work needs cannot be sent to another process."""


class UnitError(DidlearnError):
    """A unit of work failed wherever it was sent."""


class MissingExtraError(DidlearnError):
    """An optional dependency, or the weights it needs, are absent."""


class ResultError(DidlearnError):
    """A run folder does not hold a result this version can read."""


def first_line(error: BaseException) -> str:
    """Return an error's type and the first line of its text: torch's go on with C++ frames.

    TorchScript begins with its own frames and says what happened last.
    """
    lines = str(error).strip().split("\n")
    if lines[0].startswith("The following operation failed in the TorchScript interpreter"):
        said = [line for line in lines if _CAUSE.match(line)]
        return said[-1].strip() if said else f"{type(error).__name__}: {lines[-1].strip()}"
    return f"{type(error).__name__}: {lines[0]}"
