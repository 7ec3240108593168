"""How often is it right? Audits of generators whose truth is known, and their verdicts counted.

    python benchmarks/verdicts.py                                 # small: digits' sound generator as the law
    python benchmarks/verdicts.py --data FOLDER --seeds 50        # banks of real images too
    python benchmarks/verdicts.py --rows perfect blur --output verdicts.json

Perfect generators: a latent model against its own samples, a bank of unseen real images. Planted faults: what a row's
name says, at one strength. For each the check meant for it is named. Counts stand beside their 95 % intervals.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import laws
import numpy as np

import didlearn as dl
from didlearn.arrays import Bytes, Ints
from didlearn.images import Images
from didlearn.images.classes import Labels
from didlearn.images.formats.arrays import open_array
from didlearn.statistics.intervals import clopper_pearson

CHECKS = ("support", "memorization", "fidelity")
SOUND = Path(__file__).parents[1] / "examples" / "digits" / "sound"
PERFECT = "perfect"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: of the fault. fault: what is planted, ``None`` in a perfect generator. meant: the check that should fail.
        labels: whether it needs classes.
    """

    name: str
    fault: laws.Fault | None = None
    meant: str = ""
    labels: bool = False


ROWS = (
    Row(PERFECT),
    Row("collapsed on 20 pictures", laws.collapse(20), "support"),
    Row("collapsed on 1 000 pictures", laws.collapse(1_000), "support"),
    Row("a tenth of the samples are one picture", laws.collapse(1, 0.1), "support"),
    Row("a class missing", laws.without_class(7), "fidelity", labels=True),
    Row("a class at a tenth of its share", laws.without_class(7, 0.1), "fidelity", labels=True),
    Row("copies, 50 %", laws.copies(0.5), "memorization"),
    Row("copies, 5 %", laws.copies(0.05), "memorization"),
    Row("copies, 0.5 %", laws.copies(0.005), "memorization"),
    Row("a tenth of the data, changed mildly", laws.a_tenth, "memorization"),
    Row("blur of 1 pixel", laws.blur(1.0), "fidelity"),
    Row("noise of 25 grey levels", laws.noise(25), "fidelity"),
    Row("20 % brighter", laws.brightness(1.2), "fidelity"),
)


def audit_once(law: laws.Law, row: Row, seed: int) -> dict[str, str]:
    """Audit one generator; return the verdict of each check, and the answer."""
    sets = law.draw(seed, law.sizes)
    rng = np.random.default_rng([seed, 1])
    generated = sets.generated if row.fault is None else row.fault(sets, rng)
    result = dl.audit(
        train=_images(sets.train, sets.train_labels), heldout=sets.heldout, generator=generated, seed=seed, threads=1,
        checks=CHECKS,
    )  # fmt: skip
    assert result.answer is not None
    return {check.check: check.verdict for check in result.checks} | {"answer": result.answer.verdict}


def _images(pixels: Bytes, labels: Ints | None) -> Images:
    given = Labels() if labels is None else Labels(labels)
    return open_array(pixels, given, "training images")


def all_laws(data: Path | None, small: bool) -> Iterator[laws.Law]:
    """The laws that there are images for."""
    yield laws.model_law("sound generator of digits", SOUND, (2_000, 1_000, 2_000) if small else (4_000, 2_000, 5_000))
    if data is not None:
        yield laws.real_law("MNIST", str(data / "mnist.npz"), (20_000, 10_000, 5_000))
        cifar = str(data / "cifar10_train_first20k.npz")
        yield laws.real_law("CIFAR-10", cifar, (10_000, 5_000, 5_000))


def count(law: laws.Law, row: Row, seeds: Sequence[int], workers: int) -> dict[str, Counter[str]]:
    """Audit over seeds and count the verdicts by check."""
    once = partial(audit_once, law, row)
    if workers == 1:
        found = [once(seed) for seed in seeds]
    else:
        with ProcessPoolExecutor(workers) as pool:
            found = list(pool.map(once, seeds))
    return {name: Counter(verdicts[name] for verdicts in found) for name in found[0]}


def share(hits: int, trials: int) -> str:
    """Write a count with its Clopper–Pearson interval."""
    low, high = clopper_pearson(hits, trials)
    return f"{hits}/{trials} ({100 * low:.0f}–{100 * high:.0f} %)"


def line(law: laws.Law, row: Row, counted: dict[str, Counter[str]]) -> str:
    """One line of the Markdown table."""
    answers, trials = counted["answer"], counted["answer"].total()
    cells = [law.name, row.name, share(answers["no"], trials), share(answers["yes"], trials)]
    cells += [f"{found['fail']} / {found['pass']}" for found in (counted[name] for name in CHECKS)]
    cells.append(f"{row.meant}: {share(counted[row.meant]['fail'], trials)}" if row.meant else "")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of mnist.npz and cifar10_train_first20k.npz")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--rows", nargs="*", help="only rows whose names hold one of these words")
    parser.add_argument("--laws", nargs="*", help="only laws whose names hold one of these words")
    parser.add_argument("--full", action="store_true", help="sets of full size")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, help="JSON of all counts")
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(
        f"| law | generator | No | Yes | {' | '.join(f'{name}, fail / pass' for name in CHECKS)} | meant check fails |"
    )
    print("|" + "---|" * (5 + len(CHECKS)))
    seeds, kept = range(args.first, args.first + args.seeds), []
    for law in all_laws(args.data, not args.full):
        for row in ROWS:
            named = (args.rows is None or any(word in row.name for word in args.rows)) and (
                args.laws is None or any(word in law.name for word in args.laws)
            )
            if not named or (row.labels and law.draw(0, (2, 2, 2)).train_labels is None):
                continue
            counted = count(law, row, seeds, args.workers)
            print(line(law, row, counted), flush=True)
            kept.append({"law": law.name, "row": row.name, "counts": {k: dict(v) for k, v in counted.items()}})
            if args.output is not None:
                args.output.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
