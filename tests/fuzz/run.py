"""The long run: ``python -m tests.fuzz.run --count 1000`` files for each reader, in processes that may die of them.

Each file must be answered within 5 seconds of work and 1.5 GB, by a result or an error of didlearn, and by no signal.
What was not is kept in the folder of findings, with what happened.
"""

import argparse
import collections
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.fuzz.mutations import numbered
from tests.fuzz.targets import TARGETS, Case

SECONDS, BYTES, WAITED = 5.0, 1_500_000_000, 60


def main():
    """Run every target, or those named; exit with 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--count", type=int, default=1000, help="files for each target")
    parser.add_argument("--start", type=int, default=0, help="number of the first file")
    parser.add_argument("--minutes", type=float, default=1e9, help="for each target at most")
    parser.add_argument("--findings", type=Path, default=Path("runs/fuzz"))
    asked = parser.parse_args()
    found = 0
    for name in asked.targets:
        count, findings = run(name, asked)
        found += sum(findings.values())
        sys.stdout.write(f"{name}: {count} files, {sum(findings.values())} findings {dict(findings)}\n")
        sys.stdout.flush()
    raise SystemExit(1 if found else 0)


def run(name, asked):
    """Fuzz one target; return how many files were read, and what was found."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    os.environ["HF_DATASETS_CACHE"] = str(folder / "cache")
    number, until = asked.start, time.monotonic() + 60 * asked.minutes
    findings: collections.Counter[str] = collections.Counter()
    try:
        while number < asked.start + asked.count and time.monotonic() < until:
            status, number = worker(name, folder, number, asked.start + asked.count, until)
            if status:
                said = (folder / "said").read_text().strip() if (folder / "said").exists() else ""
                kind = (
                    signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else said.splitlines()[-1][:100]
                )
                keep(name, folder, number, asked.findings, f"{kind}\n{said}")
                findings[kind] += 1
                number += 1
    finally:
        shutil.rmtree(folder)
    return number - asked.start, findings


def keep(name, folder, number, findings, said):
    """Keep a file that was not answered as it should."""
    findings.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace(' ', '-')}-{number}"
    shutil.copyfile(folder / "case" / TARGETS[name].file, findings / f"{stem}{Path(TARGETS[name].file).suffix}")
    (findings / f"{stem}.txt").write_text(said, encoding="utf-8", errors="replace")


def worker(name, folder, number, end, until):
    """Read files in a fork until one is not answered; return how it ended, and the number it was at."""
    (folder / "said").unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work(name, folder, number, end, until)
            code = 0
        except BaseException as error:  # noqa: BLE001 (the finding)
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = "".join(traceback.format_exception(error))
            (folder / "said").write_text(
                f"{text}\n{type(error).__name__} at {where.filename.split('/')[-1]}:{where.lineno}"
            )
        os._exit(code)
    _, status = os.waitpid(child, 0)
    return status, int((folder / "at").read_text())


def work(name, folder, number, end, until):
    """Read one file after another."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    case = Case(TARGETS[name], folder / "case")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    resource.setrlimit(resource.RLIMIT_DATA, (used + BYTES, used + BYTES))
    while number < end and time.monotonic() < until:
        (folder / "at").write_text(str(number))
        case.write(numbered(name, number))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(WAITED)
        case.read()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        number += 1
    (folder / "at").write_text(str(number))


if __name__ == "__main__":
    main()
