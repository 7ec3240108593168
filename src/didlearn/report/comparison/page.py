"""The page that sets models side by side: one column per model, every quantity on one axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from didlearn.audit.check import CHECKS
from didlearn.errors import UsageError
from didlearn.report import estimates, provenance
from didlearn.report.comparison.ranking import best_of, ranked
from didlearn.report.declared import directions_of
from didlearn.report.labelled import with_labels
from didlearn.report.page import templates, write
from didlearn.report.pictures.exhibits import Album, Exhibit
from didlearn.report.thrift import Thrift, afford
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Gallery, Verdict

_TELLING: Final = ("memorization", "support")
_STRIP, _ACROSS = 3, 4
_ORDER: Final[tuple[Verdict, ...]] = ("pass", "measured", "inconclusive", "fail", "error", "not_run")
_KEY_ROWS: Final = 2
_SHOWN: Final = 2  # numbers of each check at a glance


@dataclass(frozen=True)
class Strip:
    """The pictures that say most about a model, and the check they come from."""

    check: str
    exhibit: Exhibit


@dataclass(frozen=True)
class Column:
    """What models can be sorted by: a check's verdict, or (``quantity``) its first number."""

    check: str
    cells: tuple[estimates.EstimateRow | Verdict | None, ...]
    keys: tuple[str, ...]
    quantity: estimates.Across | None = None


@dataclass(frozen=True)
class Glance:
    """A table of one row per model."""

    title: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Line:
    """One check across the models: its question, each model's result (``None`` where it was not asked), its numbers."""

    check: str
    question: str
    results: tuple[CheckResult | None, ...]
    numbers: tuple[estimates.Across, ...]


def render_comparison(results: Mapping[str, AuditResult], roots: Mapping[str, Path]) -> str:
    """Render results side by side, one column per model.

    Args:
        results: what each model's audit found, by the model's name.
        roots: the run folder of each, by the same names.

    Returns:
        The page, under the same rules as a report.

    Raises:
        UsageError: there is nothing to compare.
        ResultError: a picture's path leads outside its run folder.
    """
    if not results:
        raise UsageError("nothing to compare; give at least one run folder")
    results = ranked(results)
    audits = list(results.values())
    lines = _lines(audits)
    facts = {
        "names": list(results),
        "results": audits,
        "lines": lines,
        "key_rows": _KEY_ROWS,
        "glances": _glances(lines),
        "answers": [audit.answer for audit in audits],
        "best": best_of(results),
    }

    def rendered(thrift: Thrift) -> str:
        budget = thrift.bytes // len(audits)
        strips = [_strip(result, Path(roots[name]), budget) for name, result in results.items()]
        page = templates().get_template("comparison.html")
        return page.render(scripts=("sort.js", "print.js"), strips=strips, most=thrift.rows, **facts)

    return afford(rendered)


def write_comparison(runs: Sequence[Path], output: Path) -> Path:
    """Render run folders side by side into the file ``output`` and return its path.

    Raises:
        UsageError: no run was given.
        ResultError: a folder holds no result that this version reads.
    """
    results, roots = named_runs(runs)
    return write(Path(output), render_comparison(results, roots))


def named_runs(runs: Sequence[Path]) -> tuple[dict[str, AuditResult], dict[str, Path]]:
    """Load run folders: the results, and the folders, by the models' names, which are told apart.

    Raises:
        ResultError: a folder holds no result that this version reads.
    """
    loaded = [(Path(run), with_labels(AuditResult.load(run), Path(run))) for run in runs]
    names = _distinct_names([provenance.model_name(result) for _, result in loaded], [run.name for run, _ in loaded])
    results = {name: result for name, (_, result) in zip(names, loaded, strict=True)}
    roots = {name: run for name, (run, _) in zip(names, loaded, strict=True)}
    return results, roots


def compared_in_words(results: Mapping[str, AuditResult]) -> str:
    """Say which model is the best, then each one's answer, the best answer first."""
    best = best_of(results)
    lines = [
        f"{name}{' (best)' if name == best.name else ''}: {audit.answer.sentence if audit.answer else 'no answer'}"
        for name, audit in ranked(results).items()
    ]
    return "\n".join([best.sentence, *lines])


def _distinct_names(names: list[str], folders: list[str]) -> list[str]:
    """Tell models of one name apart by their run folder, then by a number."""
    told = [f"{n} ({f})" if names.count(n) > 1 else n for n, f in zip(names, folders, strict=True)]
    return [f"{n} #{told[: i + 1].count(n)}" if told.count(n) > 1 else n for i, n in enumerate(told)]


def _lines(audits: list[AuditResult]) -> list[Line]:
    checks = dict.fromkeys(check.check for audit in audits for check in audit.checks)
    return [_line_of(check, audits) for check in checks]


def _line_of(check: str, audits: list[AuditResult]) -> Line:
    found = tuple(next((c for c in audit.checks if c.check == check), None) for audit in audits)
    question = next((c.question for c in found if c is not None and c.question), "")
    numbers = sorted(estimates.across(audits, check), key=lambda number: _how_telling(check, number))
    return Line(check, question, found, tuple(numbers))


def _how_telling(check: str, number: estimates.Across) -> int:
    """Numbers that tell better from worse come first, in the check's order."""
    declared = list(directions_of(check))
    return declared.index(number.key) if number.key in declared else len(declared)


def _glances(lines: list[Line]) -> list[Glance]:
    """Lay out the verdicts, and the numbers of each check that tell better from worse."""
    verdicts = tuple(_verdicts(line) for line in lines)
    numbers = tuple(Column(line.check, n.cells, n.keys, n) for line in lines for n in _telling_numbers(line))
    glances = [Glance("Verdicts", verdicts), Glance("The numbers that tell most", numbers)]
    return [glance for glance in glances if glance.columns]


def _telling_numbers(line: Line) -> list[estimates.Across]:
    """The first numbers that have a better direction, in the check's order; of a check that is not installed, one."""
    told = [number for number in line.numbers if number.better]
    return told[:_SHOWN] if line.check in CHECKS else list(line.numbers[:1])


def _verdicts(line: Line) -> Column:
    found = tuple(None if check is None else check.verdict for check in line.results)
    return Column(line.check, found, tuple("" if v is None else str(_ORDER.index(v)) for v in found))


def _strip(result: AuditResult, root: Path, budget: int) -> Strip | None:
    """Choose the first gallery of the check that most needs to be seen: copies, then duplicates, then any failure."""
    shown = [check for check in result.checks if check.galleries]
    if not shown:
        return None
    check = min(shown, key=_telling_rank)
    gallery = _narrow(check.galleries[0])
    return Strip(check.check, Album(root, _STRIP, budget // 24).exhibit(gallery, _STRIP))


def _narrow(gallery: Gallery) -> Gallery:
    """Keep as many columns as models side by side leave room for."""
    rows = tuple(row[:_ACROSS] for row in gallery.rows) if gallery.columns else gallery.rows
    return gallery.model_copy(update={"columns": gallery.columns[:_ACROSS], "rows": rows})


def _telling_rank(check: CheckResult) -> tuple[bool, int]:
    known = check.check in _TELLING
    failed = check.verdict == "fail"
    order = _TELLING if failed else _TELLING[::-1]
    return not failed, order.index(check.check) if known else len(_TELLING)
