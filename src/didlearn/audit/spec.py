"""What an audit is asked to do, as one value: from flags, from a TOML file, or from both (flags win)."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from didlearn.audit.check import Check
from didlearn.checks import CHECKS
from didlearn.errors import UsageError


class AuditSpec(BaseModel):
    """The arguments of ``didlearn.audit.run`` that a text file can hold, and the parameters of each check.

    Attributes:
        train, heldout, outside, generator: specs, as ``open_images`` and ``open_model`` take them.
        checks: names of the checks to run; all of them when empty.
        parameters: fields of checks, by check name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    generator: str | None = None
    train: str | None = None
    heldout: str | None = None
    outside: dict[str, str] = {}
    checks: tuple[str, ...] = ()
    parameters: dict[str, dict[str, Any]] = {}
    embedding: str = "pixels"
    weights: Path | None = None
    heldout_fraction: float = Field(0.2, gt=0, lt=1)
    drop_shared: bool = False
    size: int | None = Field(None, ge=1, le=4096)
    channels: int | None = Field(None, ge=1, le=3)
    skip_broken: bool = False
    latent_shape: tuple[int, ...] | None = None
    value_range: tuple[float, float] | None = None
    prior: str | None = None
    classes: int | None = Field(None, ge=1)
    trust_code: bool = False
    autoencoder: str | None = None
    seed: int = Field(0, ge=0)
    device: str = "cpu"
    batch_size: int = Field(256, ge=1)
    threads: int | None = Field(None, ge=1)

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for ``didlearn.audit.run``: the checks built, what was not said left out."""
        said = {name: getattr(self, name) for name in self.model_fields_set - {"checks", "parameters"}}
        return said | {"checks": build_checks(self.checks, self.parameters)}


def build_checks(names: Iterable[str], parameters: Mapping[str, Mapping[str, Any]]) -> list[Check]:
    """Make the checks called ``names`` (all when none) with their parameters.

    Raises:
        UsageError: a check or a parameter of that name does not exist, or a value has the wrong type.
    """
    wanted = list(names) or list(CHECKS)
    for name in (*wanted, *parameters):
        if name not in CHECKS:
            raise UsageError(f"there is no check {name!r}; {_choices(name, CHECKS)}")
    twice = sorted({name for name in wanted if wanted.count(name) > 1})
    if twice:
        raise UsageError(f"check {twice[0]!r} is asked for twice; name it once")
    return [_build(CHECKS[name], parameters.get(name, {})) for name in wanted]


def _build(kind: type[Check], parameters: Mapping[str, Any]) -> Check:
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in parameters:
        if name not in fields:
            raise UsageError(f"check {kind.name!r} has no parameter {name!r}; {_choices(name, fields)}")
    try:
        return kind.validated(parameters)
    except ValidationError as error:
        raise UsageError(f"check {kind.name!r}: {_first(error)}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read an audit file: the fields of ``AuditSpec`` at the top, and a table per check with its parameters.

    Relative paths in it are taken from the folder one types the command in, as on the command line.

    Raises:
        UsageError: the file is missing, is not TOML, or holds an unknown key.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"there is no file {path}; give a TOML file, or flags such as --train and --generator"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, IsADirectoryError) as error:
        raise UsageError(f"{path} is not a TOML file ({error})") from None
    tables = {name: data.pop(name) for name in list(data) if name in CHECKS}
    if tables:
        data["parameters"] = tables
    return data


def make_spec(*sources: Mapping[str, Any]) -> AuditSpec:
    """Join sources of fields, later ones winning, into a spec.

    Raises:
        UsageError: a key is unknown (the valid ones are listed) or a value cannot be used.
    """
    joined: dict[str, Any] = {}
    for source in sources:
        parameters = {**joined.get("parameters", {})}
        for check, values in source.get("parameters", {}).items():
            parameters[check] = {**parameters.get(check, {}), **values}
        joined |= {**source, "parameters": parameters}
    for name in joined:
        if name not in AuditSpec.model_fields:
            valid = [*(f for f in AuditSpec.model_fields if f != "parameters"), *CHECKS]
            raise UsageError(f"unknown key {name!r}; {_choices(name, valid)}")
    try:
        return AuditSpec.model_validate(joined)
    except ValidationError as error:
        raise UsageError(_first(error)) from None


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    return f"{'.'.join(map(str, problem['loc']))} is {problem['input']!r}: {problem['msg']}"


def _choices(name: str, valid: Iterable[str]) -> str:
    options = list(valid)
    close = difflib.get_close_matches(name, options, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}valid are {', '.join(options)}"
