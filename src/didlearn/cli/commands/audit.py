"""``didlearn audit``, and a command for each check: the same flags, and the check's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from didlearn.audit.check import Check
from didlearn.audit.spec import WORK
from didlearn.cli.options import Flag, check_flags, shared_flags, spec_flags, with_flags

_BUDGET = "budget"
_RUN = (
    Flag("output", "--output -o", Path | None, "Run folder (default runs/GENERATOR).", WORK),
    Flag("fail_on", "--fail-on", str | None, "Exit with 1 on fail, inconclusive, or never (default fail).", WORK),
    Flag("junit", "--junit", Path | None, "Write JUnit's XML here too, for a CI server.", WORK),
    Flag("markdown", "--markdown", Path | None, "Write a scorecard here too, for a pull request.", WORK),
    Flag("history", "--history", Path | None, "Append the answers to this file of JSON lines.", WORK),
    Flag("step", "--step", int | None, "Of the training: this checkpoint's place in the history.", WORK),
    Flag("json", "--json", bool, "Print audit.json on stdout.", WORK),
    Flag("quiet", "--quiet -q", bool, "No progress on stderr.", WORK),
)


def audit_command() -> Callable[..., None]:
    """Make the command that runs every check."""
    return with_flags(
        _run(None), [*spec_flags(), *shared_flags(), *_RUN], "Run every check the inputs allow, and write a report."
    )


def check_command(check: type[Check]) -> Callable[..., None]:
    """Make the command that runs one check."""
    flags = [*spec_flags(without=("checks",)), *_RUN]
    own = check_flags(check, taken=[name for flag in flags for name in (flag.name, *_called(flag)) if name != _BUDGET])
    if _BUDGET in check.parameters():  # one flag for both: a number is the check's own, and a time is for all of it
        flags = [flag for flag in flags if flag.name != _BUDGET]
        own = [_or_time(flag) if flag.name == _BUDGET else flag for flag in own]
    return with_flags(_run(check.name), [*own, *flags], check.summary or check.question)


def _or_time(flag: Flag) -> Flag:
    meaning, default = flag.help.rsplit(" (", 1)
    return replace(flag, kind=str | None, help=f"{meaning}; or time for the check, as in 20m ({default}")


def _called(flag: Flag) -> list[str]:
    return [word.removeprefix("--").replace("-", "_") for word in flag.written.split()]


def _run(check: str | None) -> Callable[[Mapping[str, Any]], int]:
    def run(given: Mapping[str, Any]) -> int:
        from didlearn.cli.commands.auditing import run_audit

        return run_audit(given, check)

    return run
