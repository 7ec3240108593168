"""The checks of an audit, one after another."""

from __future__ import annotations

import math
from pathlib import Path

from didlearn.audit.check import Check
from didlearn.audit.kept import kept_in
from didlearn.audit.running.budget import TimeBudget, foretell, passes_of
from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.progress import CHECKS_DONE, LATER
from didlearn.readiness.outputs import storing
from didlearn.result.answer import answer_of
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult


def run_checks(
    checks: list[Check],
    subject: Subject,
    audited: AuditResult,
    output: Path | None,
    budget: TimeBudget | None,
    *,
    restart: bool,
) -> AuditResult:
    """Run the checks that the run folder does not hold, and save the audit after each.

    Args:
        checks: as they are asked, in their order. subject: of all of them. audited: the audit that begins, without any.
        output: the run folder, if there is one. budget: their time, if it is limited. restart: take nothing over.

    Raises:
        UsageError: the folder holds an audit of something else. StorageError: it cannot be written to any more.
    """
    kept = kept_in(None if restart else output, audited)
    if kept.differs:
        subject.progress(f"what {output} holds is asked again: {kept.differs}", 0, 0)
    asked = {check.name: kept.of(check, None if budget is None else budget.text) for check in checks}
    # What is kept stands in the file from the first save on: a kill later must not lose it.
    results = {name: result for name, known in kept.results.items() if (result := asked.get(name, known)) is not None}
    audited = _with_results(audited, results, checks)
    most_drawn = math.inf if budget is None else budget.most_drawn(subject)
    open_ = [check for check in checks if asked[check.name] is None]
    foreseen = foretell(open_, subject, most_drawn)
    if foreseen:
        subject.progress(foreseen, 0, 0)
    takes = passes_of(open_, subject) if budget is None else {}  # a budget chooses how many when it is their turn
    for number, check in enumerate(checks):
        subject.progress(CHECKS_DONE, number, len(checks))
        later = [passes for other in checks[number + 1 :] if (passes := takes.get(other.name))]
        if later:
            subject.progress(LATER, round(sum(later)), len(later))
        if asked[check.name] is not None:
            subject.progress(f"{check.name}: kept from the run before", 0, 0)
            continue
        why = kept.changed(check, None if budget is None else budget.text)
        subject.progress(f"check: {check.name}", 0, 0)
        if why:
            subject.progress(f"{check.name} is asked again: {why}", 0, 0)
        results[check.name] = (
            run_check(check, subject) if budget is None else budget.run(check, checks[number + 1 :], subject, run_check)
        )
        audited = _with_results(audited, results, checks)
        if output is not None:
            with storing(output):
                audited.save(output)
    if checks:
        subject.progress(CHECKS_DONE, len(checks), len(checks))
    return audited


def _with_results(audited: AuditResult, results: dict[str, CheckResult], checks: list[Check]) -> AuditResult:
    """Return the audit with results in the order asked for, then those that an earlier run left, and their answer."""
    order = dict.fromkeys([*(check.name for check in checks), *results])
    done = tuple(results[name] for name in order if name in results)
    return audited.model_copy(update={"checks": done, "answer": answer_of(done) if done else None})
