"""Is it enough? What would settle an open verdict is drawn, and the check asked again.

    python benchmarks/settles.py                     # 50 trials of the digits' sound generator, for each check
    python benchmarks/settles.py --shared FOLDER --law mnist_wgan_gp --seeds 10

Of perfect generators and of two faults too weak for so few images, audits of small sets leave checks open and say how
many images would settle them; counted is how often they do. Where samples alone are asked for, the real images stay, as
they do for who draws more; else all are drawn anew.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import faults
import laws
import numpy as np
from verdicts import all_laws

import didlearn as dl
from didlearn.check import Check
from didlearn.checks.fidelity.check import Fidelity
from didlearn.checks.memorization.check import Memorization
from didlearn.checks.support.check import Support
from didlearn.result.values import CheckResult, Settles

SIZES: tuple[laws.Sizes, ...] = ((400, 300, 100), (800, 500, 300), (3_000, 2_500, 2_000))  # of one seed after another
GENERATORS: dict[str, faults.Fault | None] = {
    "perfect": None,
    "half from 10 000 pictures": faults.collapse(10_000, 0.5),
    "0.5 % copies": faults.copies(0.005),
}


def ask(law: laws.Law, fault: faults.Fault | None, seed: int, sizes: laws.Sizes, name: str) -> CheckResult:
    """Ask one check of a fresh draw."""
    sets = law.draw(seed, sizes)
    if fault is not None:
        sets = fault(sets, np.random.default_rng([seed, 1]))
    checks: dict[str, Check] = {
        "support": Support(samples=max(20_000, sizes[2])),
        "memorization": Memorization(samples=max(10_000, sizes[2]), aligned=max(2_000, sizes[2])),
        "fidelity": Fidelity(samples=max(5_000, sizes[2])),
    }
    result = dl.audit(
        train=sets.train, heldout=sets.heldout, generator=sets.generated, seed=seed, threads=1, checks=[checks[name]]
    )
    return result.checks[0]


def asked_for(settles: Settles, sizes: laws.Sizes) -> laws.Sizes | None:
    """The sizes that what is said asks for; ``None`` where no number is said."""
    train, heldout, generated = sizes
    if settles.times is not None:
        times = settles.times
        return train * times if "training" in settles.of else train, heldout * times, generated * times
    if settles.number is None:
        return None
    if settles.of.startswith("held-out"):
        return train, settles.number, max(generated, -(-generated * settles.number // heldout))
    return train, heldout, settles.number


def main() -> None:
    """Print, for each generator and check, how many open verdicts were settled by what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, help="folder with the folders data and generators")
    parser.add_argument("--law", default="digits' sound generator")
    parser.add_argument("--checks", nargs="+", default=["support", "memorization", "fidelity"])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--most", type=int, default=60_000, help="images of a repetition, at most")
    args = parser.parse_args()
    law = all_laws(args.shared)[args.law]()
    print("| generator | check | open | with a number | within reach | settled |\n|---|---|---|---|---|---|")
    for label, fault in GENERATORS.items():
        for name in args.checks:
            seen: Counter[str] = Counter()
            for seed in range(args.seeds):
                seen.update(trial(law, fault, seed, name, args.most))
            cells = [str(seen[key]) for key in ("open", "known", "tried", "settled")]
            print(f"| {label} | {name} | {' | '.join(cells)} |", flush=True)


def trial(law: laws.Law, fault: faults.Fault | None, seed: int, name: str, most: int) -> list[str]:
    """What became of one verdict."""
    first_sizes = SIZES[seed % len(SIZES)]
    first = ask(law, fault, seed, first_sizes, name)
    if first.verdict != "inconclusive" or first.settles is None:
        return []
    sizes = asked_for(first.settles, first_sizes)
    if sizes is None:
        return ["open"]
    if sum(sizes) > most:
        return ["open", "known"]
    again = ask(law, fault, seed if sizes[:2] == first_sizes[:2] else 1_000 + seed, sizes, name)
    return ["open", "known", "tried"] + ["settled"] * (again.verdict != "inconclusive")


if __name__ == "__main__":
    main()
