"""A folder of a diffusers pipeline as a model: how it is told apart, and what may be said beside it."""

from __future__ import annotations

from pathlib import Path

from didlearn.errors import UsageError
from didlearn.models.formats.loaded import Code, Loaded, digest_of, refuse_unused
from didlearn.models.formats.pipeline import INDEX, STEPS, open_pipeline
from didlearn.naming import option


def is_pipeline(path: Path, code: Code) -> bool:  # noqa: ARG001 (as every format is asked)
    """Tell whether a folder is one."""
    return (path / INDEX).is_file()


def check_pipeline(path: Path, code: Code) -> None:
    """Refuse code beside it, for its networks are diffusers' own, and arguments other than ``steps``.

    Raises:
        UsageError: some was named.
    """
    refuse_unused(code, f"{path}, a diffusers pipeline", arguments=True)
    steps = code.arguments.get("steps", STEPS)
    if set(code.arguments) - {"steps"} or not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        said = ", ".join(f"{name}={value}" for name, value in code.arguments.items())
        raise UsageError(
            f"{option('architecture_arguments', None)} is {said}; a diffusers pipeline takes steps=N, a whole number "
            "of steps of its sampler"
        )


def load_pipeline(path: Path, code: Code) -> Loaded:
    """Open it as deterministic sampling, in ``STEPS`` steps or as many as are asked for; see ``open_pipeline``."""
    check_pipeline(path, code)
    steps = code.arguments.get("steps", STEPS)
    assert isinstance(steps, int), "checked"
    note = f"a diffusers pipeline, sampled without noise in {steps} steps"
    digest = digest_of([repr(steps).encode()])
    return Loaded(open_pipeline(path, steps=steps), "diffusers", path.resolve().name, code=digest, notes=(note,))
