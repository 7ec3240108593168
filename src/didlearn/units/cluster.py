"""Where units are done: in this process, or by workers that joblib reaches (``loky``, ``dask``, ``ray``)."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from didlearn.errors import MissingExtraError, UsageError, first_line
from didlearn.naming import option
from didlearn.parallel import default_threads

if TYPE_CHECKING:
    import joblib

BACKENDS: Final = ("loky", "dask", "ray")
_PATIENCE = 20  # seconds that a scheduler is waited for
T = TypeVar("T")
_CURRENT: ContextVar[Cluster | None] = ContextVar("cluster", default=None)


@dataclass(frozen=True)
class Cluster:
    """Workers that units are sent to.

    Attributes:
        backend: what joblib calls them. workers: how many units are done at a time.
    """

    backend: str
    workers: int
    _opened: list[joblib.Parallel] = field(default_factory=list, repr=False)

    @contextmanager
    def parallel(self) -> Iterator[joblib.Parallel]:
        """Lend what sends units to them: it gives back results as they come, where the backend can."""
        if not self._opened:
            import joblib  # not what everybody waits for

            # Ray's pool gives all results of a call at its end, and takes seconds to begin.
            how = "list" if self.backend == "ray" else "generator_unordered"
            with joblib.parallel_config(self.backend, n_jobs=self.workers):  # which knows of dask
                opened = joblib.Parallel(return_as=how, batch_size=1)
            self._opened.append(opened.__enter__() if self.backend == "ray" else opened)
        try:
            yield self._opened[0]
        except BaseException:  # with a lost worker a pool is lost
            self.close()
            raise

    def close(self) -> None:
        """Let go of what was lent."""
        while self._opened:
            opened = self._opened.pop()
            if self.backend == "ray":
                with suppress(Exception):
                    opened.__exit__(None, None, None)

    def carry(self, content: Any) -> Any:
        """Put what all units need where every worker finds it; the others' backends see to that themselves."""
        if self.backend != "ray":
            return content
        import ray

        return ray.put(content)

    @property
    def span(self) -> int | None:
        """How many units one call takes at most: few where results come only at its end."""
        return 8 * self.workers if self.backend == "ray" else None


def delivered(carried: Any) -> Any:
    """Return, on a worker, what ``Cluster.carry`` put there."""
    if isinstance(carried, np.ndarray):
        return carried
    import ray

    return ray.get(carried)


def current_cluster() -> Cluster | None:
    """Return the workers that units are sent to now; ``None``: units are done in this process."""
    return _CURRENT.get()


@contextmanager
def cluster(backend: str | None, address: str | None = None, workers: int | None = None) -> Iterator[Cluster | None]:
    """Send the units of what runs inside to workers.

    Args:
        backend: ``"loky"`` (processes of this machine), ``"dask"``, ``"ray"``; ``None``: this process.
        address: of a dask scheduler or a Ray cluster; without one, one is begun on this machine, and ended.
        workers: units at a time; by default the CPUs here, or all that the cluster has.

    Raises:
        UsageError: there is no such backend, or nothing answers at the address. MissingExtraError: it is not installed.
    """
    check_backend(backend, address)
    if backend is None:
        yield None
        return
    with _OPENERS[backend](address, workers) as opened:
        token = _CURRENT.set(opened)
        try:
            yield opened
        finally:
            _CURRENT.reset(token)
            opened.close()


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
    if backend == "loky" and address is not None:
        raise UsageError("loky has no address: its workers are processes of this machine; give dask or ray")
    missing = {"dask": "distributed", "ray": "ray"}.get(backend)
    if missing is not None and importlib.util.find_spec(missing) is None:
        raise MissingExtraError(f"the backend {backend} needs the package {missing}: pip install 'didlearn[{backend}]'")


@contextmanager
def _loky(address: str | None, workers: int | None) -> Iterator[Cluster]:  # noqa: ARG001 (refused before)
    yield Cluster("loky", workers or default_threads())


@contextmanager
def _dask(address: str | None, workers: int | None) -> Iterator[Cluster]:
    import distributed

    own = None
    if address is None:
        own = distributed.LocalCluster(
            n_workers=workers or default_threads(), threads_per_worker=1, dashboard_address=None
        )
    try:
        client = _answering("dask scheduler", address, lambda: distributed.Client(own or address, timeout=_PATIENCE))
        with client:
            yield Cluster("dask", max(1, sum(client.nthreads().values())))
    finally:
        if own is not None:
            own.close()


@contextmanager
def _ray(address: str | None, workers: int | None) -> Iterator[Cluster]:
    logging.getLogger("ray").setLevel(logging.ERROR)  # it tells of each of its pools
    import ray
    from ray.util.joblib import register_ray

    begun = not ray.is_initialized()
    if begun:
        said: dict[str, Any] = {"address": address} if address else {"num_cpus": workers or default_threads()}
        _answering("Ray cluster", address, lambda: ray.init(**said, logging_level=logging.ERROR, log_to_driver=False))
    register_ray()
    try:
        yield Cluster("ray", max(1, int(ray.cluster_resources().get("CPU", 1))))
    finally:
        if begun:
            ray.shutdown()


def _answering(what: str, address: str | None, connect: Callable[[], T]) -> T:
    try:
        return connect()
    except Exception as error:  # noqa: BLE001 (each library has its own)
        where = "this machine" if address is None else address
        raise UsageError(f"no {what} answers at {where} ({type(error).__name__}: {first_line(error)})") from None


_OPENERS: Final = {"loky": _loky, "dask": _dask, "ray": _ray}
