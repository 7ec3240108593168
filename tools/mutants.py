"""Plant small faults in a module, one at a time, and see which ones its tests do not notice.

    python tools/mutants.py src/didlearn/checks/sameness.py --tests tests/checks/test_sameness.py --most 60
    python tools/mutants.py                      # every module that decides something: `make mutants`

The tests run once as they are, to learn which of them enter which function. Then each fault is tried by the files that
enter its function, those tests first; it survives if all pass. Tests that start another Python see no fault there.
Survivors that were looked at and do no harm stand in tests/mutants.toml, each with the reason, and are not counted.
Exit code 1: more than a tenth of the others survive.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import CodeType
from typing import NamedTuple

# Threads do not outlive a fork: torch and OpenBLAS must not start any.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

from mutations import Mutant, find_mutants
from trial import Order, Package, entering, module_name, run_forks, run_pytest, watch

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "didlearn"
HARMLESS = ROOT / "tests" / "mutants.toml"
DECIDING = (
    "checks/*.py", "checks/log_likelihood/*.py", "checks/*/measure.py", "checks/*/verdict.py",
    "result/answer.py", "result/effects.py",
)  # fmt: skip
TOLERATED = 0.1
_GRACE, _SLOWER = 20.0, 4.0  # a fault that takes longer than seconds + times the tests' own time is stopped

Key = tuple[str, str, str, str]


class Verdict(NamedTuple):
    """One fault, whether it survived, and what is to be said of it."""

    mutant: Mutant
    survived: bool
    note: str = ""


def find_tests(path: Path) -> list[Path]:
    """Return the test files that import a module; where none does, those of the mirrored folder."""
    name, mirrored = module_name(path, SOURCE), ROOT / "tests" / path.relative_to(SOURCE).parent
    found = [test for test in sorted((ROOT / "tests").rglob("test_*.py")) if name in imported(test)]
    return found or sorted(mirrored.glob("test_*.py"))


def imported(path: Path) -> set[str]:
    """Return the modules that a file names in its imports, and ``module.name`` for every name taken from one."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def draw(tree: ast.Module, most: int, seed: str) -> list[Mutant]:
    """Return all faults of a module, or ``most`` of them drawn by ``seed``."""
    mutants = find_mutants(tree)
    return mutants if len(mutants) <= most else random.Random(seed).sample(mutants, most)


def try_module(path: Path, tests: Sequence[Path], most: int, seed: int, jobs: int) -> Iterator[Verdict]:
    """Yield what becomes of each fault, in the order in which they end."""
    tree, name = ast.parse(path.read_text(encoding="utf-8")), module_name(path, SOURCE)
    mutants = draw(tree, most, f"{seed} {name}")
    if not mutants:
        return
    watched, package = watch(path, tests, SOURCE.name), Package(SOURCE)
    by_function = entering(tree, watched)
    met = {mutant: by_function.get(mutant.within, set()) for mutant in mutants}
    yield from (Verdict(mutant, True, "no test enters it") for mutant in mutants if not met[mutant])

    def trial(mutant: Mutant) -> Callable[[], int]:
        code = mutant.compile(tree, str(path))
        return partial(_meet, package, name, code, tests, Order(met[mutant], watched.seconds))

    works = ((mutant, trial(mutant)) for mutant in mutants if met[mutant])
    for mutant, code in run_forks(works, jobs, _GRACE + _SLOWER * sum(watched.seconds.values())):
        yield Verdict(mutant, code == 0, "stopped at its deadline" if code is None else "")


def _meet(package: Package, name: str, code: CodeType, tests: Sequence[Path], order: Order) -> int:
    package.code[name] = code
    sys.meta_path.insert(0, package)
    return run_pytest(tests, order)


def read_harmless(path: Path) -> dict[Key, str]:
    """Return the survivors that do no harm, (file, function, original, mutated), and why each does none."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("harmless", [])
    return {(e["file"], e["function"], e["original"], e["mutated"]): e["why"] for e in entries}


def key(path: Path, mutant: Mutant) -> Key:
    """Return a fault's name in tests/mutants.toml."""
    return str(path.relative_to(SOURCE)), mutant.function, mutant.original, mutant.mutated


def report(path: Path, verdicts: Iterator[Verdict], harmless: dict[Key, str]) -> tuple[int, int]:
    """Print the survivors of a module and its count; return how many survived of how many that may do harm."""
    tried = excused = 0
    survivors = []
    for found in verdicts:
        tried += 1
        if found.survived and key(path, found.mutant) in harmless:
            excused += 1
        elif found.survived:
            survivors.append(found)
            print(survivor(path, found), flush=True)
        elif found.note:
            print(f"{path.relative_to(ROOT)}:{found.mutant.line}: {found.note}", file=sys.stderr, flush=True)
    print(f"{path.relative_to(ROOT)}: {len(survivors)} of {tried} survived, {excused} more are harmless", flush=True)
    return len(survivors), tried - excused


def survivor(path: Path, found: Verdict) -> str:
    """Return a survivor as lines of text."""
    mutant = found.mutant
    note = f" ({found.note})" if found.note else ""
    place = f"{path.relative_to(ROOT)}:{mutant.line} {mutant.function}{note}"
    return f"{place}\n    {mutant.original}\n    {mutant.mutated}"


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Plant small faults and report those that the tests do not notice.")
    parser.add_argument("modules", nargs="*", type=Path, help="files below src/didlearn (default: all that decide)")
    parser.add_argument("--tests", nargs="+", type=Path, help="test files (default: those that import the module)")
    parser.add_argument("--most", type=int, default=10**9, help="try at most so many faults of a module, drawn")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--jobs", type=int, default=1, help="faults tried at the same time")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the modules and print what survived."""
    sys.path.insert(0, str(SOURCE.parent))  # these files, whatever else is installed
    chosen, harmless = options(arguments), read_harmless(HARMLESS)
    survived = counted = 0
    for path in chosen.modules or sorted({path for pattern in DECIDING for path in SOURCE.glob(pattern)}):
        tests = [test.resolve() for test in chosen.tests or find_tests(path.resolve())]
        verdicts = try_module(path.resolve(), tests, chosen.most, chosen.seed, chosen.jobs)
        more, tried = report(path.resolve(), verdicts, harmless)
        survived, counted = survived + more, counted + tried
    share = survived / counted if counted else 0.0
    print(f"{survived} of {counted} faults survived: {share:.1%}")
    return int(share > TOLERATED)


if __name__ == "__main__":
    sys.exit(main())
