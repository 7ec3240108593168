"""Copies in disguise: how many are found, and at how many times the cost of a plain search for the nearest image.

    python benchmarks/copies.py --data images.npz          # the images under a key, by default x_train
    python benchmarks/copies.py                            # synthetic images with a natural power spectrum

For each disguise: the share of copies whose original lines up best, and the share within a misfit of .02,
beside that of independent images. The searches take turns, and the least time of each counts; the plain ones find the
nearest of all reference images by ``torch.cdist`` and by ``didlearn.nearest``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from didlearn.alignment import find_originals
from didlearn.images.disguises import DISGUISES
from didlearn.neighbors import nearest
from didlearn.parallel import default_threads

Images = NDArray[np.uint8]
MISFIT, BLOCK = 0.02, 1_000


def natural(count: int, side: int = 32) -> Images:
    """Make (count, 3, side, side) images whose power falls with the frequency's square, as that of photographs does."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)) + 1 / side
    waves = np.fft.rfft2(rng.normal(size=(count, 3, side, side))) / frequency
    pixels = np.fft.irfft2(waves, (side, side))
    pixels /= 3 * pixels.std((1, 2, 3), keepdims=True)
    return np.clip(np.rint(128 * (1 + pixels)), 0, 255).astype(np.uint8)


def opened(path: Path | None, key: str, count: int) -> Images:
    """Return images (count, C, H, W) in random order."""
    if path is None:
        return natural(count)
    images = np.load(path, allow_pickle=False)[key]
    images = images[..., None] if images.ndim == 3 else images
    chosen = images[np.random.default_rng(0).permutation(len(images))[:count]]
    return np.ascontiguousarray(chosen.transpose(0, 3, 1, 2))


def least_times(searches: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Run the searches in turn; return the least seconds of each."""
    best = dict.fromkeys(searches, np.inf)
    for _ in range(repeats):
        for name, search in searches.items():
            start = time.perf_counter()
            search()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def plain(queries: torch.Tensor, reference: torch.Tensor) -> None:
    """Find the nearest of all reference rows by brute force."""
    for block in queries.split(BLOCK):
        torch.cdist(block, reference).min(1)


def main() -> None:
    """Print what is found in each disguise, and the ratios of times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help=".npz of images (N, H, W) or (N, H, W, C)")
    parser.add_argument("--key", default="x_train")
    parser.add_argument("--reference", type=int, default=6_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--copies", type=int, default=200, help="of each disguise")
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()
    images = opened(args.data, args.key, args.reference + args.queries)
    reference, queries = np.split(images, [args.reference])
    threads, rng = default_threads(), np.random.default_rng(1)
    alone = find_originals(queries, reference, threads=threads).score
    print(f"independent images within {MISFIT}: {np.mean(alone <= MISFIT):.3f}\n")
    print("| disguise | original found | within |\n|---|---|---|")
    for name, disguise in DISGUISES.items():
        hidden = rng.permutation(len(reference))[: args.copies]
        found = find_originals(disguise(reference[hidden], rng), reference, threads=threads)
        print(f"| {name} | {np.mean(found.index == hidden):.3f} | {np.mean(found.score <= MISFIT):.3f} |", flush=True)
    asked, known = (part.reshape(len(part), -1).astype(np.float32) for part in (queries, reference))
    times = least_times(
        {
            "torch.cdist": lambda: plain(torch.from_numpy(asked), torch.from_numpy(known)),
            "didlearn.nearest": lambda: nearest(asked, known),
            "copies in disguise": lambda: find_originals(queries, reference, threads=threads),
        },
        args.repeats,
    )
    print(f"\n| {len(queries)} among {len(reference)} | seconds | against cdist |\n|---|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {seconds:.2f} | {seconds / times['torch.cdist']:.2f} |")


if __name__ == "__main__":
    main()
