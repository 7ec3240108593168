"""Exact closest pairs and nearest neighbours against their floor and their peers.

    python benchmarks/neighbors.py --data images.npz        # the images under a key, by default x_train
    python benchmarks/neighbors.py                          # synthetic images with a natural power spectrum

The floor is the bare matrix product that any method without pruning needs: half of it for pairs within one set, all
of it for neighbours in another. Contestants take turns, and the least time of each counts. ``faiss`` takes part where
it is installed (it is no dependency).
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from didlearn.neighbors import closest_pairs, nearest

Points = NDArray[np.float32]
BLOCK = 1000


def gemm_half(x: Points) -> None:
    """Multiply all blocks on and above the diagonal, into one buffer."""
    _gemm(x, lambda i, j: j >= i)


def gemm_full(x: Points) -> None:
    """Multiply all blocks."""
    _gemm(x, lambda i, j: True)  # noqa: ARG005


def _gemm(x: Points, wanted: Callable[[int, int], bool]) -> None:
    blocks = torch.from_numpy(x).split(BLOCK)
    space = torch.empty(BLOCK, BLOCK)
    for i, a in enumerate(blocks):
        for j, b in enumerate(blocks):
            if wanted(i, j):
                torch.mm(a, b.T, out=space[: len(a), : len(b)])


def cdist_pairs(x: Points, k: int = 20) -> NDArray[np.float32]:
    """``torch.cdist`` and ``topk`` over blocks of the upper triangle."""
    blocks = torch.from_numpy(x).split(BLOCK)
    best = torch.full((k,), torch.inf)
    for i, a in enumerate(blocks):
        for j in range(i, len(blocks)):
            distance = torch.cdist(a, blocks[j])
            if i == j:
                distance.masked_fill_(torch.ones_like(distance).tril().bool(), torch.inf)
            flat = distance.flatten()
            best = torch.cat([best, flat.topk(min(k, len(flat)), largest=False).values]).topk(k, largest=False).values
    return best.numpy()


def cdist_nearest(x: Points) -> NDArray[np.float32]:
    """``torch.cdist`` and ``topk`` over blocks of queries."""
    rows = torch.from_numpy(x)
    return np.concatenate([torch.cdist(a, rows).topk(2, largest=False).values[:, 1].numpy() for a in rows.split(BLOCK)])


def sklearn_nearest(x: Points) -> NDArray[np.float32]:
    """scikit-learn's brute force; the closest pairs take the same pass."""
    from sklearn.neighbors import NearestNeighbors

    distance, _ = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(x).kneighbors(x)
    return distance[:, 1]


def faiss_nearest(x: Points) -> NDArray[np.float32]:
    """Faiss ``IndexFlatL2``; the closest pairs take the same pass."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexFlatL2(x.shape[1])
    index.add(x)
    return np.sqrt(index.search(x, 2)[0][:, 1])


def ours_pairs(x: Points) -> Any:
    """The 20 closest pairs."""
    return closest_pairs(x).distance


def ours_nearest(x: Points) -> Any:
    """The nearest other row of each."""
    return nearest(x, x, exclude=np.arange(len(x))).distance[:, 0]


def contests(peers: bool) -> dict[str, dict[str, Callable[[Points], Any]]]:
    """Return the contestants of each task, floor first."""
    pairs: dict[str, Callable[[Points], Any]] = {"bare half GEMM": gemm_half, "closest_pairs": ours_pairs}
    near: dict[str, Callable[[Points], Any]] = {"bare full GEMM": gemm_full, "nearest": ours_nearest}
    tasks = {"closest pairs, images": pairs, "closest pairs, noise": dict(pairs), "nearest, images": near}
    if peers:
        pairs["torch.cdist + topk"] = cdist_pairs
        near["torch.cdist + topk"] = cdist_nearest
        others = {"scikit-learn brute": sklearn_nearest}
        if importlib.util.find_spec("faiss"):
            others["faiss IndexFlatL2"] = faiss_nearest
        pairs.update(others)
        near.update(others)
    return tasks


def race(contestants: dict[str, Callable[[Points], Any]], x: Points, repeats: int) -> dict[str, float]:
    """Return the least seconds of each, taken in turns; peers, being slow, run once."""
    seconds: dict[str, float] = {}
    for turn in range(repeats):
        for place, (name, run) in enumerate(contestants.items()):
            if turn and place > 1:
                continue
            start = time.perf_counter()
            run(x)
            seconds[name] = min(seconds.get(name, np.inf), time.perf_counter() - start)
    return seconds


def images(path: Path | None, key: str, count: int) -> Points:
    """Read images as float32 in [0, 1], or make smooth ones of 32 × 32 × 3."""
    if path is not None:
        with np.load(path, allow_pickle=False) as file:
            x = file[key][:count]
        return np.ascontiguousarray(x.reshape(len(x), -1), np.float32) / np.float32(255 if x.dtype == np.uint8 else 1)
    rng = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(32), np.fft.rfftfreq(32), indexing="ij")) + 1 / 64
    planes = [np.fft.irfft2(np.fft.rfft2(rng.normal(size=(3, 32, 32))) / frequency**1.2) for _ in range(count)]
    return np.stack(planes).reshape(count, -1).astype(np.float32)


def noise(like: Points) -> Points:
    """Isotropic noise, where nothing can be pruned."""
    return np.random.default_rng(1).normal(size=like.shape).astype(np.float32)


def peak_memory(task: str, args: argparse.Namespace) -> float:
    """Return the peak memory of one call beyond its input, in MB, measured in a process of its own."""
    command = [sys.executable, __file__, "--measure", task, "--count", str(args.count), "--key", args.key]
    command += ["--data", str(args.data)] if args.data else []
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(task: str, args: argparse.Namespace) -> None:
    """Print the peak memory of one call in this process."""
    x = images(args.data, args.key, args.count)
    x = noise(x) if task.endswith("noise") else x
    run = ours_nearest if task.startswith("nearest") else ours_pairs
    run(x[:64].copy())
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    run(x)
    print((_status("VmHWM") - before) / 1024)


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time exact neighbours against their floor and their peers.")
    parser.add_argument("--data", type=Path, help="an .npz file of images; synthetic ones without it")
    parser.add_argument("--key", default="x_train", help="the array's name in the file")
    parser.add_argument("--count", type=int, default=20_000, help="how many images")
    parser.add_argument("--repeats", type=int, default=3, help="turns of the floor and of ours")
    parser.add_argument("--threads", type=int, help="threads of every contestant")
    parser.add_argument("--no-peers", action="store_true", help="only the floor and ours")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.measure, args)
        return
    if args.threads:
        torch.set_num_threads(args.threads)
    x = images(args.data, args.key, args.count)
    print(f"{x.shape[0]} x {x.shape[1]} float32, {torch.get_num_threads()} threads")
    for task, contestants in contests(not args.no_peers).items():
        seconds = race(contestants, noise(x) if task.endswith("noise") else x, args.repeats)
        floor, ours = (seconds[name] for name in list(contestants)[:2])
        print(f"\n{task:26}{'seconds':>10}{'/ floor':>10}{'/ ours':>10}")
        for name, taken in seconds.items():
            print(f"  {name:24}{taken:10.2f}{taken / floor:10.3f}{taken / ours:10.1f}", flush=True)
        print(f"  peak memory beyond the input: {peak_memory(task, args):.0f} MB", flush=True)


if __name__ == "__main__":
    main()
