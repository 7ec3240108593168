"""What workers cost and bring: transport, weak scaling from one to two, and a plan for a thousand.

    python benchmarks/cluster.py                                # loky, on this machine
    python benchmarks/cluster.py --backend dask --units 24

Transport is the time from asking to having less the time of the work itself, one unit after another. Weak scaling gives
two workers twice the units of one. The thousand workers are simulated: the plan is the real one (``units/sending.py``),
the clock is not; times are drawn from the units measured here, workers are lost at 1 % an hour and come back later.
"""

from __future__ import annotations

import argparse
import heapq
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import didlearn as dl
from didlearn.arrays import Singles
from didlearn.evidence.log_evidence import log_evidence
from didlearn.inversion.invert import invert
from didlearn.models.base import LatentModel
from didlearn.parallel import one_thread
from didlearn.units import spread as spreading
from didlearn.units.cluster import Cluster, cluster
from didlearn.units.sending import Sending

SOUND = Path(__file__).parents[1] / "examples" / "digits" / "sound"
IMAGES = 8  # of a unit
HOUR = 3_600.0

Work = Callable[[LatentModel, Singles], object]
WORK: dict[str, Work] = {
    "inversion": lambda model, x: invert(model, x, rounds=5),
    "likelihood": lambda model, x: log_evidence(model, x, 0.1, chains=8, budget=480),
}


def simulated(durations: np.ndarray, units: int, workers: int, lost: float, back: float, seed: int = 0) -> list[str]:
    """Plan ``units`` for so many workers on a clock that is not real.

    Args:
        durations: seconds of a unit, (n,): drawn from. lost: share of the workers lost an hour. back: seconds until a
            lost one is replaced.

    Returns:
        Cells of a table: hours, speed-up, share of the work that was done twice, units sent again.
    """
    rng = np.random.default_rng(seed)
    sending, clock, again, wasted = Sending(units, alone=False), 0.0, 0, 0.0
    spent = durations[rng.integers(len(durations), size=units)]
    events: list[tuple[float, int, str, int]] = []
    idle, queued, at_work, count = list(range(workers)), list[tuple[int, Future[Any]]](), {}, 0

    def add(at: float, kind: str, worker: int) -> None:
        nonlocal count
        count += 1
        heapq.heappush(events, (at, count, kind, worker))

    def send(number: int) -> Future[Any]:
        future: Future[Any] = Future()
        queued.append((number, future))
        return future

    def begin() -> None:
        while idle and queued:
            worker, (number, future) = idle.pop(), queued.pop(0)
            at_work[worker] = (number, future, clock, add_end(worker, float(spent[number])))

    def add_end(worker: int, seconds: float) -> int:
        add(clock + seconds, "end", worker)
        return count

    for worker in range(workers):
        add(float(rng.exponential(HOUR / lost)), "lost", worker)
    while sending.unfinished:
        sending.fill(send, 2 * workers)
        begin()
        arrived = False
        while not arrived:
            clock, event, kind, worker = heapq.heappop(events)
            known = at_work.get(worker)
            if kind == "end" and known is not None and known[3] == event:
                number, future, _, _ = at_work.pop(worker)
                idle.append(worker)
                future.set_result(number)
                arrived = True
            elif kind == "lost":
                add(clock + back, "back", worker)
                if worker in idle:
                    idle.remove(worker)
                if known is not None:
                    number, future, since, _ = at_work.pop(worker)
                    wasted, again = wasted + clock - since, again + 1
                    future.set_exception(ConnectionError("the worker is gone"))
                    arrived = True
            elif kind == "back":
                idle.append(worker)
                add(clock + float(rng.exponential(HOUR / lost)), "lost", worker)
                begin()
        list(sending.arrived())
    whole = float(spent.sum())
    cells = [f"{workers:,}", f"{units:,}", f"{100 * lost:g} %", f"{whole / HOUR:.1f}", f"{clock / 60:.1f}"]
    return [*cells, f"{whole / clock:.0f}", f"{again}", f"{100 * wasted / whole:.3f} %"]


def measured(model: LatentModel, x: Singles, work: Work, units: int) -> np.ndarray:
    """Seconds of each unit in this process, on one thread."""
    spent = []
    with one_thread():
        work(model, x[:IMAGES])
        for unit in range(units):
            began = time.perf_counter()
            work(model, x[unit * IMAGES : (unit + 1) * IMAGES])
            spent.append(time.perf_counter() - began)
    return np.array(spent)


def transport(sent_to: Cluster) -> float:
    """Seconds from asking for a unit to having it, of one that does nothing but give 64 kB back."""
    items = list(range(64))
    list(spreading.send_units(nothing, items, sent_to))
    began = time.perf_counter()
    list(spreading.send_units(nothing, items, sent_to))
    return (time.perf_counter() - began) / len(items)


def nothing(item: int) -> np.ndarray:
    """Give back as much as a unit of inversion does."""
    return np.full(8_192, float(item))


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="loky")
    parser.add_argument("--units", type=int, default=12, help="units of one worker")
    args = parser.parse_args()
    model = dl.open_model(SOUND)
    assert isinstance(model, LatentModel)
    x = dl.open_images("digits").read(range(2 * args.units * IMAGES)).numpy()
    durations = {name: measured(model, x, work, args.units) for name, work in WORK.items()}
    print("| work | a unit (s) | 1 worker (s) | 2 workers, twice the units (s) | weak scaling | transport of a unit |")
    print("|---|---|---|---|---|---|")
    walls: dict[tuple[str, int], float] = {}
    cost = 0.0
    for workers in (1, 2):
        with cluster(args.backend, workers=workers) as sent_to:
            assert sent_to is not None
            cost = transport(sent_to)
            for name, work in WORK.items():
                part = x[: workers * args.units * IMAGES]
                work(model, x[: workers * IMAGES])
                began = time.perf_counter()
                work(model, part)
                walls[name, workers] = time.perf_counter() - began
    for name, spent in durations.items():
        one, two, unit = walls[name, 1], walls[name, 2], statistics.mean(spent)
        share = 100 * cost / unit
        print(f"| {name} | {unit:.2f} | {one:.1f} | {two:.1f} | {one / two:.2f} | {1e3 * cost:.1f} ms, {share:.1f} % |")
    print("\n| workers | units | lost an hour | work (h) | time (min) | speed-up | sent again | done twice |")
    print("|---|---|---|---|---|---|---|---|")
    for workers, units in ((1, 100), (10, 1_000), (100, 10_000), (1_000, 100_000), (1_000, 10_000)):
        # Minutes a unit are what a face generator needs; seconds what digits do.
        cells = simulated(60 * durations["inversion"] / durations["inversion"].mean(), units, workers, 0.01, 120.0)
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
