"""How often is it right? Audits of generators whose truth is known, and their verdicts counted.

    python benchmarks/verdicts.py                                      # digits: their sound generator, and a bank
    python benchmarks/verdicts.py --shared FOLDER --seeds 50           # banks of real images and other generators too
    python benchmarks/verdicts.py --rows perfect blur --output verdicts.jsonl

Perfect generators: a latent model against its own samples, a bank of unseen real images; all checks that an answer
needs are asked. Planted faults: what a row's name says; the check meant for it is asked. Counts stand beside their 95 %
intervals. An output file that is there is gone on with: audits it holds are not made again.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

os.environ.setdefault("OMP_NUM_THREADS", "1")

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
        labels: whether it needs classes. latent: dimension that a latent model is narrowed to.
    """

    name: str
    fault: laws.Fault | None = None
    meant: str = ""
    labels: bool = False
    latent: int | None = None

    def applies_to(self, law: laws.Law) -> bool:
        """Whether this can be planted in that law."""
        if self.name == PERFECT:
            return True
        has_latent = self.latent is None or law.narrowed is not None
        return law.planted is not None and has_latent and (law.labels or not self.labels)


ROWS = (
    Row(PERFECT),
    Row("collapsed on 20 pictures", laws.collapse(20), "support"),
    Row("collapsed on 1 000 pictures", laws.collapse(1_000), "support"),
    Row("collapsed on 100 000 pictures", laws.collapse(100_000), "support"),
    Row("half from 1 000 pictures", laws.collapse(1_000, 0.5), "support"),
    Row("a tenth is one picture", laws.collapse(1, 0.1), "support"),
    Row("a latent of 2", None, "support", latent=2),
    Row("a class missing", laws.without_class(7), "fidelity", labels=True),
    Row("a class at a tenth", laws.without_class(7, 0.1), "fidelity", labels=True),
    Row("a class at half", laws.without_class(7, 0.5), "fidelity", labels=True),
    Row("copies, 50 %", laws.copies(0.5), "memorization"),
    Row("copies, 5 %", laws.copies(0.05), "memorization"),
    Row("copies, 0.5 %", laws.copies(0.005), "memorization"),
    Row("a tenth of the data", laws.a_tenth, "memorization"),
    Row("blur, 0.5 pixels", laws.blur(0.5), "fidelity"),
    Row("blur, 1 pixel", laws.blur(1.0), "fidelity"),
    Row("noise, 10 levels", laws.noise(10), "fidelity"),
    Row("noise, 25 levels", laws.noise(25), "fidelity"),
    Row("20 % brighter", laws.brightness(1.2), "fidelity"),
    Row("50 % brighter", laws.brightness(1.5), "fidelity"),
)
_BY_NAME = {row.name: row for row in ROWS}


class Record(TypedDict):
    """One audit: what was asked, and what came of it; ``failed``: the effects shown beyond what is tolerated."""

    law: str
    row: str
    seed: int
    answer: str
    sentence: str
    verdicts: dict[str, str]
    failed: list[str]


def all_laws(shared: Path | None) -> dict[str, Callable[[], laws.Law]]:
    """The laws that there are images or weights for, opened when asked."""
    known: dict[str, Callable[[], laws.Law]] = {
        "digits' sound generator": lambda: laws.model_law(
            "digits' sound generator", SOUND, (2_000, 2_000, 2_000), (4_000, 3_000, 5_000)
        ),
        "digits": lambda: laws.real_law("digits", dl.open_images("digits"), (800, 500, 497)),
    }
    return known if shared is None else known | _shared_laws(shared)


def _shared_laws(shared: Path) -> dict[str, Callable[[], laws.Law]]:
    def bank(name: str, file: str, perfect: laws.Sizes, planted: laws.Sizes, size: int | None = None) -> laws.Law:
        return laws.real_law(name, dl.open_images(str(shared / "data" / file), size=size), perfect, planted)

    def model(name: str, perfect: laws.Sizes, planted: laws.Sizes | None = None) -> laws.Law:
        spec = f"{shared / 'generators' / 'architectures.py'}:{name}"
        return laws.model_law(name, spec, perfect, planted, trust_code=True)

    few, more = (3_000, 2_500, 2_000), (6_000, 4_000, 5_000)
    faces = "celeba_000001_010000_89x109_jpeg.zip"
    return {
        "MNIST": lambda: bank("MNIST", "mnist.npz", few, more),
        "CIFAR-10": lambda: bank("CIFAR-10", "cifar10_train_first20k.npz", few, more),
        "CelebA": lambda: bank("CelebA", faces, (3_000, 2_500, 2_000), (2_500, 2_500, 5_000), size=32),
        "mnist_wgan_gp": lambda: model("mnist_wgan_gp", few, more),
        "mnist_vae": lambda: model("mnist_vae", few),
        "mnist_conditional_wgan_gp": lambda: model("mnist_conditional_wgan_gp", few),
        "celeba_vae": lambda: model("celeba_vae", (2_000, 1_500, 1_500)),
    }


@cache
def _opened(shared: Path | None, name: str) -> laws.Law:
    return all_laws(shared)[name]()


def audit_once(shared: Path | None, law_name: str, row_name: str, seed: int, sizes: laws.Sizes | None) -> Record:
    """Audit one generator."""
    law, row = _opened(shared, law_name), _BY_NAME[row_name]
    sizes = sizes or (law.perfect if row.name == PERFECT else law.planted)
    assert sizes is not None
    sets, rng = law.draw(seed, sizes), np.random.default_rng([seed, 1])
    result = dl.audit(
        train=_images(sets.train, sets.train_labels), heldout=sets.heldout, generator=_planted(law, row, sets, rng),
        seed=seed, threads=1, checks=(row.meant,) if row.meant else CHECKS,
    )  # fmt: skip
    assert result.answer is not None
    beyond = [effect for check in result.checks for effect in check.effects if effect.outcome == "beyond"]
    return Record(
        law=law.name,
        row=row.name,
        seed=seed,
        answer=result.answer.verdict,
        sentence=result.answer.sentence,
        verdicts={check.check: check.verdict for check in result.checks},
        failed=[effect.estimate for effect in beyond],
    )


def _planted(law: laws.Law, row: Row, sets: laws.Sets, rng: np.random.Generator) -> Bytes:
    if row.latent is not None:
        assert law.narrowed is not None
        return law.narrowed(row.latent, len(sets.generated), rng)
    return sets.generated if row.fault is None else row.fault(sets, rng)


def _images(pixels: Bytes, labels: Ints | None) -> Images:
    given = Labels() if labels is None else Labels(labels)
    return open_array(pixels, given, "training images")


Job = tuple[Path | None, str, str, int, laws.Sizes | None]


def audits(jobs: Sequence[Job], workers: int) -> Iterator[Record]:
    """Make the audits, in processes of their own."""
    if workers == 1:
        yield from (audit_once(*job) for job in jobs)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(audit_once, *zip(*jobs, strict=True))


def share(hits: int, trials: int) -> str:
    """Write a count with its Clopper–Pearson interval."""
    low, high = clopper_pearson(hits, trials)
    return f"{hits}/{trials} ({100 * low:.0f}–{100 * high:.0f} %)"


def table(records: Sequence[Record]) -> str:
    """The Markdown table: a line for each law and row, and one for all perfect generators together."""
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        found[record["row"], record["law"]].append(record)
    perfect = [record for record in records if record["row"] == PERFECT]
    lines = [_perfect_line(name, found[PERFECT, name]) for row, name in sorted(found) if row == PERFECT]
    if perfect:
        lines.append(_perfect_line("**all**", perfect))
    heads = [
        "| perfect: law | No | Yes | " + " | ".join(f"{name} fails / passes" for name in CHECKS) + " |",
        "|---" * 6 + "|",
    ]
    planted = [
        _planted_line(row, name, found[row.name, name])
        for row in ROWS
        for name in sorted({name for which, name in found if which == row.name})
        if row.name != PERFECT
    ]
    return "\n".join([*heads, *lines, "", "| planted | law | check meant | fails |", "|---" * 4 + "|", *planted])


def _perfect_line(name: str, found: Sequence[Record]) -> str:
    answers = Counter(record["answer"] for record in found)
    cells = [name, share(answers["no"], len(found)), share(answers["yes"], len(found))]
    for check in CHECKS:
        verdicts = Counter(record["verdicts"][check] for record in found)
        cells.append(f"{verdicts['fail']} / {verdicts['pass']}")
    return f"| {' | '.join(cells)} |"


def _planted_line(row: Row, law: str, found: Sequence[Record]) -> str:
    fails = sum(record["verdicts"][row.meant] == "fail" for record in found)
    return f"| {row.name} | {law} | {row.meant} | {share(fails, len(found))} |"


def main() -> None:
    """Make the audits that are missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, help="folder with the folders data and generators")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--rows", nargs="*", help="only rows whose names hold one of these words")
    parser.add_argument("--laws", nargs="*", help="only laws of these names")
    parser.add_argument("--sizes", type=int, nargs=3, help="training, held-out and generated images")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, help="JSON lines: one of each audit")
    parser.add_argument("--table", action="store_true", help="only print the table of what the output file holds")
    args = parser.parse_args()
    kept: list[Record] = []
    if args.output is not None and args.output.exists():
        kept = [json.loads(line) for line in args.output.read_text(encoding="utf-8").splitlines()]
    for record in audits([] if args.table else _jobs(args, kept), args.workers):
        kept.append(record)
        print(record["law"], record["row"], record["seed"], record["sentence"], flush=True)
        if args.output is not None:
            with args.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
    print(table(kept))


def _jobs(args: argparse.Namespace, kept: Sequence[Record]) -> list[Job]:
    made = {(record["law"], record["row"], record["seed"]) for record in kept}
    names = [name for name in all_laws(args.shared) if args.laws is None or name in args.laws]
    rows = [row for row in ROWS if args.rows is None or any(word in row.name for word in args.rows)]
    sizes = None if args.sizes is None else tuple(args.sizes)
    return [
        (args.shared, name, row.name, seed, sizes)
        for name in names
        for row in rows
        if row.applies_to(_opened(args.shared, name))
        for seed in range(args.first, args.first + args.seeds)
        if (name, row.name, seed) not in made
    ]


if __name__ == "__main__":
    main()
