"""A file of weights together with the user's class that they go into: ``architecture=file.py:Class``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn

from didlearn.errors import ModelError, UsageError
from didlearn.models.checkpoints.checkpoint import SUFFIXES, fill_network, read_checkpoint, split_key
from didlearn.models.formats.loaded import Code, Loaded, digest_of, refuse_unused, sources_of
from didlearn.trusted import check_factory, load_factory

_EVERYTHING = (inspect.Parameter.VAR_KEYWORD,)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def is_weights(path: Path, code: Code) -> bool:
    """Tell whether a file of weights is meant: one by its name, with an architecture beside it."""
    return code.architecture is not None and path.is_file() and path.suffix.lower() in SUFFIXES


def check_architecture(path: Path, code: Code) -> None:  # noqa: ARG001 (as every format is asked)
    """Refuse it where the architecture is not there or may not run.

    Raises:
        UsageError: it is not there. TrustError: code may not run.
    """
    assert code.architecture is not None, "told apart before"
    refuse_unused(code, f"an architecture of one's own ({code.architecture})", architecture=True, arguments=True)
    check_factory(code.architecture, code.trusted)


def load_weights(path: Path, code: Code) -> Loaded:
    """Build the user's network and fill it with the weights of a file.

    Its arguments are those the user gives, then those of Lightning's ``hyper_parameters`` that it takes.

    Raises:
        TrustError: code may not run. UsageError: there is no such class, or it takes no such argument.
        ModelError: the weights cannot be read, the class cannot be built, or the two do not fit.
    """
    assert code.architecture is not None, "told apart before"
    file, key = (str(path), None) if path.is_file() else split_key(str(path))
    checkpoint = read_checkpoint(Path(file))

    given: dict[str, object] = {}

    def arguments(made: Callable[..., object]) -> dict[str, object]:
        given.update(_arguments(made, code, checkpoint.arguments))
        return given

    network = load_factory(code.architecture, code.trusted, arguments=arguments)
    if not isinstance(network, nn.Module):
        raise ModelError(f"{code.architecture} made a {type(network).__name__}; a torch.nn.Module was expected")
    notes = fill_network(network, checkpoint, key, code.architecture)
    source = Path(code.architecture.rpartition(":")[0])
    own = [source.read_bytes()] if source.is_file() else []
    name = path.name if key else path.stem
    return Loaded(
        network,
        "weights",
        name,
        code=digest_of([*own, *sources_of(network), repr(sorted(given.items())).encode()]),
        notes=notes,
    )


def _arguments(made: Callable[..., object], code: Code, recorded: Mapping[str, object]) -> dict[str, object]:
    """Return the keyword arguments to build with.

    Raises:
        UsageError: the user gave one that is not taken.
    """
    try:
        parameters = inspect.signature(made).parameters.values()
    except (TypeError, ValueError):
        return dict(code.arguments)
    if any(parameter.kind in _EVERYTHING for parameter in parameters):
        return {**recorded, **code.arguments}
    taken = [parameter.name for parameter in parameters if parameter.kind in _NAMED]
    for name in code.arguments:
        if name not in taken:
            raise UsageError(f"{code.architecture} takes no argument {name!r}; it takes {', '.join(taken) or 'none'}")
    return {name: value for name, value in {**recorded, **code.arguments}.items() if name in taken}
