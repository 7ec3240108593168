"""First runs in a process of their own, with an end to their memory and time: a crash there is a sentence here.

Gradients must flow through a network, so in the end it runs in this process. Before that it is read and run there on
batches of the sizes that are used here; on others, and on inputs of other shapes, ``bounds.py`` says what it may make.
What memory and time an honest network takes grows in proportion to the batch, and what takes more is refused: a
program that looks at the size of its batch may ask for anything.

The processes are forked from one that has loaded torch and run nothing: after the first, a trial costs milliseconds.
Where there is no fork, or no end can be put to the memory, nothing is tried and nothing is opened without trust.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from didlearn.errors import ModelError, TrustError, first_line
from didlearn.exported.graph import UnknownPartError
from didlearn.naming import option
from didlearn.parallel import UNIT
from didlearn.units.memory import lacks_memory

SECONDS: Final = 20.0
_MEMORY: Final = 2**30
"""Bytes, and eight times the file's size on top; larger batches may take as many times what the first one took."""
_FIRST: Final = 2
BATCHES: Final = (_FIRST, 4, UNIT)
_SLACK: Final = 2.0
_FIXED: Final = "for one batch size"
_NO_MEMORY: Final = "memory"
_STATM: Final = Path("/proc/self/statm")
_RESIDENT: Final = 1
_DATA: Final = 5
_CAN_FORK: Final = hasattr(os, "fork") and _STATM.exists()


def try_out(path: Path) -> None:
    """Load the exported program and run it on inputs in a process of its own.

    Raises:
        UnknownPartError: it holds something that is not known here.
        TrustError: there is no trying out on this system.
        ModelError: it could not be read or run, crashed, or took more time or memory than it may.
    """
    trusted = f"if you trust it, give {option('trust_code', True)}"
    untried = f"{path} cannot be tried in a process with an end to its memory on this system"
    if not _CAN_FORK:
        raise TrustError(f"{untried}; {trusted}")
    memory = _MEMORY + 8 * path.stat().st_size
    kind, said = _server.ask({"path": str(path.resolve()), "memory": memory, "seconds": SECONDS})
    if kind == "unknown":
        raise UnknownPartError(said)
    if kind == "untried":
        raise TrustError(f"{untried} ({said}); {trusted}")
    if kind == "damaged":
        raise ModelError(f"{path} {said}")
    if kind != "fine":
        raise ModelError(f"{path} {said} when it was tried in a process of its own, and was not opened; {trusted}")


class _Server:
    """The process that trials are forked from; begun when first asked, and gone with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def ask(self, request: dict[str, object]) -> tuple[str, str]:
        """Return how a trial ended, in a word, and what is to be said of it."""
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        if not answer:
            return "fault", "ended the process that tries programs out"
        kind, said = json.loads(answer)
        return str(kind), str(said)

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.end()
            known = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
            command = [sys.executable, "-P", "-c", "from didlearn.exported.trial import serve; serve()"]
            self._process = subprocess.Popen(  # noqa: S603 (this Python, on this text)
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=known
            )
            self._owner = os.getpid()
        return self._process

    def end(self) -> None:
        """End the process, if it is one of this process's own."""
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.communicate()
        self._process = None


_server: Final = _Server()
atexit.register(_server.end)


def serve() -> None:
    """Answer one request after another, until there are no more."""
    import torch

    from didlearn.exported import archive  # noqa: F401 (loaded once, here, for every trial)

    torch.set_num_threads(1)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_tried_all(**json.loads(line))) + "\n")
        sys.stdout.flush()


def _tried_all(path: str, memory: int, seconds: float) -> tuple[str, str]:
    """Try the batches one after another; the larger ones have as many times what the first one took."""
    kind, said, used = _tried(path, _FIRST, memory, seconds)
    for batch in BATCHES[1:]:
        if kind != "fine" or said == _FIXED:
            break
        times = _SLACK * batch / _FIRST
        most, longest = max(memory, int(times * used[0])), max(seconds, times * used[1])
        kind, said, _ = _tried(path, batch, most, longest)
    return kind, said


def _tried(path: str, batch: int, memory: int, seconds: float) -> tuple[str, str, tuple[int, float]]:
    """Run a program in a fork; return how it ended, what is to be said, and the bytes and seconds that it took."""
    here, there = os.pipe()
    before = _bytes_of(_RESIDENT)
    child = os.fork()
    if child == 0:
        _run_and_leave(path, batch, memory, seconds, there)
    os.close(there)
    begun = time.monotonic()
    answer = _heard(here, begun + seconds)
    os.close(here)
    if answer is None:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    used = (usage.ru_maxrss * 1024 - before, time.monotonic() - begun)
    if answer is None:
        return "fault", f"took more than {seconds:g} seconds on {batch} inputs", used
    if os.WIFSIGNALED(status):
        return "fault", f"crashed ({signal.Signals(os.WTERMSIG(status)).name})", used
    kind, _, said = answer.decode(errors="replace").partition(" ")
    if kind in ("", _NO_MEMORY):
        return "fault", f"took more than {memory >> 20} MiB of memory on {batch} inputs", used
    return kind, said, used


def _heard(pipe: int, deadline: float) -> bytes | None:
    """Return what is written to a pipe until it is closed, or ``None`` if that takes too long."""
    said = b""
    while select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(pipe, 4096)
        if not part:
            return said
        said += part
    return None


def _run_and_leave(path: str, batch: int, memory: int, seconds: float, pipe: int) -> None:
    try:
        os.write(pipe, _outcome(path, batch, memory, seconds).encode()[:4096])
    finally:  # whatever happens, this process ends here; one that said nothing had no memory to say it
        os._exit(0)


def _outcome(path: str, batch: int, memory: int, seconds: float) -> str:
    try:
        _limit(memory, seconds)
    except Exception as error:  # noqa: BLE001 (without an end to it there is no trial)
        return f"untried {first_line(error)}"
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        return _run(Path(path), batch)
    except UnknownPartError as error:
        return f"unknown {error}"
    except BaseException as error:  # noqa: BLE001 (a stranger's program fails as it likes)
        return _NO_MEMORY if lacks_memory(error) else f"fault could not be run on {batch} inputs ({first_line(error)})"


def _limit(memory: int, seconds: float) -> None:
    import resource

    for kind, most in [
        (resource.RLIMIT_DATA, _bytes_of(_DATA) + memory),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_CORE, 0),
    ]:
        there = resource.getrlimit(kind)[1]
        least = most if there == resource.RLIM_INFINITY else min(most, there)
        resource.setrlimit(kind, (least, least))


def _bytes_of(what: int) -> int:
    return int(_STATM.read_text().split()[what]) * os.sysconf("SC_PAGE_SIZE")


def _run(path: Path, batch: int) -> str:
    import torch

    from didlearn.exported.archive import read_exported

    try:
        network = read_exported(path)
    except ModelError as error:
        if isinstance(error.__cause__, MemoryError):
            raise error.__cause__ from None
        return f"damaged {str(error).removeprefix(f'{path} ')}"
    try:
        with torch.no_grad():
            network(*network.graph.examples(batch))
    except Exception:
        # Below the least batch that it was exported for it may fail; the batches of decoding it must bear.
        if network.batch is None and batch < min(network.graph.least, UNIT):
            return "fine"
        raise
    return "fine" if network.batch is None else f"fine {_FIXED}"
