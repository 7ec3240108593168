"""Does "about N different images" move with the number of samples? The supports of one distance at growing sizes.

    python benchmarks/drift.py                                       # the demo's three generators
    python benchmarks/drift.py --models mnist_wgan_gp --shared FOLDER --seeds 20

A support at one distance is a property of the generator, so its intervals found from 500, 1 000, ... samples of a seed
(95 % for all distances at once, as the check quotes them) have a point in common: nearly always, since they are nested
draws. Counted over seeds, at each of the distances.
"""

from __future__ import annotations

import argparse
import math
import os
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import didlearn as dl
from didlearn.audit.subject import Subject
from didlearn.checks.duplicate_counts import count_duplicates
from didlearn.checks.support.measure import calibrated, gather
from didlearn.models.base import Sampler
from didlearn.result.values import Estimate
from didlearn.rng import Stream
from didlearn.statistics.intervals import joint_level

DIGITS = Path(__file__).parents[1] / "examples" / "digits"
SIZES = (500, 1_000, 2_000, 4_000, 8_000, 16_000)


def supports(model: Sampler, train: object, seed: int, sizes: tuple[int, ...]) -> dict[str, list[Estimate]]:
    """The effective support at each distance and size."""
    rng = Stream(seed, ("drift",))
    real = dl.open_images(train)
    cut = np.random.default_rng(seed).permutation(len(real))
    subject = Subject(model, train=real.subset(np.sort(cut[::2])), heldout=real.subset(np.sort(cut[1::2])), seed=seed)
    compared = gather(subject, max(sizes), rng)
    criterion = calibrated(compared, subject.embed, None, rng, "cpu")
    distances = {"the same picture": criterion.threshold} | criterion.lookalikes
    found = defaultdict(list)
    level = joint_level(0.95, len(distances))  # as the check quotes them
    for name, radius in distances.items():
        for size in sizes:
            found[name].append(count_duplicates(compared.features[:size], radius).support(level))
    return found


def in_common(intervals: list[Estimate]) -> bool:
    """Whether all intervals have a point in common; an open end is unbounded."""
    return max(one.low_or(0.0) for one in intervals) <= min(one.high_or(math.inf) for one in intervals)


def main() -> None:
    """Print, for each model and distance, how often the intervals agree, and the middle value at each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["sound", "collapsed", "memorised"])
    parser.add_argument("--shared", type=Path, help="folder with the folders data and generators")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    args = parser.parse_args()
    sizes = tuple(size for size in SIZES if size <= args.largest)
    print(f"| model | distance | intervals agree | {' | '.join(map(str, sizes))} |\n|{'---|' * (3 + len(sizes))}")
    for name in args.models:
        own = DIGITS / name
        model = dl.open_model(
            own if own.exists() else f"{args.shared}/generators/architectures.py:{name}", trust_code=not own.exists()
        )
        train = "digits" if own.exists() else f"{args.shared}/data/mnist.npz"
        runs = [supports(model, train, seed, sizes) for seed in range(args.seeds)]
        for distance in dict.fromkeys(key for run in runs for key in run):
            series = [run[distance] for run in runs if distance in run]
            agree = sum(in_common(one) for one in series)
            middle = [np.median([one[i].value or math.inf for one in series]) for i in range(len(sizes))]
            cells = [name, distance, f"{agree}/{len(series)}", *(f"{one:.4g}" for one in middle)]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
