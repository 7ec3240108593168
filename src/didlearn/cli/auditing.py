"""What the ``audit`` command does once its flags are read: run, show, write, and choose the exit code."""

from __future__ import annotations

import json as json_
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from didlearn.audit.run import audit
from didlearn.audit.spec import AuditSpec, make_spec, read_toml
from didlearn.checks import CHECKS
from didlearn.cli.progress import showing
from didlearn.errors import UsageError
from didlearn.report import write_report
from didlearn.result.files import AuditResult

_FAIL_ON = {"fail": {"fail"}, "inconclusive": {"fail", "inconclusive"}, "never": set[str]()}
_COLOURS = {"pass": "green", "fail": "red", "inconclusive": "yellow", "measured": "blue", "error": "magenta"}


def run_audit(
    spec: Path | None,
    flags: Mapping[str, Any],
    *,
    outside: list[str],
    checks: str,
    samples: str | None,
    level: float | None,
    settings: list[str],
    output: Path | None,
    fail_on: str,
    json: bool,
    quiet: bool,
) -> int:
    """Run an audit from a file and flags; return the exit code (0 nothing failed, 1 a check failed, 2 an error)."""
    if fail_on not in _FAIL_ON:
        raise UsageError(f"--fail-on is {fail_on!r}; valid are {', '.join(_FAIL_ON)}")
    sources = [read_toml(spec)] if spec is not None else []
    asked = make_spec(*sources, _flag_fields(flags, outside, checks))
    asked = make_spec(
        asked.model_dump(exclude_unset=True), {"parameters": _parameters(asked, samples, level, settings)}
    )
    if asked.generator is None and asked.train is None:
        raise UsageError("nothing to audit: give --generator and --train, or a TOML file that names them")
    folder = output or Path("runs") / _run_name(asked)
    with showing(quiet) as advance:
        result = audit(**asked.arguments(), output=folder, progress=advance)
        page = write_report(folder)
    if json:
        print(json_.dumps(result.model_dump(mode="json"), indent=1, allow_nan=False))
    else:
        _show(result, page)
    return _exit_code(result, fail_on)


def _flag_fields(flags: Mapping[str, Any], outside: list[str], checks: str) -> dict[str, Any]:
    fields = dict(flags)
    if "latent_shape" in fields:
        fields["latent_shape"] = _shape(fields["latent_shape"])
    if checks:
        fields["checks"] = [name.strip() for name in checks.split(",") if name.strip()]
    if outside:
        fields["outside"] = _outside(outside)
    return fields


def _shape(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+([,x ]\d+)*", text):
        raise UsageError(f"--latent-shape is {text!r}; give whole numbers, as in 100 or 128,1,1")
    return tuple(int(part) for part in re.split(r"[,x ]", text))


def _outside(pairs: list[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for pair in pairs:
        name, equals, spec = pair.partition("=")
        if not (equals and name and spec):
            raise UsageError(f"--outside is {pair!r}; give NAME=SPEC, as in --outside svhn=svhn.npz")
        if name in named:
            raise UsageError(f"--outside {name} is given twice; give each data set a name of its own")
        named[name] = spec
    return named


def _parameters(spec: AuditSpec, samples: str | None, level: float | None, settings: list[str]) -> dict[str, Any]:
    """Spread --samples and --level over the checks that have them, then apply --set."""
    fields: dict[str, dict[str, Any]] = {name: {} for name in spec.checks or CHECKS}
    common = {"samples": None if samples is None else _count(samples), "level": level}
    for name, values in fields.items():
        known = CHECKS[name].__dataclass_fields__ if name in CHECKS else {}  # type: ignore[attr-defined]
        values |= {key: value for key, value in common.items() if value is not None and key in known}
    for setting in settings:
        target, equals, value = setting.partition("=")
        check, dot, parameter = target.partition(".")
        if not (equals and dot):
            raise UsageError(f"--set is {setting!r}; give CHECK.PARAMETER=VALUE, as in --set support.factor=3")
        fields.setdefault(check, {})[parameter] = value
    return fields


def _count(text: str) -> int:
    match = re.fullmatch(r"(\d+)([kK]?)", text.strip())
    if match is None:
        raise UsageError(f"--samples is {text!r}; give a whole number, as in 20000 or 20k")
    return int(match[1]) * (1000 if match[2] else 1)


def _run_name(spec: AuditSpec) -> str:
    source = spec.generator or spec.train or "run"
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(source).name).strip("-") or "run"


def _show(result: AuditResult, page: Path) -> None:
    console = Console(file=sys.stdout)
    table = Table(box=None, padding=(0, 2, 1, 0), show_header=False)
    for check in result.checks:
        colour = _COLOURS.get(check.verdict, "white")
        table.add_row(check.check, f"[{colour}]{check.verdict}[/]", escape(check.answer))
    console.print(table)
    console.print(f"report: {page}", markup=False, highlight=False, soft_wrap=True)


def _exit_code(result: AuditResult, fail_on: str) -> int:
    verdicts = {check.verdict for check in result.checks}
    if "error" in verdicts:
        return 2
    return 1 if verdicts & _FAIL_ON[fail_on] else 0
