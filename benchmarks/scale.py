"""How far does it reach? Time and memory of the check ``support`` on banks of more and more pictures.

    python benchmarks/scale.py --data images.npz --sizes 10000 20000 50000 100000 200000
    python benchmarks/scale.py --data images.npz --sizes 10000 20000 50000 --panel 1000000

A bank is a ``.npy`` file of 32 × 32 × 3 pictures, each stitched from two of the given ones, mirrored and moved, so
that there is no end of different pictures; a known number of pairs is planted in it, half of them equal to the byte and
half a little changed. Each size is audited in a process of its own. ``peak`` is the most memory that was resident,
mapped files and libraries included (``ru_maxrss``); ``own`` the most that no file stands behind. Growth is that of
processor seconds, which other work on the machine hardly changes. Sizes after ``--panel`` are searched for the first
4 096 samples alone, against all: with all the memory of the whole search, and its time by the share of pairs looked at.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import neighbors
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from didlearn.parallel import default_threads

Pictures = NDArray[np.uint8]
SIDE, MARGIN = 32, 4
BLOCK = 4096
PROJECTED = (10**6, 10**7, 10**9)
PLANTED = 1_000  # one picture in so many has a twin
HOUR = 3600.0


class Row(NamedTuple):
    """One line of the table: seconds and processor seconds of an audit, peak memory in MB, and pairs found."""

    images: int
    seconds: float
    busy: float
    peak: float
    own: float
    found: int
    stages: dict[str, tuple[float, float]]


def real_pictures(path: Path | None, key: str) -> Pictures:
    """Read pictures (n, 32, 32, 3), or make 2 000 smooth ones."""
    if path is not None:
        with np.load(path, allow_pickle=False) as file:
            return np.asarray(file[key], np.uint8)
    smooth = neighbors.images(None, key, 2_000).reshape(-1, 3, SIDE, SIDE)
    scaled = 127.5 + 48 * smooth / smooth.std(axis=(1, 2, 3), keepdims=True)
    return scaled.clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def stitched(real: Pictures, count: int, rng: np.random.Generator) -> Pictures:
    """Return pictures of two halves each, cut somewhere from left to right or from top to bottom."""
    both = [_moved(real[rng.integers(len(real), size=count)], rng) for _ in range(2)]
    cut = rng.integers(SIDE // 4, 3 * SIDE // 4, size=(count, 1, 1, 1))
    y, x = np.arange(SIDE)[:, None, None], np.arange(SIDE)[None, :, None]
    across = rng.random((count, 1, 1, 1)) < 0.5
    return np.where(np.where(across, x, y) < cut, *both)


def _moved(pictures: Pictures, rng: np.random.Generator) -> Pictures:
    count = len(pictures)
    pictures = np.where(rng.random((count, 1, 1, 1)) < 0.5, pictures[:, :, ::-1], pictures)
    framed = np.pad(pictures, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="reflect")
    y, x = (rng.integers(2 * MARGIN + 1, size=(count, 1)) + np.arange(SIDE) for _ in range(2))
    moved: Pictures = framed[np.arange(count)[:, None, None], y[:, :, None], x[:, None, :]]
    return moved


def make_bank(path: Path, real: Pictures, count: int) -> int:
    """Write a bank; return how many pairs are planted in it."""
    rng = np.random.default_rng(count)
    bank = np.lib.format.open_memmap(path, "w+", np.uint8, (count, SIDE, SIDE, 3))
    for start in range(0, count, BLOCK):
        bank[start : start + BLOCK] = stitched(real, min(BLOCK, count - start), rng)
    planted = max(1, count // PLANTED)
    first, second = rng.permutation(count)[: 2 * planted].reshape(2, -1)
    twins = bank[first]
    changed = rng.random(twins.shape) < 0.05 * (np.arange(planted) % 2)[:, None, None, None]
    bank[second] = np.where(changed, twins ^ 1, twins)
    bank.flush()
    return planted


def measured(bank: Path, real: tuple[Path, Path], count: int, args: argparse.Namespace, panel: bool) -> Row:
    """Audit a bank in a process of its own."""
    command = [sys.executable, __file__, "--measure", *map(str, (bank, *real)), "--sizes", str(count)]
    command += ["--only-panel"] if panel else []
    command += ["--threads", str(args.threads)] if args.threads else []
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Row(count, **json.loads(printed.splitlines()[-1]))


def measure(args: argparse.Namespace) -> None:
    """Print what one audit in this process took, as JSON."""
    import didlearn as dl
    from didlearn.checks.support.check import Support

    if args.only_panel:
        only_first_panel()
    bank, train, heldout = args.measure
    began, watch = time.perf_counter(), Watch()

    def progress(what: str, done: float, total: float) -> None:  # noqa: ARG001 (an audit tells it)
        if what == "support":
            watch.passed(str(done))

    checks = [Support(samples=args.sizes[0])]
    result = dl.audit(
        generator=bank, train=train, heldout=heldout, checks=checks, threads=args.threads, seed=0, progress=progress
    )
    watch.passed("end")
    (check,) = result.checks
    if "cluster_sizes" not in check.arrays:
        raise SystemExit(f"no answer: {check.answer}")
    sizes = check.arrays["cluster_sizes"].astype(np.int64)
    used = resource.getrusage(resource.RUSAGE_SELF)
    row = {
        "seconds": time.perf_counter() - began,
        "busy": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / 1024,
        "own": watch.most / 1024,
        "found": int((sizes * (sizes - 1) // 2).sum()),
        "stages": watch.stages,
    }
    print(json.dumps(row))


class Watch:
    """Looks at the memory of this process that no file stands behind, twenty times a second."""

    def __init__(self) -> None:
        self.most, self.began = 0, time.perf_counter()
        self._since = 0
        self.stages: dict[str, tuple[float, float]] = {}
        threading.Thread(target=self._look, daemon=True).start()

    def passed(self, stage: str) -> None:
        """Note when a stage was passed, and the most memory since the one before, in MB."""
        self.stages[stage] = (round(time.perf_counter() - self.began, 1), self._since / 1024)
        self._since = 0

    def _look(self) -> None:
        while True:
            now = neighbors._status("RssAnon")
            self.most, self._since = max(self.most, now), max(self._since, now)
            time.sleep(0.05)


def only_first_panel() -> None:
    """Let searches of the samples look at the pairs of the first panel of rows alone."""
    from itertools import islice

    from didlearn.alignment import repeats
    from didlearn.neighbors import closest, within

    whole, in_units = vars(within)["triangle"], vars(repeats)["map_units"]

    def first(count: int, part: slice | None = None) -> Any:
        return islice(whole(count, part), 1 if count > 5 * BLOCK else None)

    def first_units(function: Any, count: int, **how: Any) -> Any:
        return in_units(function, min(count, BLOCK) if count > 5 * BLOCK else count, **how)

    for module in (within, closest):
        vars(module)["triangle"] = first
    vars(repeats)["map_units"] = first_units


def share_looked_at(count: int) -> float:
    """Return which share of the pairs of so many rows the first panel holds."""
    return BLOCK * (count - BLOCK / 2) / (count * count / 2)


def growth(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the exponent of the power law of the processor seconds, by all rows and by the two largest."""
    n, t = np.array([(row.images, row.busy) for row in rows], np.float64).T
    return float(np.polyfit(np.log(n), np.log(t), 1)[0]), float(np.log(t[-1] / t[-2]) / np.log(n[-1] / n[-2]))


def by_parts(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Fit processor seconds by c₀ + c₁ n + c₂ n², each c 0 or more and errors in proportion: by image and by pair."""
    n, t = np.array([(row.images, row.busy) for row in rows], np.float64).T
    exponents = np.arange(3)
    powers = (n / n[-1])[:, None] ** exponents
    scaled: NDArray[np.float64] = nnls(powers / t[:, None], np.ones(len(n)))[0]
    return scaled / n[-1] ** exponents


def seconds_at(parts: NDArray[np.float64], count: float) -> float:
    """Return the processor seconds that such parts amount to."""
    return float(parts @ np.array([1.0, count, count**2]))


def kilobytes(rows: Sequence[Row], of: str) -> tuple[float, float]:
    """Return the memory that is fixed, in GB, and that each image takes, in KB."""
    n, held = np.array([(row.images, getattr(row, of)) for row in rows], np.float64).T
    each, fixed = np.polyfit(n, held, 1)
    return fixed / 1024, each * 1024


def print_fits(rows: Sequence[Row], cores: int) -> None:
    """Print the growth, and what it amounts to at the sizes nobody waits for."""
    everywhere, last = growth(rows)
    parts = by_parts(rows)
    print(f"\nprocessor seconds ∝ n^{everywhere:.2f} over all sizes, n^{last:.2f} over the two largest")
    print(f"processor seconds = {parts[0]:.1f} + {1e4 * parts[1]:.2f} n/1e4 + {1e8 * parts[2]:.3f} (n/1e4)²")
    for of, word in (("peak", "resident"), ("own", "own")):
        fixed, each = kilobytes(rows, of)
        print(f"{word} memory: {fixed:.2f} GB + {each:.2f} KB an image, {fixed + each * 1e6 / 2**20:.2f} GB for 1e6")
    print(f"\n{'images':>10}{f'hours of {cores} cores':>20}{'by the power law':>18}")
    for n in PROJECTED:
        power = rows[-1].busy * (n / rows[-1].images) ** last
        print(f"{n:10.0e}{seconds_at(parts, n) / HOUR / cores:20.3g}{power / HOUR / cores:18.3g}")


def print_panel(row: Row, rows: Sequence[Row], cores: int) -> None:
    """Print what the first panel took, and what the whole would: all but what goes by image, over its share."""
    share = share_looked_at(row.images)
    print(
        f"\n{row.images} images, the first panel: {row.busy:.0f} processor s for {100 * share:.2f} % of the pairs,"
        f" peak {row.peak:.0f} MB, own {row.own:.0f} MB"
    )
    if len(rows) > 2:
        single = min(row.busy, seconds_at(by_parts(rows) * (1, 1, 0), row.images))
        hours = (single + (row.busy - single) / share) / HOUR / cores
        print(f"the whole would take about {hours:.2g} hours of {cores} cores")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time and memory of the birthday test by the number of pictures.")
    parser.add_argument("--data", type=Path, help="an .npz file of 32 × 32 × 3 uint8 pictures; synthetic ones without")
    parser.add_argument("--key", default="x_train", help="the array's name in the file")
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 10_000, 20_000], help="pictures of each bank")
    parser.add_argument("--panel", type=int, nargs="*", default=[], help="sizes searched for their first samples alone")
    parser.add_argument("--threads", type=int, help="threads of an audit")
    parser.add_argument("--stages", action="store_true", help="when each stage was passed, and its own memory")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--only-panel", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args)
        return
    real, cores = real_pictures(args.data, args.key), args.threads or default_threads()
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "train.npy"), Path(folder, "heldout.npy")
        heldout = len(real) // 4
        np.save(files[0], real[heldout:])
        np.save(files[1], real[:heldout])
        bank, rows = Path(folder, "bank.npy"), []
        print(f"{'images':>10}{'seconds':>10}{'processor':>11}{'peak MB':>9}{'own MB':>8}{'pairs':>8}{'planted':>9}")
        for count in sorted(args.sizes):
            planted = make_bank(bank, real, count)
            row = measured(bank, files, count, args, panel=False)
            rows.append(row)
            print(
                f"{row.images:10}{row.seconds:10.1f}{row.busy:11.1f}{row.peak:9.0f}{row.own:8.0f}"
                f"{row.found:8}{planted:9}", flush=True,
            )  # fmt: skip
            if args.stages:
                print("  " + ", ".join(f"{k}: {at:.1f} s {held:.0f} MB" for k, (at, held) in row.stages.items()))
        if len(rows) > 1:
            print_fits(rows, cores)
        for count in args.panel:
            make_bank(bank, real, count)
            print_panel(measured(bank, files, count, args, panel=True), rows, cores)


if __name__ == "__main__":
    main()
