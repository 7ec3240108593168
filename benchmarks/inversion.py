"""Inverting a generator: error against decoder passes for every method, and what the loop itself costs.

    python benchmarks/inversion.py [--generator SPEC --data FILE.npz] [--images 24] [--out FILE.json] [--plot FILE.png]

Without data, a small convolutional generator with random weights stands in. A decoder pass is a forward pass, a
backward pass, or a column of the Jacobian. All methods run on the same images in one run; passes are the median over
images. "Planted" are images of latents drawn from the prior: recovered means an error below 1e-4 of their variance.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from didlearn.checks.targets import planted
from didlearn.derivatives.jacobian import half_square
from didlearn.inversion import target, unit
from didlearn.inversion.invert import Inversion, invert
from didlearn.inversion.race import Nearest, search
from didlearn.models import open_model
from didlearn.models.base import LatentModel
from didlearn.rng import Stream

METHODS: dict[str, dict[str, Any]] = {
    "Adam, 300 steps from the best of 500 (our reading of the published protocol)": {"method": "adam"},
    "Levenberg-Marquardt, 1 start, 20 steps": {"method": "lm", "starts": 1, "steps": 20},
    "Levenberg-Marquardt, 4 starts, 20 steps": {"method": "lm", "starts": 4, "steps": 20},
    "quasi-Newton, best of 50, 1 start": {"starts": 1, "rounds": 0, "draws": 50, "polish": 0},
    "quasi-Newton, best of 500, 1 start": {"starts": 1, "rounds": 0, "polish": 0},
    "quasi-Newton, halving, no restarts": {"rounds": 0},
    "quasi-Newton, halving, 8 rounds (default)": {},
}


def stand_in() -> LatentModel:
    """Return a convolutional generator with random weights, latent 16, 1x28x28."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Linear(16, 64 * 49), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Sigmoid(),
    )  # fmt: skip
    model = open_model(module, latent_shape=(16,), value_range=(0, 1))
    assert isinstance(model, LatentModel)
    return model


def targets(model: LatentModel, data: Path | None, count: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return planted images, and training images where there are data."""
    groups = {"planted": planted(model, count, Stream(0, ("benchmark",)), "cpu")}
    if data is not None:
        with np.load(data, allow_pickle=False) as file:
            x = file["x_train"]
        chosen = np.random.default_rng(0).choice(len(x), count, replace=False)
        groups["training"] = np.moveaxis(x[chosen], -1, 1).astype(np.float32) / 255
    return groups


def passes_to(found: Inversion, error: float) -> float | None:
    """Return the median passes at which the median error falls to ``error``, between two points of the trace."""
    passes, errors = np.median(found.trace_evaluations, axis=0), np.median(found.trace_objective, axis=0)
    reached = np.flatnonzero(errors <= error)
    if not len(reached):
        return None
    at = int(reached[0])
    if at == 0:
        return float(passes[0])
    share = np.log(errors[at - 1] / error) / np.log(errors[at - 1] / errors[at])
    return float(passes[at - 1] + share * (passes[at] - passes[at - 1]))


def compare(model: LatentModel, groups: dict[str, np.ndarray[Any, Any]]) -> list[dict[str, Any]]:
    """Run every method on every group."""
    rows = []
    for group, images in groups.items():
        variance = images.reshape(len(images), -1).var(axis=1)
        goal = None
        for name, options in METHODS.items():
            start = time.perf_counter()
            found = invert(model, images, **options)
            goal = float(np.median(found.error)) if goal is None else goal
            needed, draws = passes_to(found, goal), options.get("draws", 500)
            rows.append(
                {
                    "group": group,
                    "method": name,
                    "median error": float(np.median(found.error)),
                    "recovered": float((found.error < 1e-4 * variance).mean()),
                    "passes": float(np.median(found.evaluations)),
                    "passes to Adam's error": needed,
                    "of which draws": draws,
                    "seconds": time.perf_counter() - start,
                    "curve": [np.median(t, axis=0).tolist() for t in (found.trace_evaluations, found.trace_objective)],
                }
            )
            show(rows[-1])
    return rows


def show(row: dict[str, Any]) -> None:
    """Print one line."""
    needed = row["passes to Adam's error"]
    print(
        f"{row['group']:9s} {row['method']:58s} error {row['median error']:.3e}  recovered {row['recovered']:5.1%}  "
        f"passes {row['passes']:6.0f}  to Adam's error {'-' if needed is None else f'{needed:.0f}':>6s}"
        f" (draws {row['of which draws']})  {row['seconds']:.1f} s",
        flush=True,
    )


def overhead(model: LatentModel, images: np.ndarray[Any, Any]) -> float:
    """Return the time of the search over that of the bare forward and backward passes of the same batches."""
    sizes: list[int] = []

    def counted(residual: Any, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        sizes.append(len(z))
        return half_square(residual, z)

    with mock.patch.object(target, "half_square", counted):
        invert(model, images, polish=0, rounds=2, threads=1)
    spent: list[float] = []

    def timed(*given: Any) -> Nearest:
        start = time.perf_counter()
        found = search(*given)
        spent.append(time.perf_counter() - start)
        return found

    ratios = []
    for _ in range(3):
        spent.clear()
        with mock.patch.object(unit, "search", timed):
            invert(model, images, polish=0, rounds=2, threads=1)
        ratios.append(sum(spent) / bare(model, images, sizes))
    return float(np.median(ratios))


def bare(model: LatentModel, images: np.ndarray[Any, Any], sizes: list[int]) -> float:
    """Time forward and backward passes of batches of these sizes."""
    torch.set_num_threads(1)
    z = torch.randn(max(sizes), *model.latent_shape)
    x = torch.from_numpy(images[:1])
    start = time.perf_counter()
    for size in sizes:
        point = z[:size].clone().requires_grad_()
        torch.autograd.grad((model.decode(point) - x).square().sum(), point)
    return time.perf_counter() - start


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the median error of every method against decoder passes, one panel a group."""
    names = list(dict.fromkeys(row["group"] for row in rows))
    figure, axes = plt.subplots(1, len(names), figsize=(6 * len(names), 5), squeeze=False, layout="constrained")
    for panel, name in zip(axes[0], names, strict=True):
        for row in rows:
            if row["group"] == name:
                passes, errors = row["curve"]
                panel.loglog(passes, np.maximum(errors, 1e-12), ".-", label=row["method"])
        panel.set(title=name, xlabel="decoder passes per image", ylabel="median squared error per pixel")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", help="what didlearn.open_model takes; its code is trusted")
    parser.add_argument("--data", type=Path, help="an .npz with x_train (n, H, W, C) uint8")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--out", type=Path, help="where the curves go, as JSON")
    parser.add_argument("--plot", type=Path, help="where a picture of them goes")
    given = parser.parse_args()
    model = stand_in() if given.generator is None else open_model(given.generator, trust_code=True)
    if not isinstance(model, LatentModel):
        raise SystemExit(f"{model.name} has no latent; give a model, not samples")
    groups = targets(model, given.data, given.images)
    print(f"loop / bare forward and backward: {overhead(model, groups['planted'][:8]):.3f}", flush=True)
    rows = compare(model, groups)
    if given.out is not None:
        given.out.write_text(json.dumps(rows, indent=1))
    if given.plot is not None:
        draw(rows, given.plot)


if __name__ == "__main__":
    main()
