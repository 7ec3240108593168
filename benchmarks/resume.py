"""What a kill costs: an audit killed (signal 9) at random moments, resumed each time, against one without a break.

    python benchmarks/resume.py --kills 20                       # the digits' sound generator, every check
    python benchmarks/resume.py --kills 4 -- --set likelihood.budget=240

Reported are the processor time of all runs together over that of the one, and whether ``audit.json`` is the same but
for times. What follows ``--`` are further flags of the audit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SOUND = Path(__file__).parents[1] / "examples" / "digits" / "sound"


def seconds_of(command: list[str], kill_after: float | None = None) -> tuple[float, float, bool]:
    """Run a command: its processor time and wall time, and whether it ended by itself."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(kill_after)
        ended = True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        ended = False
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, time.monotonic() - began, ended


def plain(folder: Path) -> Any:
    """What ``audit.json`` says, but for times."""
    whole = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    for name in ("date", "command"):
        whole["environment"].pop(name)
    for check in whole["checks"]:
        check.pop("seconds")
    return whole


def main() -> None:
    """Print what the kills cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--generator", default=str(SOUND))
    parser.add_argument("--train", default="digits")
    parser.add_argument("flags", nargs="*", help="of the audit, after --")
    args = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as for a user
    command = [sys.executable, "-m", "didlearn", "audit", "--generator", args.generator]
    command += ["--train", args.train, "-q", *args.flags, "--output"]
    rng, folder = random.Random(args.seed), Path(tempfile.mkdtemp())
    try:
        whole, wall, _ = seconds_of([*command, str(folder / "whole")])
        print(f"without a break: {whole:.0f} s of processor time, {wall:.0f} s", flush=True)
        spent, killed = 0.0, 0
        # Moments evenly over the run, of which each resumed one sees its next part.
        while killed < args.kills:
            part, _, ended = seconds_of([*command, str(folder / "killed")], rng.uniform(0.2, 2.0) * wall / args.kills)
            spent += part
            killed += not ended
            if ended:
                break
        last, _, _ = seconds_of([*command, str(folder / "killed")])
        spent += last
        same = plain(folder / "killed") == plain(folder / "whole")
        print(f"killed {killed} times: {spent:.0f} s, {spent / whole:.2f} x; audit.json the same but for times: {same}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
