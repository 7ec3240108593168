"""Flags, made from what the audit and the checks declare, and how those that cannot be used are refused."""

from __future__ import annotations

import inspect
import itertools
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from didlearn import naming
from didlearn.audit.check import Check
from didlearn.audit.habits import likely
from didlearn.audit.spec import MEASURE, AuditSpec
from didlearn.checks import CHECKS
from didlearn.errors import UsageError

_OWN_PANEL = "This check"
SHARED = ("samples", "level")  # parameters of several checks that have one flag for all of them
_CALLED = {"parameters": "set"}
_SHORT = {"samples": "-n"}


@dataclass(frozen=True)
class Flag:
    """A flag of a command.

    Attributes:
        name: of the value it gives. written: "--name -n". kind: what typer reads it as; ``None`` is not given.
        help: one sentence. panel: of the help.
    """

    name: str
    written: str
    kind: Any
    help: str
    panel: str

    @property
    def parameter(self) -> inspect.Parameter:
        """The same as a parameter of a function that typer can read."""
        default = False if self.kind is bool else None
        annotation = _annotated(self.kind, flag_option(self.written, self.help, self.panel))
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def flag_option(written: str, help_: str, panel: str, **more: Any) -> Any:
    """Declare a flag, "--name -n", in a panel of the help."""
    return typer.Option(*written.split(), help=help_, rich_help_panel=panel, show_default=False, **more)


def declared(name: str) -> Any:
    """Declare the flag of an option of audits for a command that takes it too."""
    flag = next(flag for flag in spec_flags() if flag.name == name)
    return flag_option(flag.written, flag.help, flag.panel)


def spec_flags(without: Iterable[str] = ()) -> list[Flag]:
    """Return a flag for each field of ``AuditSpec``."""
    return [_spec_flag(name) for name in AuditSpec.model_fields if name not in without]


def _spec_flag(name: str) -> Flag:
    field = AuditSpec.model_fields[name]
    extra: Any = field.json_schema_extra
    written = f"--{_CALLED.get(name, name).replace('_', '-')} {extra['short']}"
    help_ = _with_default(field.description or "", field.default)
    return Flag(name, written, _kind(field.annotation), help_, extra["panel"])


def check_flags(check: type[Check], taken: Iterable[str], panel: str = _OWN_PANEL) -> list[Flag]:
    """Return a flag for each parameter of a check whose name is not ``taken``: such a one is given with --set."""
    hints = get_type_hints(check)
    fields = {name: field for name, field in check.parameters().items() if name not in set(taken)}
    return [
        Flag(
            name,
            _written(name, switched_off=field.default is True),
            str | None if name == "samples" else _kind(hints[name]),
            _with_default(field.metadata.get("description", ""), field.default),
            panel,
        )
        for name, field in fields.items()
    ]


def shared_flags() -> list[Flag]:
    """Return the flags that set a parameter of every check that has it."""
    flags = []
    for name in SHARED:
        check = next(check for check in CHECKS.values() if name in check.parameters())
        (flag,) = check_flags(check, set(check.parameters()) - {name}, MEASURE)
        flags.append(replace(flag, help=check.parameters()[name].metadata["description"]))  # defaults differ
    return flags


def with_flags(run: Callable[[Mapping[str, Any]], int], flags: Sequence[Flag], help_: str) -> Callable[..., None]:
    """Make a command of ``run``, which takes an audit file and these flags as typed and returns the exit code."""

    def command(**given: Any) -> None:
        raise typer.Exit(run(given))

    file = _annotated(Path | None, typer.Argument(help="A TOML file that says all this.", show_default=False))
    spec = inspect.Parameter("spec", inspect.Parameter.KEYWORD_ONLY, annotation=file, default=None)
    command.__signature__ = inspect.Signature([spec, *(flag.parameter for flag in flags)])  # type: ignore[attr-defined]
    command.__annotations__ = {}
    command.__doc__ = help_
    return command


def _annotated(kind: Any, declared: Any) -> Any:
    """What a function's signature would write as ``Annotated[kind, declared]``."""
    annotated: Any = Annotated
    return annotated[kind, declared]


def _kind(annotation: Any) -> Any:
    """What typer reads a field of this type as: a switch, repeatable text, text, or the type itself."""
    inner = _present(annotation)
    if inner is bool:
        return bool | None
    if get_origin(inner) is dict:
        return list[str] | None
    if get_origin(inner) is tuple and get_args(inner)[-1] is ...:
        return list[str] | None if get_args(inner)[0] is str else str | None
    return inner | None


def _present(annotation: Any) -> Any:
    """Take ``| None`` and what is annotated off a type."""
    if get_origin(annotation) is Annotated:
        return _present(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _present(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def _written(name: str, *, switched_off: bool) -> str:
    dashed = name.replace("_", "-")
    return f"--{dashed}/--no-{dashed}" if switched_off else f"--{dashed} {_SHORT.get(name, '')}".strip()


def _with_default(help_: str, default: Any) -> str:
    """Name the default at the end of a sentence, where there is one to name."""
    if default is None or default is False or default in ((), {}):
        return help_
    shown = "yes" if default is True else f"{default:g}" if isinstance(default, float) else default
    return f"{help_.rstrip('.')} (default {shown})."


def read_settings(pairs: Sequence[str], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Read NAME=VALUE settings, beside those that have a flag of their own (``None``: not given).

    Raises:
        UsageError: one is no such pair, or a name is given twice.
    """
    settings = {name: value for name, value in flags.items() if value is not None}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (equals and name):
            raise UsageError(f"--set is {pair!r}; give NAME=VALUE, as in --set steps=1000")
        if name in settings:
            raise UsageError(f"{name} is given twice; give it once")
        settings[name] = value
    return settings


def unknown_flag(flag: str, values: Sequence[str], known: Iterable[str]) -> str:
    """Say that there is no such flag, which one is meant, and which are valid.

    Args:
        flag: as typed. values: what was typed after it. known: the flags that there are.
    """
    valid = sorted(name for name in known if name.startswith("--"))
    meant = likely(flag.strip("-").replace("-", "_"), [name[2:].replace("-", "_") for name in valid])
    listed = f"valid are {', '.join(valid)}"
    if meant is None:
        return f"there is no flag {flag}; {listed}"
    written = f"--{meant.replace('_', '-')}"
    if written == "--device" and values and values[0].isdigit():
        written += f" cuda:{values[0]}"
    elif written == "--checks" and values:
        written += f" {','.join(values)}"
    return f"there is no flag {flag}; did you mean {written}? {listed}"


def _values(flag: str, args: Sequence[str]) -> list[str]:
    """Return what was typed for a flag, up to the next one."""
    place = next(i for i, word in enumerate(args) if word.split("=", 1)[0] == flag)
    if "=" in args[place]:
        return [args[place].split("=", 1)[1]]
    return list(itertools.takewhile(lambda word: not word.startswith("-"), args[place + 1 :]))


class OnceOnly(TyperCommand):
    """A command that refuses unknown flags with the list of valid ones, and a flag given twice."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Look at the flags as typed, before anything takes the last of two."""
        known = {flag: param for param in self.params for flag in (*param.opts, *param.secondary_opts)}
        known |= {"--help": None}  # type: ignore[dict-item]
        seen: set[str] = set()
        for flag in (word.split("=", 1)[0] for word in args if word.startswith("-") and word.strip("-")):
            if flag.startswith("--") and flag not in known:
                raise UsageError(unknown_flag(flag, _values(flag, args), known))
            param = known.get(flag)
            if param is not None and param.name in seen and not getattr(param, "multiple", False):
                raise UsageError(f"{flag} is given twice; give it once")
            seen |= {param.name} if param is not None and param.name else set()
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; whatever it says of an option names the flag."""
        before = naming.naming_style()
        naming.name_as("flag")
        try:
            return super().invoke(ctx)
        finally:
            naming.name_as(before)
