"""Run one check on a subject."""

from __future__ import annotations

import time
import traceback

from didlearn.audit.check import Check
from didlearn.audit.running.budget import OutOfTime
from didlearn.audit.subject import Subject
from didlearn.errors import DidlearnError, StorageError
from didlearn.result.values import CheckResult
from didlearn.rng import Stream
from didlearn.units.memory import noted


def run_check(check: Check, subject: Subject) -> CheckResult:
    """Run one check; whatever goes wrong inside becomes its verdict, and the other checks go on.

    Raises:
        StorageError: the run folder cannot be written to any more. OutOfTime: the time that it was given is spent.
    """
    started = time.perf_counter()
    reason = check.missing(subject)
    if reason is not None:
        result = CheckResult(check=check.name, verdict="not_run", reason=reason, answer=f"Not run: {reason}")
    else:
        try:
            subject.expect(check.passes(subject) if check.efforts else 0.0)
            with noted() as shortage:
                result = check.run(subject, Stream(subject.seed, (check.name,)))
            if shortage.note:
                result = result.model_copy(update={"notes": (*result.notes, shortage.note)})
        except (StorageError, OutOfTime):  # no check's own failure: the others could not be kept, or have their turn
            raise
        except DidlearnError as error:
            result = CheckResult(check=check.name, verdict="error", reason=str(error), answer=f"No answer: {error}")
        except Exception as error:  # noqa: BLE001 (one check's failure must not lose the others' answers)
            reason = f"{type(error).__name__}: {error}"
            trace = traceback.format_exc(limit=-3)
            result = CheckResult(
                check=check.name, verdict="error", reason=reason, answer=f"No answer: {reason}", notes=(trace,)
            )
    seconds = time.perf_counter() - started
    update = {"question": check.question, "params": check.params(), "seconds": round(seconds, 3)}
    return result.model_copy(update=update)
