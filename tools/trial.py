"""Run tests in forks of this process: once as they are, and once for each fault.

The parent loads what the tests load, except didlearn and the tests themselves; a child starts in milliseconds with
torch in place and makes the module in question from the faulty tree when its tests ask for it.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.abc
import importlib.util
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType
from typing import TypeVar

T = TypeVar("T")

_PYTEST = ["-q", "-x", "-m", "not slow and not browser", "-p", "no:cacheprovider", "-p", "no:xdist"]
_PYTEST += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # what is loaded already is only told so
_OURS = {"tests", "conftest", "__main__", "trial", "mutations", "mutants"}
_POLL = 0.02  # seconds
_BROKEN = 70  # the exit code of a child that could not even start its tests


@dataclass(eq=False)  # pytest asks for plugins that can be hashed
class Watch:
    """A pytest plugin: which tests enter which function of one file, how long each takes, and what is loaded.

    ``importing``: first lines of the functions that the file itself enters while it is imported.
    """

    path: str
    entered: dict[str, set[int]] = field(default_factory=dict)
    importing: set[int] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)

    def pytest_collection(self, session: object) -> None:  # noqa: ARG002
        """Note what is entered while the tests' files are imported."""
        self._note_in(self.importing)

    def pytest_runtest_protocol(self, item: object, nextitem: object) -> None:  # noqa: ARG002
        """Note the first line of every function that the test, or what it needs, enters."""
        self._note_in(self.entered.setdefault(getattr(item, "nodeid"), set()))  # noqa: B009

    def _note_in(self, lines: set[int]) -> None:
        def enter(frame: FrameType, _event: str, _arg: object) -> None:
            if frame.f_code.co_filename == self.path:
                lines.add(frame.f_code.co_firstlineno)

        threading.settrace(enter)
        sys.settrace(enter)

    def pytest_runtest_logreport(self, report: object) -> None:
        """Add up the time of a test's phases."""
        name, spent = getattr(report, "nodeid"), getattr(report, "duration")  # noqa: B009
        self.seconds[name] = self.seconds.get(name, 0.0) + spent


class Order:
    """A pytest plugin: only files with a test that enters the function, and those tests first, quick ones before."""

    def __init__(self, entering: set[str], seconds: dict[str, float]) -> None:
        self.entering, self.seconds = entering, seconds

    def pytest_collection_modifyitems(self, items: list[object]) -> None:
        """Choose and order; a file's tests stay together, as its fixtures want."""
        names = {item: str(getattr(item, "nodeid")) for item in items}  # noqa: B009
        cost: dict[str, float] = {}
        for name in self.entering:
            cost[_file(name)] = cost.get(_file(name), 0.0) + self.seconds[name]
        chosen = [item for item in items if _file(names[item]) in cost]
        items[:] = sorted(chosen, key=lambda item: self._key(names[item], cost))

    def _key(self, name: str, cost: dict[str, float]) -> tuple[float, str, bool, float]:
        return cost[_file(name)], _file(name), name not in self.entering, self.seconds.get(name, 0.0)


def _file(name: str) -> str:
    return name.split("::")[0]


class Package(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes the modules of a package from code compiled beforehand, so that a child need not read any."""

    def __init__(self, folder: Path) -> None:
        self.paths = {module_name(path, folder): path for path in sorted(folder.rglob("*.py"))}
        self.code = {name: compile(path.read_bytes(), str(path), "exec") for name, path in self.paths.items()}

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002
        """Claim the package's modules, and leave all others to Python."""
        if name not in self.code:
            return None
        inside = [str(self.paths[name].parent)] if self.paths[name].name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, self.paths[name], loader=self, submodule_search_locations=inside
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run the code in the module."""
        exec(self.code[module.__name__], module.__dict__)


def module_name(path: Path, folder: Path) -> str:
    """Return the dotted name of a package's file, ``didlearn.checks.sameness``."""
    parts = path.relative_to(folder.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def fork(work: Callable[[], int]) -> int:
    """Run work in a silent child and return its process id; its exit code is what the work returns."""
    pid = os.fork()
    if pid:
        return pid
    code, heard = _BROKEN, os.dup(2)
    try:
        os.setsid()
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        code = work()
    except BaseException:  # noqa: BLE001
        os.write(heard, traceback.format_exc().encode())
    finally:
        os._exit(code)


def run_forks(
    works: Iterable[tuple[T, Callable[[], int]]], jobs: int, seconds: float
) -> Iterator[tuple[T, int | None]]:
    """Run works in forks, some at the same time; yield each one's exit code, or ``None`` if it took too long."""
    running: dict[int, tuple[T, float]] = {}
    try:
        for subject, work in works:
            if len(running) == jobs:
                yield _next(running)
            running[fork(work)] = subject, time.monotonic() + seconds
        while running:
            yield _next(running)
    finally:
        for pid in running:
            _stop(pid)


def _next(running: dict[int, tuple[T, float]]) -> tuple[T, int | None]:
    """Wait for a child to end, or stop one at its deadline."""
    while True:
        for pid, (subject, deadline) in running.items():
            ended, status = os.waitpid(pid, os.WNOHANG)
            late = time.monotonic() > deadline
            if late and not ended:
                _stop(pid)
            if late or ended:
                del running[pid]
                return subject, _exit_code(status) if ended else None
        time.sleep(_POLL)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    if code == _BROKEN:
        raise SystemExit("a trial could not start its tests")
    return code


def _stop(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def run_pytest(tests: Sequence[Path], plugin: object) -> int:
    """Run test files in this process, with nothing remembered between runs."""
    import pytest

    with suppress(ImportError):
        from hypothesis import settings

        settings.register_profile("mutants", database=None, derandomize=True, deadline=None)
        settings.load_profile("mutants")
    with tempfile.TemporaryDirectory() as scratch:
        files = [str(test) for test in tests]
        return int(pytest.main([*_PYTEST, f"--basetemp={scratch}/pytest", *files], plugins=[plugin]))


def watch(path: Path, tests: Sequence[Path], package: str) -> Watch:
    """Run the tests as they are, and load here what they load beside the package and themselves."""
    with tempfile.NamedTemporaryFile() as file:

        def work() -> int:
            found = Watch(str(path))
            code = run_pytest(tests, found)
            sys.settrace(None)
            found.loaded = [name for name in sys.modules if name.split(".")[0] not in _OURS | {package}]
            Path(file.name).write_bytes(pickle.dumps(found))
            return code

        for _, code in run_forks([(path, work)], 1, float("inf")):
            if code != 0:
                raise SystemExit(f"the tests fail without any fault (pytest's exit code is {code})")
        found: Watch = pickle.loads(file.read())
    for name in found.loaded:
        with suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or each child would copy every object that its collector looks at
    return found


def entering(tree: ast.Module, watched: Watch) -> dict[str, set[str]]:
    """Return the tests that enter each function, and under ``<module>`` those that enter any (all, if it has none).

    What the file enters while it is imported concerns every test.
    """
    found: dict[str, set[str]] = {}
    for name, first, last in _functions(tree):
        inside = range(first, last + 1)
        early = not watched.importing.isdisjoint(inside)
        found[name] = {test for test, lines in watched.entered.items() if early or not lines.isdisjoint(inside)}
    return found | {"<module>": set().union(*found.values()) if found else set(watched.entered)}


def _functions(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    for outer in tree.body:
        prefix, inner = (f"{outer.name}.", outer.body) if isinstance(outer, ast.ClassDef) else ("", [outer])
        for node in inner:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
                yield prefix + node.name, first, node.end_lineno or first
