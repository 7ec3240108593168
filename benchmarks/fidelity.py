"""How long the scores of two sets of features take, beside the way that their papers and peers compute them.

    python benchmarks/fidelity.py                        # 6 000 × 2 048 and 4 000 × 1 024 features of two normal laws
    python benchmarks/fidelity.py --data features.npz    # the arrays `real` and `generated` of a file

The Fréchet distance beside numpy's covariances and scipy's root of their product; precision, recall, density and
coverage together beside all distances by scikit-learn and a partition of their rows, which is how the package prdc does
it. Both sides run one after the other, on the same threads; the answers are compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy import linalg
from sklearn.metrics import pairwise_distances

from didlearn import frechet_distance
from didlearn.arrays import Floats
from didlearn.checks.fidelity.manifold_metrics import ManifoldMetrics, manifold_metrics

K = 5
T = TypeVar("T")


def by_root(real: Floats, generated: Floats) -> float:
    """The Fréchet distance by its formula."""
    left, right = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    gap = real.mean(axis=0) - generated.mean(axis=0)
    root = linalg.sqrtm(left @ right).real
    return float(gap @ gap + np.trace(left) + np.trace(right) - 2 * np.trace(root))


def by_all_distances(real: Floats, generated: Floats) -> ManifoldMetrics:
    """Precision, recall, density and coverage from three whole matrices of distances."""
    own, theirs, between = (
        pairwise_distances(a, b) for a, b in ((real, real), (generated, generated), (real, generated))
    )
    radius, other = (np.partition(d, K, axis=1)[:, K] for d in (own, theirs))
    inside = between <= radius[:, None]
    return ManifoldMetrics(
        precision=float(inside.any(axis=0).mean()),
        recall=float((between <= other).any(axis=1).mean()),
        density=float(inside.sum(axis=0).mean() / K),
        coverage=float((between.min(axis=1) <= radius).mean()),
    )


def timed(function: Callable[[], T], repeats: int) -> tuple[float, T]:
    """The least time of some runs, in seconds, and what came out."""
    spent, found = [], function()
    for _ in range(repeats):
        began = time.perf_counter()
        found = function()
        spent.append(time.perf_counter() - began)
    return min(spent), found


def compare(label: str, ours: Callable[[], T], peer: Callable[[], T], repeats: int) -> None:
    """Print one row: both times, their ratio, and how far the answers lie apart."""
    (fast, found), (slow, expected) = timed(ours, repeats), timed(peer, 1)
    theirs = np.asarray(expected, np.float64)
    apart = float(np.abs(np.asarray(found, np.float64) - theirs).max() / np.abs(theirs).max())
    print(f"| {label} | {fast:.2f} s | {slow:.2f} s | {slow / fast:.1f} | {apart:.1g} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="npz file with real and generated features, (n, D) and (m, D)")
    parser.add_argument("--sizes", nargs="*", default=["6000x2048", "4000x1024"], help="rows x features")
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()
    sets = [given(args.data)] if args.data is not None else [normal(size) for size in args.sizes]
    print("| score | ours | peer | times as fast | relative difference |\n|---|---|---|---|---|")
    for real, generated in sets:
        size = f"{len(real)} and {len(generated)} × {real.shape[1]}"
        wide = real.astype(np.float64), generated.astype(np.float64)
        compare(
            f"Fréchet distance, {size}",
            lambda: frechet_distance(real=real, generated=generated),  # noqa: B023
            lambda: by_root(*wide),  # noqa: B023
            args.repeats,
        )
        compare(
            f"precision, recall, density, coverage, {size}",
            lambda: manifold_metrics(real=real, generated=generated, k=K),  # noqa: B023
            lambda: by_all_distances(*wide),  # noqa: B023
            args.repeats,
        )


def given(path: Path) -> tuple[Floats, Floats]:
    """The features of a file."""
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["real"], arrays["generated"]


def normal(size: str) -> tuple[Floats, Floats]:
    """Features of two normal laws, float32 as networks give them."""
    rows, width = map(int, size.split("x"))
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(rows, width)), 1.1 * rng.normal(size=(rows, width)) + 0.05
    return real.astype(np.float32), generated.astype(np.float32)


if __name__ == "__main__":
    main()
