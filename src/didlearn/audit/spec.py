"""What an audit is asked to do, as one value: from flags, from a TOML file, or from both (flags win)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PydanticUserError, ValidationError

from didlearn.audit.check import Check, separated
from didlearn.audit.habits import likely
from didlearn.checks import CHECKS
from didlearn.errors import TrustError, UsageError
from didlearn.foreign.files import refuse_special
from didlearn.naming import option
from didlearn.readiness.paths import quoted, typed_path

DATA, MODEL, MEASURE, WORK = "Data", "Model", "What to measure", "How to run"  # the parts of an audit, and of its help


def flag(default: Any, help: str, panel: str, short: str = "", **limits: Any) -> Any:  # noqa: A002 (what it is called)
    """Declare an option of an audit: its default, what its flag's help says and where, and a short flag beside it."""
    return Field(default, description=help, json_schema_extra={"panel": panel, "short": short}, **limits)


def _whole_numbers(value: Any) -> Any:
    """Take ``128,1,1`` as well as a list: what a flag can hold."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"\d+([,x ]\d+)*", value):
        raise ValueError("give whole numbers, as in 100 or 128,1,1")
    return re.split(r"[,x ]", value)


_SHOWN = 60  # characters of a value that cannot be used


def read_arguments(pairs: Iterable[str]) -> dict[str, Any]:
    """Read NAME=VALUE as keywords of a network: numbers, true, false, null and lists as JSON has them, else text.

    Raises:
        UsageError: one is no such pair, or a name is given twice.
    """
    arguments: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        asked = f"--architecture-arguments is {pair!r}"
        if not (equals and name.isidentifier()):
            raise UsageError(f"{asked}; give NAME=VALUE, as in --architecture-arguments width=64")
        if name in arguments:
            raise UsageError(f"{asked}, and {name} is given twice; give it once")
        try:
            arguments[name] = json.loads(value)
        except ValueError:
            arguments[name] = value
    return arguments


class AuditSpec(BaseModel):
    """What ``didlearn.audit`` can be asked in text: the one place where its options are declared.

    The flags of the command line are made from these fields, an audit file holds them as keys, and those that were said
    are passed to ``didlearn.audit`` as keywords of the same names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    generator: str | None = flag(
        None, "Samples (folder, zip, npz), .pt2, .onnx, .pt, model folder, or file.py:factory.", MODEL
    )
    latent_shape: Annotated[tuple[int, ...], BeforeValidator(_whole_numbers)] | None = flag(
        None, "Shape of one latent: 100, or 128,1,1.", MODEL
    )
    value_range: tuple[float, float] | None = flag(None, "What the output spans: -1 1.", MODEL)
    prior: str | None = flag(None, "normal, or uniform on [-1, 1].", MODEL)
    classes: int | None = flag(None, "Classes of a conditional model.", MODEL, ge=1)
    architecture: str | None = flag(None, "What weights go into: file.py:Class, or a StudioGAN .yaml.", MODEL)
    architecture_arguments: dict[str, Any] = flag({}, "NAME=VALUE: a keyword of its. Repeatable.", MODEL)
    code_path: str | None = flag(None, "Clone that a StyleGAN .pkl or StudioGAN .yaml needs.", MODEL)
    trust_code: bool = flag(False, "Let the code of a factory, class, clone or TorchScript file run.", MODEL)
    classes_of: str | None = flag(
        None, "Classifier of the generator's classes, for images without labels: a .pt2 or .pt, file.py:factory.", MODEL
    )
    autoencoder: str | None = flag(None, "To set beside it: a .pt2 or .pt file or file.py:factory.", MODEL)

    train: str | None = flag(None, "Images the generator was trained on.", DATA)
    heldout: str | None = flag(None, "Images it was not trained on (else split off by seed).", DATA)
    train_statistics: Path | None = flag(
        None, "mu and sigma of training images' features (.npz), for the Fréchet distance.", DATA
    )
    outside: dict[str, str] = flag({}, "NAME=SPEC: another data set. Repeatable.", DATA)
    size: int | None = flag(None, "Resize all images to this many pixels a side.", DATA, ge=1)
    crop: int | None = flag(
        None, "Cut this square out of the middle of real images first (CelebA: 108, 140).", DATA, ge=1
    )
    channels: int | None = flag(None, "Turn all images to 1 or 3 channels.", DATA, ge=1)
    megapixels: int | None = flag(
        None, "Millions of pixels that the pictures of one source may hold (default 1000).", DATA, ge=1
    )
    points: bool = flag(False, "Rows of numbers (npy, npz, csv, parquet), compared as they are, and no pictures.", DATA)
    noise: float | None = flag(None, "Mild change of a point: share of each column's spread (default 0.05).", DATA)
    heldout_fraction: float = flag(0.2, "Share split off for held-out.", DATA, gt=0, lt=1)
    drop_shared: bool = flag(
        False, "Leave out held-out images that may have leaked, also where they are too few to tell.", DATA
    )
    skip_broken: bool = flag(False, "Leave out files that cannot be read, and count them.", DATA)

    checks: Annotated[tuple[str, ...], BeforeValidator(separated)] = flag(
        (), "Names, comma-separated (default: all).", MEASURE
    )
    embedding: str = flag(
        "pixels",
        "pixels, classifier, inception, dinov2, clip, resnet50, vgg16, densenet201, .pt2 or .pt file, file.py:factory.",
        MEASURE,
    )
    weights: Path | None = flag(None, "Weights of a pretrained network, read from here.", MEASURE)
    parameters: dict[str, dict[str, Any]] = flag(
        {}, "CHECK.PARAMETER=VALUE, e.g. support.factor=3. Repeatable.", MEASURE
    )

    seed: int = flag(0, "Root of every random stream.", WORK, ge=0)
    budget: str | None = flag(None, "Time for the audit, as in 20m: what is dear is asked with what fits.", WORK)
    device: str = flag("cpu", "cpu, cuda, cuda:1.", WORK)
    batch_size: int = flag(256, "Images in flight; changes no result.", WORK, short="-b", ge=1)
    threads: int | None = flag(None, "Worker threads (default: all CPUs); changes no result.", WORK, ge=1)
    backend: str | None = flag(None, "Who works: threads, loky (processes), dask or ray; changes no result.", WORK)
    address: str | None = flag(None, "Of a dask scheduler or a Ray cluster (else one is begun here).", WORK)
    restart: bool = flag(False, "Forget what an earlier run left in the run folder.", WORK)
    no_cache: bool = flag(False, "Keep no features of real images for other runs, and take none.", WORK)

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for ``didlearn.audit``: the checks built, what was not said left out."""
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


def refuse_keyword(name: str, given: Mapping[str, object]) -> NoReturn:
    """Refuse a keyword that ``didlearn.audit`` does not have, and say which is meant.

    Raises:
        UsageError: always.
    """
    asked = f"audit has no keyword {name!r}"
    parameter = name if (owners := _owners(name)) else likely(name, ["samples", "level"])
    owners = owners or (_owners(parameter) if parameter else [])
    if owners:
        kind = CHECKS[owners[0]]
        raise UsageError(
            f"{asked}; it is a parameter of {', '.join(owners)}: give checks=[{kind.__name__}({parameter}="
            f"{given[name]!r})], with `from {kind.__module__} import {kind.__name__}`"
        )
    valid = [field for field in (*AuditSpec.model_fields, "output", "progress") if field != "parameters"]
    raise UsageError(f"{asked}; {_choices(name, valid)}")


def _owners(parameter: str) -> list[str]:
    return [check for check, kind in CHECKS.items() if parameter in kind.parameters()]


def rebuilt(check: Check) -> Check:
    """Return a check whose parameters have been looked at, as those of flags and files are."""
    try:
        return _build(type(check), {name: getattr(check, name) for name in check.parameters()})
    except PydanticUserError:  # a check of the user's own may have parameters that are no text
        return check


def _build(kind: type[Check], parameters: Mapping[str, Any]) -> Check:
    fields = kind.parameters()
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
        TrustError: it says that code is trusted, which only who runs it may say.
        UsageError: the file is missing, is not TOML, or holds a value that cannot be used.
    """
    refuse_special(typed_path(str(path)), UsageError)
    data = _loaded(path)
    if data.get("trust_code", False) is not False:
        raise TrustError(
            f"{path}: no file may say that code is trusted; take trust_code out, and give {option('trust_code', True)} "
            "where you run it if you trust what the file names"
        )
    tables = {name: data.pop(name) for name in list(data) if name in CHECKS}
    if tables:
        data["parameters"] = tables
    try:
        AuditSpec.model_validate({name: value for name, value in data.items() if name in AuditSpec.model_fields})
    except ValidationError as error:
        raise UsageError(f"{path}: {_first(error)}") from None
    return data


def _loaded(path: Path) -> dict[str, Any]:
    file = typed_path(str(path))
    if not file.exists():
        if path.name in CHECKS:
            raise UsageError(f"there is no file {path}; several checks are one list, as in --checks support,{path}")
        raise UsageError(
            f"there is no file {quoted(str(path))}; give a TOML file, or flags such as --train and --generator"
        )
    if not file.is_file():
        raise UsageError(f"{path} is no file; give a TOML file, or flags such as --train and --generator")
    try:
        # Notepad and PowerShell begin a file with a byte-order mark.
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except RecursionError:
        raise UsageError(f"{path} is not a TOML file that can be read: its brackets are nested too deep") from None
    except (ValueError, OSError) as error:
        raise UsageError(f"{path} is not a TOML file ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    """Return what is wrong with a file's text, and for what a spreadsheet or an editor makes of it, what would do."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8: save it as UTF-8"
    return getattr(error, "strerror", None) or str(error)


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
            valid = [*(f for f in AuditSpec.model_fields if f not in ("parameters", "trust_code")), *CHECKS]
            raise UsageError(f"unknown key {name!r}; {_choices(name, valid)}")
    try:
        return AuditSpec.model_validate(joined)
    except ValidationError as error:
        raise UsageError(_first(error, lambda name: option(name, None))) from None


def _first(error: ValidationError, named: Callable[[str], str] = str) -> str:
    """Say the first thing that is wrong; ``named`` writes the field's name."""
    problem = error.errors()[0]
    field, *inside = map(str, problem["loc"])
    what = problem["msg"].removeprefix("Value error, ")
    got = repr(problem["input"])
    return f"{'.'.join([named(field), *inside])} is {got if len(got) <= _SHOWN else got[:_SHOWN] + '…'}: {what}"


def _choices(name: str, valid: Iterable[str]) -> str:
    options = list(valid)
    close = likely(name, options)
    meant = f"did you mean {close!r}? " if close else ""
    return f"{meant}valid are {', '.join(options)}"
