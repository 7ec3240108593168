"""What the ``audit`` command does: read its flags, run, show, write, and choose the exit code.

Nothing heavy is imported before the flags are read: one that cannot be used is refused at once.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from didlearn.audit.outside_names import refuse_taken_names
from didlearn.audit.spec import AuditSpec, make_spec, read_arguments, read_toml
from didlearn.checks import CHECKS
from didlearn.cli.aside import printing_aside
from didlearn.cli.progress import showing
from didlearn.cli.shown import shown
from didlearn.cli.stops import Checks, heed_termination, stopping
from didlearn.errors import UsageError

if TYPE_CHECKING:
    from didlearn.result.files import AuditResult

_LONGEST_NAME = 80  # characters of a run folder's name
_FAIL_ON = ("fail", "inconclusive", "never")
_COLOURS = {"pass": "green", "fail": "red", "inconclusive": "yellow", "measured": "blue", "error": "magenta"}


def run_audit(given: Mapping[str, Any], check: str | None) -> int:
    """Run an audit, or one check alone.

    Args:
        given: the audit file (``spec``) and the flags by name, as typed; ``None`` where one is not given.
        check: the one to run; those that are asked for when ``None``.

    Returns:
        The exit code, as ``exit_code`` chooses it.
    """
    fail_on = given["fail_on"] or "fail"
    if fail_on not in _FAIL_ON:
        raise UsageError(f"--fail-on is {fail_on!r}; valid are {', '.join(_FAIL_ON)}")
    asked = read_asked(given, check)
    if asked.generator is None and asked.train is None:
        raise UsageError("nothing to audit: give --generator and --train, or a TOML file that names them")
    folder = given["output"] or Path("runs") / _run_name(asked)
    refuse_taken_names(asked.outside)
    _check_passed_on(given)
    result, page = audited(asked.arguments(), folder, given["quiet"])
    _pass_on(result, given, fail_on, asked.checks)
    if given["json"]:
        print(json.dumps(result.model_dump(mode="json"), indent=1, allow_nan=False))
    else:
        _show(result, page)
    return exit_code(result, fail_on, asked.checks)


def audited(arguments: dict[str, Any], folder: Path, quiet: bool) -> tuple[AuditResult, Path]:
    """Run the audit, which writes its page."""
    from didlearn.audit.run import audit
    from didlearn.report import PAGE_NAME

    heed_termination()
    with showing(quiet, folder) as advance:
        checks = Checks(advance, folder)
        with stopping(checks.standing), printing_aside():
            return audit(**arguments, output=folder, progress=checks), folder / PAGE_NAME


def _check_passed_on(given: Mapping[str, Any]) -> None:
    """Refuse files beside the run folder that cannot be written, and a step that is none."""
    from didlearn.readiness.outputs import check_file

    for name in ("junit", "markdown", "history"):
        if given[name] is not None:
            check_file(given[name], name)
    if given["step"] is not None and given["history"] is None:
        raise UsageError("--step is the place in a history; give --history too")
    if given["step"] is not None and given["step"] < 0:
        raise UsageError(f"--step is {given['step']}; give a step of the training, 0 or more")
    if given["history"] is not None and given["history"].exists():
        from didlearn.result.passed_on.history import read_history

        read_history(given["history"])


def _pass_on(result: AuditResult, given: Mapping[str, Any], fail_on: str, asked: Sequence[str]) -> None:
    """Write what was asked for beside the run folder."""
    from didlearn.atomic import atomically
    from didlearn.result.passed_on.junit import FAILING, junit_of

    texts: dict[str, Callable[[], str]] = {
        "junit": partial(junit_of, result, FAILING[fail_on], asked),
        "markdown": result.to_markdown,
    }
    for name, text in texts.items():
        file: Path | None = given[name]
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            atomically(file, partial(_write, text()))
    if given["history"] is not None:
        result.append_history(given["history"], given["step"])


def _write(text: str, file: Path) -> None:
    file.write_bytes(text.encode("utf-8", "replace"))  # a file name that was no UTF-8 holds lone surrogates


def read_asked(given: Mapping[str, Any], check: str | None) -> AuditSpec:
    """Read the audit file, if there is one, and the flags, which win.

    Raises:
        UsageError: the file or a flag cannot be used.
    """
    file = [] if given["spec"] is None else [read_toml(given["spec"])]
    typed = {name: value for name in AuditSpec.model_fields if (value := given.get(name)) not in (None, [])}
    settings = [*typed.pop("parameters", [])]
    if check is not None and str(typed.get("budget")).isdigit() and "budget" in CHECKS[check].parameters():
        settings.append(f"{check}.budget={typed.pop('budget')}")  # no time: the check's own, gradients of a chain
    if "outside" in typed:
        typed["outside"] = _outside(typed["outside"])
    if "architecture_arguments" in typed:
        typed["architecture_arguments"] = read_arguments(typed["architecture_arguments"])
    if check is not None:
        typed["checks"] = [check]
    asked = make_spec(*file, typed)
    parameters = {"parameters": _parameters(asked.checks or tuple(CHECKS), given, settings)}
    return make_spec(asked.model_dump(exclude_unset=True), parameters)


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


def _parameters(checks: Sequence[str], given: Mapping[str, Any], settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Give each check those of its parameters that have a flag, then those of --set."""
    fields = {name: _typed(name, given) for name in checks}
    for setting in settings:
        target, equals, value = setting.partition("=")
        check, dot, parameter = target.partition(".")
        if not (equals and dot):
            raise UsageError(f"--set is {setting!r}; give CHECK.PARAMETER=VALUE, as in --set support.factor=3")
        fields.setdefault(check, {})[parameter] = value
    return fields


def _typed(check: str, given: Mapping[str, Any]) -> dict[str, Any]:
    known = CHECKS[check].parameters() if check in CHECKS else {}
    flags = {name: given[name] for name in known if name not in AuditSpec.model_fields and given.get(name) is not None}
    if "samples" in flags:
        flags["samples"] = _count(flags["samples"])
    return flags


def _count(text: str) -> int:
    match = re.fullmatch(r"(\d+)([kK]?)", text.strip())
    if match is None:
        raise UsageError(f"--samples is {text!r}; give a whole number, as in 20000 or 20k")
    return int(match[1]) * (1000 if match[2] else 1)


def _run_name(spec: AuditSpec) -> str:
    source = spec.generator or spec.train or "run"
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(source).name).strip("-")[:_LONGEST_NAME] or "run"


def _show(result: AuditResult, page: Path) -> None:
    console = Console(file=sys.stdout)
    if result.answer is not None and len(result.checks) > 1:
        console.print(f"[bold]{escape(shown(result.answer.sentence))}[/]\n")
    table = Table(box=None, padding=(0, 2, 1, 0), show_header=False)
    for check in result.checks:
        colour = _COLOURS.get(check.verdict, "white")
        table.add_row(escape(shown(check.check)), f"[{colour}]{check.verdict}[/]", escape(shown(check.answer)))
    console.print(table)
    console.print(f"report: {shown(page)}", markup=False, highlight=False, soft_wrap=True)


def exit_code(result: AuditResult, fail_on: str, asked: Sequence[str]) -> int:
    """Choose the exit code of an audit, and say on stderr why it is 2.

    Args:
        result: what was found. fail_on: verdicts that exit with 1. asked: the checks asked for by name.

    Returns:
        2 where a check ended in an error, one that was asked for could not run, or none did that judges (a gate that
        lost its generator must not be green); else 1 where a judged check failed, else 0.
    """
    verdicts = {check.check: check.verdict for check in result.checks}
    judging = [name for name, verdict in verdicts.items() if verdict != "not_run" and CHECKS[name].judged]
    idle = [name for name, verdict in verdicts.items() if verdict == "not_run" and name in asked]
    if "error" in verdicts.values():
        return 2
    if idle:
        print(f"error: {', '.join(idle)} could not run", file=sys.stderr)
        return 2
    if not judging and not asked:
        print("error: no check ran that judges; give what their reasons name", file=sys.stderr)
        return 2
    from didlearn.result.passed_on.junit import FAILING

    return 1 if set(verdicts.values()) & FAILING[fail_on] else 0
