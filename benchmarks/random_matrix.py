"""The limiting spectrum of mixtures: seconds against p and k, ours against the plain damped iteration.

    python benchmarks/random_matrix.py                       # p = 128 to 1024, k = 1, 3, 10
    python benchmarks/random_matrix.py --dimension 1024 --classes 3
    python benchmarks/random_matrix.py --dimension 2048 --classes 3 --images 1500 --precision 1e-3 --no-peers

The last is the size of the paper's ResNet50 features, at the precision that the check asks for.

Covariances are full and share no eigenvectors. The peer is the iteration that papers print: δ ← (δ + T(δ)) / 2 at
x + iη, warm-started along the grid, one p × p inverse each time; it stops where a step moves δ by less than 1e-6. It
runs on every tenth point and its time is scaled up, for the whole grid takes hours; even so it gives the density only
(no distribution, edges, spikes or alignments, which ours includes), off by about η.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from numpy.typing import NDArray

from didlearn.random_matrix import limiting_spectrum

Array = NDArray[np.float64]
RATIO, ETA, STEP, MOST = 0.5, 1e-3, 1e-6, 2000


def mixture(p: int, k: int) -> tuple[Array, Array, Array]:
    """Return means, covariances without common eigenvectors, and proportions."""
    rng = np.random.default_rng(0)
    means = 2 * rng.normal(size=(k, p)) / np.sqrt(p) + np.linspace(2, 4, k)[:, None] * np.eye(k, p)
    covariances = []
    for power in np.linspace(0.5, 2, k):
        basis, _ = np.linalg.qr(rng.normal(size=(p, p)))
        covariances.append((basis * np.linspace(0.1, 1.5, p) ** power) @ basis.T)
    return means, np.array(covariances), np.full(k, 1 / k)


def plain(covariances: Array, proportions: Array, ratio: float, grid: Array, device: str) -> tuple[Array, int]:
    """Iterate with damping one half from the right end of the grid: the density at x + iη, and how many inverses."""
    sigma = torch.from_numpy(covariances).to(device, torch.complex128)
    pi = torch.from_numpy(proportions).to(device)
    k, p, _ = sigma.shape
    eye = torch.eye(p, dtype=torch.complex128, device=device)
    delta = torch.zeros(k, dtype=torch.complex128, device=device)
    density, inverses = [], 0
    for x in grid[::-1]:
        for _ in range(MOST):
            weights = pi / (ratio * (1 + delta))
            q = torch.linalg.inv(torch.tensordot(weights, sigma, 1) - complex(x, ETA) * eye)
            step = (sigma.reshape(k, -1) @ q.flatten() / p - delta) / 2
            delta, inverses = delta + step, inverses + 1
            if float(step.abs().max()) < STEP:
                break
        stieltjes = -(pi / (1 + delta)).sum() / complex(x, ETA)
        density.append(float(stieltjes.imag) / np.pi)
    return np.array(density[::-1]), inverses


def timed(p: int, k: int, points: int, ratio: float, precision: float, device: str, peer: bool) -> None:
    """Print one row of the table."""
    means, covariances, proportions = mixture(p, k)
    grid = np.linspace(0.02, 1.2 * 1.5 * (1 + ratio**-0.5) ** 2, points)
    start, spent = time.perf_counter(), time.process_time()
    ours = limiting_spectrum(means, covariances, proportions, ratio, grid, precision=precision, device=device)
    seconds, processor = time.perf_counter() - start, time.process_time() - spent
    row = f"{p:6}{k:4}{points:6}{seconds:10.2f}{processor:14.2f}"
    if peer:
        few = slice(None, None, 10)
        start = time.perf_counter()
        density, inverses = plain(covariances, proportions, ratio, grid[few], device)
        whole = (time.perf_counter() - start) * points / len(grid[few])
        apart = np.abs(density - ours.density[few])[ours.density[few] > 0].max()
        row += f"{whole:12.1f}{whole / seconds:10.1f}{inverses / len(density):12.0f}{apart:12.1e}"
    print(row, flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time limiting spectra against the plain damped iteration.")
    parser.add_argument("--dimension", type=int, nargs="+", default=[128, 256, 512, 1024], help="p")
    parser.add_argument("--classes", type=int, nargs="+", default=[1, 3, 10], help="k")
    parser.add_argument("--images", type=int, help="n, instead of 2 p")
    parser.add_argument("--precision", type=float, default=1e-7, help="of both functions (the check asks for 1e-3)")
    parser.add_argument("--points", type=int, default=200, help="grid points")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, help="threads of both")
    parser.add_argument("--no-peers", action="store_true", help="only ours")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    print(f"{torch.get_num_threads()} threads, {args.device}")
    print(
        f"{'p':>6}{'k':>4}{'grid':>6}{'ours (s)':>10}{'on cores (s)':>14}"
        f"{'plain (s)':>12}{'ratio':>10}{'inverses':>12}{'difference':>12}"
    )
    for p in args.dimension:
        for k in args.classes:
            ratio = p / args.images if args.images else RATIO
            timed(p, k, args.points, ratio, args.precision, args.device, not args.no_peers)


if __name__ == "__main__":
    main()
