"""A first run in a process of its own, with an end to its memory and time: a crash there is a sentence here.

Gradients must flow through a network, so in the end it runs in this process. That is safe after the trial: the
operators are those of ``operators.py``, what they allocate and where they read follows from shapes and never from
values, and the trial has seen these shapes. Only the batch is larger afterwards, and memory grows in proportion.

The processes are forked from one that has loaded torch and run nothing: after the first, a trial costs milliseconds.
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

from didlearn.errors import ModelError
from didlearn.naming import option

SECONDS: Final = 20.0
_MEMORY: Final = 2**30
"""Bytes, and eight times the file's size on top."""
_NO_MEMORY: Final = "no memory"
_CAN_FORK: Final = hasattr(os, "fork")


def try_out(path: Path) -> None:
    """Load and run the exported program on two inputs in a process of its own.

    An ordinary exception in there says nothing here: it is met again, and told better.

    Raises:
        ModelError: it crashed, or took more time or memory than it may.
    """
    if not _CAN_FORK:
        return
    fault = _server.ask({"path": str(path.resolve()), "memory": _MEMORY + 8 * path.stat().st_size, "seconds": SECONDS})
    if fault:
        raise ModelError(
            f"{path} {fault} when it was tried in a process of its own, and was not opened; if you trust it, give "
            f"{option('trust_code', True)}"
        )


class _Server:
    """The process that trials are forked from; begun when first asked, and gone with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def ask(self, request: dict[str, object]) -> str:
        """Return what went wrong in a trial, or ""."""
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        return str(json.loads(answer)) if answer else "ended the process that tries programs out"

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
        sys.stdout.write(json.dumps(_tried(**json.loads(line))) + "\n")
        sys.stdout.flush()


def _tried(path: str, memory: int, seconds: float) -> str:
    """Run a program in a fork; return what went wrong, or ""."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        _run_and_leave(path, memory, seconds, there)
    os.close(there)
    said, deadline, late = b"", time.monotonic() + seconds, False
    while not late:
        ready, _, _ = select.select([here], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(here, 4096) if ready else b""
        late = not ready
        said += part
        if ready and not part:
            break
    os.close(here)
    if late:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if late:
        return f"took more than {seconds:g} seconds"
    if os.WIFSIGNALED(status):
        return f"crashed ({signal.Signals(os.WTERMSIG(status)).name})"
    return f"took more than {memory >> 20} MiB of memory" if said.decode() == _NO_MEMORY else ""


def _run_and_leave(path: str, memory: int, seconds: float, pipe: int) -> None:
    said = ""
    try:
        _limit(memory, seconds)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        _run(Path(path))
    except BaseException as error:  # noqa: BLE001 (whatever it is, this process ends here)
        lacking = isinstance(error, MemoryError) or "allocate memory" in str(error) or "bad_alloc" in str(error)
        said = _NO_MEMORY if lacking else ""
    os.write(pipe, said.encode())
    os._exit(0)


def _limit(memory: int, seconds: float) -> None:
    import resource

    used = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    most = used + memory
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _run(path: Path) -> None:
    import torch

    from didlearn.exported.archive import read_exported

    network = read_exported(path)
    with torch.no_grad():
        network(*network.graph.examples(network.batch or 2))
