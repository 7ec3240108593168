"""Where units are done: in this process, or by workers: processes of this machine (loky), of dask, of Ray.

Each is spoken to by futures of its own. joblib, which knows all three, does the work of a cluster of one worker in the
calling process, and gives what Ray finished only when all is.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from didlearn.arrays import Bytes
from didlearn.errors import MissingExtraError, UsageError, first_line
from didlearn.naming import option
from didlearn.parallel import default_threads

THREADS: Final = "threads"
BACKENDS: Final = (THREADS, "loky", "dask", "ray")
_NEEDS: Final = {"dask": "distributed", "ray": "ray"}
_PATIENCE = 20  # seconds that a scheduler is waited for
_PAYS_BEGINNING, _PAYS_SENDING = 15.0, 0.5  # seconds of work for which processes are worth it
_IDLE = 600  # seconds after which a process that has nothing to do ends
T = TypeVar("T")


@dataclass(frozen=True)
class Cluster:
    """Workers that units are sent to.

    Attributes:
        backend: what they are. workers: how many units are done at a time.
        submit: (function, *arguments) -> the future of what it returns.
        carrying: lends what a parcel's content is on the workers: to be given as an argument of each unit.
    """

    backend: str
    workers: int
    submit: Callable[..., Future[Any]]
    carrying: Callable[[Bytes], AbstractContextManager[Any]]

    @property
    def breaks_together(self) -> bool:
        """Whether one lost worker takes the units of all others along."""
        return self.backend == "loky"

    @property
    def shares_memory(self) -> bool:
        """Whether the threads of this process use the same cores, and need no copy of what is in memory."""
        return self.backend == "loky"

    @property
    def in_flight(self) -> int:
        """How many units are on their way at once: no worker waits, and few are lost."""
        return 2 * self.workers


class Spare:
    """Processes of this machine for what is long: begun when they are first asked for.

    Threads of one process take turns at Python, which of a small network is most of the work. Processes take seconds
    to begin: they do once as much time was spent without them, since what took long so far will go on.

    Attributes:
        workers: how many. spent: seconds of work that threads did.
    """

    def __init__(self, workers: int, stack: ExitStack) -> None:
        self.workers, self._stack = workers, stack
        self._cluster: Cluster | None = None
        self.spent = 0.0

    def pays(self, left: float) -> bool:
        """Return whether to send work of so many seconds."""
        return left > _PAYS_SENDING and (self._cluster is not None or self.spent + left > _PAYS_BEGINNING)

    def begin(self) -> Cluster:
        """Return them."""
        if self._cluster is None:
            self._cluster = self._stack.enter_context(_loky(None, self.workers))
        return self._cluster


_CURRENT: ContextVar[Cluster | None] = ContextVar("cluster", default=None)
_SPARE: ContextVar[Spare | None] = ContextVar("spare", default=None)


def current_cluster() -> Cluster | None:
    """Return the workers that units are sent to now; ``None``: units are done in this process."""
    return _CURRENT.get()


def spare_processes() -> Spare | None:
    """Return the processes that long work may be sent to, where nobody said where it is done."""
    return _SPARE.get()


@contextmanager
def spare(workers: int) -> Iterator[None]:
    """Let the long work of what runs inside be done by processes of this machine, where that pays."""
    with ExitStack() as stack:
        token = _SPARE.set(Spare(workers, stack) if workers > 1 else None)
        try:
            yield
        finally:
            _SPARE.reset(token)


@contextmanager
def placed(backend: str | None, address: str | None, workers: int) -> Iterator[None]:
    """Do the units of what runs inside where it was said, or, where nothing was said, where that pays.

    Args:
        backend, address: as ``cluster`` takes them. workers: threads or processes of this machine.
    """
    with spare(workers) if backend is None else cluster(backend, address, workers):
        yield


@contextmanager
def cluster(backend: str | None, address: str | None = None, workers: int | None = None) -> Iterator[Cluster | None]:
    """Send the units of what runs inside to workers.

    Args:
        backend: ``"loky"`` (processes of this machine), ``"dask"``, ``"ray"``; ``"threads"`` or ``None``: this process.
        address: of a dask scheduler or a Ray cluster; without one, one is begun on this machine, and ended.
        workers: units at a time; by default the CPUs here, or all that the cluster has.

    Raises:
        UsageError: there is no such backend, or nothing answers at the address. MissingExtraError: it is not installed.
    """
    check_backend(backend, address)
    with nullcontext() if backend in (None, THREADS) else _OPENERS[backend](address, workers) as opened:
        token = _CURRENT.set(opened)
        try:
            yield opened
        finally:
            _CURRENT.reset(token)


def check_backend(backend: str | None, address: str | None) -> None:
    """Refuse a backend that there is not, or an address without one, before anything is opened.

    Raises:
        UsageError: so it is. MissingExtraError: it is not installed.
    """
    if backend is None:
        if address is not None:
            raise UsageError(f"an address says where a cluster is, and not of which kind; give {option('backend')} too")
        return
    if backend not in BACKENDS:
        raise UsageError(f"there is no backend {backend!r}; give one of {', '.join(BACKENDS)}")
    if backend in (THREADS, "loky") and address is not None:
        raise UsageError(f"{backend} has no address: its workers are of this machine; give dask or ray")
    if backend in _NEEDS and importlib.util.find_spec(_NEEDS[backend]) is None:
        raise MissingExtraError(
            f"the backend {backend} needs the package {_NEEDS[backend]}: pip install 'didlearn[{backend}]'"
        )


@contextmanager
def _loky(address: str | None, workers: int | None) -> Iterator[Cluster]:  # noqa: ARG001 (refused before)
    from joblib.externals.loky import get_reusable_executor

    count = workers or default_threads()
    executor = partial(
        get_reusable_executor, max_workers=count, timeout=_IDLE, initializer=_end_with, initargs=(os.getpid(),)
    )

    def submit(*work: Any) -> Future[Any]:
        return executor().submit(*work)  # of another one, if it broke

    @contextmanager
    def carrying(content: Bytes) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="didlearn-") as folder:
            file = Path(folder) / "parcel"
            content.tofile(file)
            yield file

    try:
        yield Cluster("loky", count, submit, carrying)
    finally:
        executor().shutdown(wait=True, kill_workers=True)


def _end_with(parent: int) -> None:
    """End this worker when who began it is gone, also by a kill: nobody would hear of what it does."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _dask(address: str | None, workers: int | None) -> Iterator[Cluster]:
    import distributed

    own: dict[str, Any] = {"n_workers": workers or default_threads(), "threads_per_worker": 1}
    said: dict[str, Any] = {"address": address} if address else own | {"dashboard_address": None}
    quiet: dict[str, Any] = {"silence_logs": logging.ERROR} if address is None else {}
    with _answering(
        "dask scheduler", address, lambda: distributed.Client(**said, **quiet, timeout=_PATIENCE)
    ) as client:
        _answering("worker of dask", address, lambda: client.wait_for_workers(1, timeout=_PATIENCE))

        def submit(function: Callable[..., Any], carried: _Scattered, *arguments: Any) -> Future[Any]:
            there = client.submit(function, carried.alive(), *arguments, pure=False, retries=0)
            here: Future[Any] = Future()
            there.add_done_callback(lambda done: _settle(here, done))
            return here

        yield Cluster(
            "dask",
            max(1, sum(client.nthreads().values())),
            submit,
            lambda content: nullcontext(_Scattered(client, content)),
        )


class _Scattered:
    """A parcel's content on all workers of dask; sent again when the last that had it is gone."""

    def __init__(self, client: Any, content: Bytes) -> None:
        self.client, self.content = client, content
        self.there: Any = None

    def alive(self) -> Any:
        if self.there is None or self.there.status != "finished":
            self.there = self.client.scatter(self.content, broadcast=True, hash=False)
        return self.there


def _settle(here: Future[Any], there: Any) -> None:
    """Hand on how a future of dask ended; one whose data went with a worker is cancelled."""
    try:
        here.set_result(there.result())
    except BaseException as error:  # noqa: BLE001 (whatever it is, who waits has to hear of it)
        # A cancelled future of asyncio's would end who waits, and not the unit alone.
        here.set_exception(error if isinstance(error, Exception) else ConnectionError(first_line(error)))


@contextmanager
def _ray(address: str | None, workers: int | None) -> Iterator[Cluster]:
    import ray

    begun = not ray.is_initialized()
    if begun:
        here: dict[str, Any] = {
            "address": "local",  # not another that was begun here
            "num_cpus": workers or default_threads(),
            "include_dashboard": False,
        }
        said: dict[str, Any] = {"address": address} if address else here
        _answering(
            "Ray cluster (that takes this command's RAY_AUTH_MODE)",
            address,
            lambda: ray.init(**said, logging_level=logging.ERROR, log_to_driver=False),
        )

    def submit(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        # What is lost is counted and sent again by who asked.
        return ray.remote(function).options(max_retries=0).remote(*arguments).future()

    try:
        count = max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield Cluster("ray", count, submit, lambda content: nullcontext(ray.put(content)))
    finally:
        if begun:
            ray.shutdown()


def _answering(what: str, address: str | None, connect: Callable[[], T]) -> T:
    try:
        return connect()
    except Exception as error:  # noqa: BLE001 (each library has its own)
        where = "this machine" if address is None else address
        raise UsageError(f"no {what} answers at {where} ({first_line(error)})") from None


_OPENERS: Final = {"loky": _loky, "dask": _dask, "ray": _ray}
