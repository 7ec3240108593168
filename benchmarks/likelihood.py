"""Annealed importance sampling: the gap of the bounds against gradient evaluations, the loop against bare gradients.

    python benchmarks/likelihood.py                                                # PPCA, where the answer is known
    python benchmarks/likelihood.py --model file.py:vae --observation bernoulli    # runs that file's code
    python benchmarks/likelihood.py --model file.py:gan --sigma 0.15 --budgets 500 2000 10000 --plot gap.png

Images are simulated from the model with its observation noise. Evaluations are of each chain's gradient: the search for
the start and the pilot are among them, the Jacobian columns stand beside. The floor of the loop is what any sampler
needs: forward, log-likelihood and backward of the same batch.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from didlearn import open_model
from didlearn.errors import UsageError
from didlearn.evidence import ais
from didlearn.evidence.bdmc import bdmc, simulate
from didlearn.evidence.likelihood import Likelihood, make_decoder
from didlearn.evidence.log_evidence import make_settings
from didlearn.evidence.observation import make_observation
from didlearn.evidence.preparation import encode, prepare
from didlearn.evidence.settings import SCHEDULES, STARTS
from didlearn.models.base import LatentModel
from didlearn.models.oracles import PPCA
from didlearn.parallel import single_threaded
from didlearn.rng import Stream


class Row(NamedTuple):
    """One line of the table."""

    start: str
    schedule: str
    budget: int
    evaluations: int
    columns: int
    temperatures: int
    gap: float
    error: float
    lower: float
    seconds: float


def oracle(d: int = 50, side: int = 28) -> PPCA:
    """PPCA of 28 × 28 pixels and 50 latents."""
    generator = torch.Generator().manual_seed(0)
    W = torch.randn((side * side, d), generator=generator) / math.sqrt(d)
    return PPCA(W, torch.zeros(side * side), (1, side, side))


def open_latent(spec: str | None) -> LatentModel:
    """Open the model that was named, or the oracle."""
    model = oracle() if spec is None else open_model(spec, trust_code=True)
    if not isinstance(model, LatentModel):
        raise SystemExit(f"{spec} has no latent that can be set")
    return model


def offered_starts(model: LatentModel, args: argparse.Namespace) -> list[str]:
    """Leave out the encoder where there is none."""
    decoder, seen = make_decoder(model, make_observation(args.observation, args.sigma), "cpu")
    try:
        encode(Likelihood(decoder, seen, torch.full((1, math.prod(model.image_shape)), 0.5)))
    except UsageError:
        return [start for start in args.starts if start != "encoder"]
    return list(args.starts)


def measure(model: LatentModel, start: str, schedule: str, budget: int, args: argparse.Namespace) -> Row:
    """Run both directions once."""
    began = time.perf_counter()
    found = bdmc(
        model,
        args.sigma,
        args.images,
        args.seed,
        args.chains,
        observation=args.observation,
        budget=budget,
        start=start,
        schedule=schedule,
        threads=args.threads,
    )
    taken = time.perf_counter() - began
    lower = float(found.lower.mean())
    spent = (found.evaluations, found.columns, found.temperatures)
    return Row(start, schedule, budget, *spent, found.gap, found.gap_standard_error, lower, taken)


def overhead(model: LatentModel, args: argparse.Namespace, repeats: int = 5) -> tuple[float, float]:
    """Return seconds of an annealing run and of as many bare gradients of the same batches; the least of each."""
    decoder, seen = make_decoder(model, make_observation(args.observation, args.sigma), "cpu")
    decoder, _, x = simulate(decoder, seen, 8, Stream(args.seed))
    likelihood = Likelihood(decoder, seen, x)
    settings = make_settings(chains=args.chains, budget=300)
    with single_threaded():
        path, plan, _, _ = prepare(likelihood, settings, Stream(args.seed))
        generator = Stream(args.seed).torch()
        state = path(path.draw(args.chains, generator))
        v = torch.randn((8 * args.chains, likelihood.latent_size), dtype=decoder.dtype)
        wanted = likelihood.x.repeat_interleave(args.chains, dim=0)
        moves = (len(plan.beta) - 2) * settings.leapfrog

        def ours() -> None:
            ais.anneal(path, state, plan, generator)

        def bare() -> None:
            for _ in range(moves):
                leaf = v.detach().requires_grad_()
                y = decoder(leaf)
                if args.observation == "gaussian":
                    loss = (y - wanted).square().sum() / (2 * args.sigma**2)
                elif args.observation == "laplace":
                    loss = (y - wanted).abs().sum() / args.sigma
                elif decoder.takes_logits:
                    loss = torch.nn.functional.binary_cross_entropy_with_logits(y, wanted, reduction="sum")
                else:
                    loss = torch.nn.functional.binary_cross_entropy(y, wanted, reduction="sum")
                torch.autograd.grad(loss, leaf)

        seconds = [(_timed(ours), _timed(bare)) for _ in range(repeats)]
    return min(first for first, _ in seconds), min(second for _, second in seconds)


def _timed(run: Any) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def draw(rows: list[Row], path: Path) -> None:
    """Draw gap against evaluations, a line for each start and schedule."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for start, schedule in sorted({(row.start, row.schedule) for row in rows}):
        line = [row for row in rows if (row.start, row.schedule) == (start, schedule)]
        gaps = [max(row.gap, 1e-4) for row in line]
        axes.errorbar(
            [row.evaluations for row in line],
            gaps,
            [row.error for row in line],
            label=f"{start}, {schedule}",
            marker="o",
            capsize=2,
        )
    axes.set(xscale="log", yscale="log", xlabel="gradient evaluations for each chain", ylabel="gap in nats")
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=150)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Gap of the bounds against gradient evaluations.")
    parser.add_argument("--model", help="any model with a latent; its code is trusted; PPCA without it")
    parser.add_argument("--observation", default="gaussian", help="gaussian, laplace or bernoulli")
    parser.add_argument("--sigma", type=float, default=0.1, help="standard deviation of a pixel")
    parser.add_argument("--budgets", type=int, nargs="+", default=[250, 500], help="gradient evaluations")
    parser.add_argument("--starts", nargs="+", default=list(STARTS), choices=STARTS)
    parser.add_argument("--schedules", nargs="+", default=list(SCHEDULES), choices=SCHEDULES)
    parser.add_argument("--images", type=int, default=16, help="simulated images")
    parser.add_argument("--chains", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="workers; all CPUs by default")
    parser.add_argument("--plot", type=Path, help="where to draw the curves")
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    args = arguments()
    model = open_latent(args.model)
    print(f"{model.name}: {args.images} images, {args.chains} chains, {args.observation}, sigma {args.sigma}")
    ours, bare = overhead(model, args)
    print(f"annealing loop {ours:.2f} s, as many bare gradients {bare:.2f} s: {ours / bare:.2f} times")
    head = ("start", "schedule", "evaluations", "columns", "T", "gap", "+-", "lower", "seconds")
    print("{:10}{:10}{:>12}{:>9}{:>6}{:>9}{:>8}{:>11}{:>9}".format(*head))
    rows = []
    for start in offered_starts(model, args):
        for schedule in args.schedules:
            for budget in args.budgets:
                row = measure(model, start, schedule, budget, args)
                rows.append(row)
                print(
                    f"{row.start:10}{row.schedule:10}{row.evaluations:12d}{row.columns:9d}{row.temperatures:6d}"
                    f"{row.gap:9.3f}{row.error:8.3f}{row.lower:11.2f}{row.seconds:9.1f}",
                    flush=True,
                )
    if args.plot:
        draw(rows, args.plot)


if __name__ == "__main__":
    main()
