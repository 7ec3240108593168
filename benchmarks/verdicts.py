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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import laws
import numpy as np
from counts import CHECKS, Record, table
from rows import ROWS, Row

import didlearn as dl
from didlearn.arrays import Bytes, Ints
from didlearn.images import Images
from didlearn.images.classes import Labels
from didlearn.images.formats.arrays import open_array

COPIED = "copied_fraction"
SOUND = Path(__file__).parents[1] / "examples" / "digits" / "sound"

_BY_NAME = {row.name: row for row in ROWS}


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
        "Fashion-MNIST": lambda: bank("Fashion-MNIST", "fashion_mnist.npz", few, more),
        "KMNIST": lambda: bank("KMNIST", "kmnist.npz", few, (2_500, 2_500, 5_000)),
        "notMNIST": lambda: bank("notMNIST", "notmnist.npz", few, (2_500, 2_500, 5_000)),
        "USPS": lambda: bank("USPS", "usps.npz", (2_700, 2_300, 2_000), (1_200, 1_000, 5_000)),
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
    sizes = sizes or (law.perfect if row.perfect else law.planted)
    assert sizes is not None
    sets = _planted(law, row, law.draw(seed, sizes), np.random.default_rng([seed, 1]))
    result = dl.audit(
        train=_images(sets.train, sets.train_labels), heldout=sets.heldout, generator=sets.generated,
        seed=seed, threads=1, checks=CHECKS if row.perfect else (row.meant,),
    )  # fmt: skip
    assert result.answer is not None
    beyond = [effect for check in result.checks for effect in check.effects if effect.outcome == "beyond"]
    copied = next((check.estimates[COPIED] for check in result.checks if COPIED in check.estimates), None)
    return Record(
        law=law.name,
        row=row.name,
        seed=seed,
        answer=result.answer.verdict,
        sentence=result.answer.sentence,
        verdicts={check.check: check.verdict for check in result.checks},
        failed=[effect.estimate for effect in beyond],
        truth=row.truth,
        value=None if copied is None else copied.value,
        low=None if copied is None else copied.low,
        high=None if copied is None else copied.high,
        said=any(row.said in words for words in _words(result)) if row.said else None,
    )


def _planted(law: laws.Law, row: Row, sets: laws.Sets, rng: np.random.Generator) -> laws.Sets:
    if row.latent is not None:
        assert law.narrowed is not None
        return sets._replace(generated=law.narrowed(row.latent, len(sets.generated), rng))
    return sets if row.fault is None else row.fault(sets, rng)


def _words(result: dl.AuditResult) -> Iterator[str]:
    """What a reader is told beside the numbers."""
    yield from result.notes
    for check in result.checks:
        yield from (check.answer, *check.notes)


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
