"""Our scores beside those of the packages that others compute them with, on fixed pairs of features.

    python benchmarks/precision.py                       # print the page; packages that are absent are named as not run
    python benchmarks/precision.py -o docs/precision.md  # write it

The packages are no dependencies: install them with this one into an environment beside (`pip install torch-fidelity
pytorch-fid clean-fid torchmetrics prdc vendi-score`). Each is asked through a function of its own that takes features,
never through a formula written here. The exit status is 1 where a number lies beyond its tolerance.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import didlearn as dl
from didlearn.arrays import Floats

WIDTH = 10.0  # of CMMD's kernel
ROUNDED = 1e-9  # relative: double precision either way
ROOT = 1e-6  # relative: a root of a matrix, whose rounding is not known
SINGLE = 1e-6  # the package counts in single precision
HEAD = "| score | pair | ours | package | its number | relative difference | tolerance |"


class Pair(NamedTuple):
    """Features of real and generated images, (n, D) and (m, D)."""

    real: Floats
    generated: Floats


class Comparison(NamedTuple):
    """A score of ours, and a package's number on the same pair."""

    score: str
    pair: str
    ours: float
    package: str
    theirs: float
    tolerance: float

    @property
    def difference(self) -> float:
        """|theirs − ours| / |ours|."""
        return abs(self.theirs - self.ours) / max(abs(self.ours), 1e-300)

    @property
    def within(self) -> bool:
        """Whether the two are as near as is said."""
        return self.difference <= self.tolerance

    def row(self) -> str:
        """A line of the table."""
        numbers = f"{self.ours:.9g} | {self.package} | {self.theirs:.9g} | {self.difference:.0e} | {self.tolerance:.0e}"
        return f"| {self.score} | {self.pair} | {numbers}{'' if self.within else ' **beyond**'} |"


def pairs() -> dict[str, Pair]:
    """The fixed pairs, by what is particular to them."""
    g = np.random.RandomState(0)
    plain = Pair(g.normal(size=(1000, 64)), g.normal(size=(1000, 64)) * 0.95 + 0.1)
    g = np.random.RandomState(1)
    mixed = g.normal(size=(24, 24)) / 5
    skewed = Pair(np.exp(g.normal(size=(600, 24)) @ mixed), np.exp(g.normal(size=(600, 24)) @ mixed + 0.2))
    g = np.random.RandomState(2)
    few = Pair(g.normal(size=(150, 256)), g.normal(size=(150, 256)) + 0.1)
    return {"1 000 × 64": plain, "skewed, 600 × 24": skewed, "singular, 150 × 256": few}


def logits() -> Floats:
    """Fixed logits (1000, 10) of a classifier that is seldom sure."""
    return 2 * np.random.RandomState(3).normal(size=(1000, 10))


def ours() -> dict[tuple[str, str], float]:
    """Our number of each score on each pair."""
    found: dict[tuple[str, str], float] = {("Inception Score", "logits, 1 000 × 10"): dl.inception_score(logits())}
    for name, (real, generated) in pairs().items():
        both = {"real": real, "generated": generated}
        precision, recall = dl.precision_recall(**both, k=3)
        wide = dl.precision_recall(**both, k=5)
        density, coverage = dl.density_coverage(**both, k=5)
        scores = {
            "Fréchet distance": dl.frechet_distance(**both),
            "kernel distance": dl.kernel_distance(**both),
            "CMMD": dl.cmmd(real=real, generated=generated),
            "precision, k = 3": precision,
            "recall, k = 3": recall,
            "precision, k = 5": wide.precision,
            "recall, k = 5": wide.recall,
            "density": density,
            "coverage": coverage,
            "Vendi score": dl.vendi_score(generated),
        }
        found |= {(score, name): value for score, value in scores.items()}
    return found


def _moments(pair: Pair) -> list[Floats]:
    return [part for rows in pair for part in (rows.mean(axis=0), np.cov(rows, rowvar=False))]


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


class _Given(torch.nn.Module):
    """What stands in a network's place: features are given as they are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return them."""
        return features


def let_torchvision_load() -> None:
    """Name the two operators that torchvision's import asks for where its compiled part does not go with this torch.

    Three of the packages import it and use none of it for what is asked here.
    """
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


Answer = tuple[str, float, float]  # score, number, tolerance


def torch_fidelity(pair: Pair) -> Iterator[Answer]:
    """Its functions of features; the kernel distance and CMMD of one subset, which is all."""
    fid, kid, prc = (import_module(f"torch_fidelity.metric_{name}") for name in ("fid", "kid", "prc"))
    real, generated = (torch.from_numpy(rows) for rows in pair)
    statistics = [fid.fid_features_to_statistics(rows) for rows in (real, generated)]
    distance = fid.fid_statistics_to_metric(*statistics, verbose=False)
    yield "Fréchet distance", distance["frechet_inception_distance"], ROOT
    options: dict[str, Any] = {"kid_subsets": 1, "kid_subset_size": len(real), "verbose": False}
    polynomial = kid.kid_features_to_metric(generated, real, **options)
    yield "kernel distance", polynomial["kernel_inception_distance_mean"], ROUNDED
    unit = (torch.from_numpy(_unit(rows)) for rows in (pair.generated, pair.real))
    gaussian = kid.kid_features_to_metric(*unit, **options, kid_kernel="rbf", kid_kernel_rbf_sigma=WIDTH)
    yield "CMMD", 1000 * gaussian["kernel_inception_distance_mean"], ROUNDED
    found = prc.prc_features_to_metric(generated, real, prc_neighborhood=3, verbose=False)
    yield "precision, k = 3", float(found["precision"]), SINGLE
    yield "recall, k = 3", float(found["recall"]), SINGLE


def pytorch_fid(pair: Pair) -> Iterator[Answer]:
    """Its Fréchet distance of moments."""
    fid = import_module("pytorch_fid.fid_score")
    yield "Fréchet distance", float(fid.calculate_frechet_distance(*_moments(pair))), ROOT


def clean_fid(pair: Pair) -> Iterator[Answer]:
    """Its Fréchet distance of moments, and its kernel distance of one subset, which is all."""
    fid = import_module("cleanfid.fid")
    yield "Fréchet distance", float(fid.frechet_distance(*_moments(pair))), ROOT
    kernel = fid.kernel_distance(*pair, num_subsets=1, max_subset_size=len(pair.real))
    yield "kernel distance", float(kernel), ROUNDED


def torchmetrics(pair: Pair) -> Iterator[Answer]:
    """Its metrics, in double precision where they can be, with features given in the place of a network's."""
    image, width = import_module("torchmetrics.image"), pair.real.shape[1]
    distance = image.fid.FrechetInceptionDistance(feature=_Given(width)).set_dtype(torch.float64)
    kernel = image.kid.KernelInceptionDistance(feature=_Given(width), subsets=1, subset_size=len(pair.real))
    for metric in (distance, kernel):
        for rows, real in zip(pair, (True, False), strict=True):
            metric.update(torch.from_numpy(rows), real=real)
    yield "Fréchet distance", float(distance.compute()), ROOT
    yield "kernel distance", float(kernel.compute()[0]), ROUNDED


def prdc(pair: Pair) -> Iterator[Answer]:
    """All four with five neighbours."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = import_module("prdc").compute_prdc(*pair, nearest_k=5)
    named = {"precision": "precision, k = 5", "recall": "recall, k = 5"}
    for name in ("precision", "recall", "density", "coverage"):
        yield named.get(name, name), float(found[name]), ROUNDED


def vendi_score(pair: Pair) -> Iterator[Answer]:
    """Its score of cosine similarities, of features and of their dual."""
    yield "Vendi score", float(import_module("vendi_score.vendi").score_dual(pair.generated, normalize=True)), ROUNDED


PACKAGES: dict[str, Callable[[Pair], Iterator[Answer]]] = {
    "torch-fidelity": torch_fidelity,
    "pytorch-fid": pytorch_fid,
    "clean-fid": clean_fid,
    "torchmetrics": torchmetrics,
    "prdc": prdc,
    "vendi-score": vendi_score,
}


def classified() -> Iterator[tuple[str, float, float]]:
    """Inception Scores of the fixed logits, over all images at once: package, number, tolerance."""
    given = torch.from_numpy(logits())
    if installed("torch-fidelity"):
        score = import_module("torch_fidelity.metric_isc").isc_features_to_metric(given, splits=1, shuffle=False)
        yield "torch-fidelity", score["inception_score_mean"], ROUNDED
    if installed("torchmetrics"):
        metric = import_module("torchmetrics.image").inception.InceptionScore(feature=_Given(10), splits=1)
        metric.update(given)
        yield "torchmetrics", float(metric.compute()[0]), ROUNDED


def installed(package: str) -> str | None:
    """The version of a package, or nothing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def compared() -> list[Comparison]:
    """Ask every package that is here, on every pair."""
    own, rows = ours(), list[Comparison]()
    for package, ask in PACKAGES.items():
        for name, pair in pairs().items() if installed(package) else ():
            for score, theirs, tolerance in ask(pair):
                rows.append(Comparison(score, name, own[score, name], package, theirs, tolerance))
    name = "logits, 1 000 × 10"
    rows += [Comparison("Inception Score", name, own["Inception Score", name], *answer) for answer in classified()]
    order = list(dict.fromkeys(score for score, _ in own))
    return sorted(rows, key=lambda row: (order.index(row.score), list(PACKAGES).index(row.package)))


def page(rows: list[Comparison]) -> str:
    """The page."""
    versions = {package: installed(package) for package in PACKAGES}
    asked = ", ".join(f"{package} {found}" for package, found in versions.items() if found)
    absent = [package for package, found in versions.items() if not found]
    notes = [f"Not run, for they were not installed: {', '.join(absent)}." if absent else "", _WORDS]
    lines = [HEAD, "|" + "---|" * HEAD.count("| "), *(row.row() for row in rows)]
    return "\n\n".join([_OPENING.format(asked=asked), "\n".join(lines), *filter(None, notes)]) + "\n"


_OPENING = """# Precision against other packages

The scores are those that everyone computes; here ours stand beside other packages' on the same features. The page is
written by `python benchmarks/precision.py -o docs/precision.md`, which asks each package through a function of its
own that takes features, and exits with 1 where a number lies beyond its tolerance. The fixed pairs are in the script,
and a test holds the table to what the code computes today.

Asked: {asked}."""

_WORDS = """MIND and sFID have no row: none of these packages has a function that takes features for them. Where
packages differ by convention they are asked so that they do not: a KID that is a mean over random subsets for one
subset, of all images; an Inception Score that is a mean over splits for one; CMMD as a KID with a Gaussian kernel of
features divided by their length. Where covariances are singular (150 images of 256 features) the packages take the
root of a product that rounding has made singular, and ours is a sum of singular values. torch-fidelity counts shares
in single precision."""


def main() -> None:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, help="file to write; else it is printed")
    output = parser.parse_args().output
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the packages' own
        let_torchvision_load()
        rows = compared()
    text = page(rows)
    if output is None:
        print(text)
    else:
        output.write_text(text, encoding="utf-8")
    sys.exit(0 if all(row.within for row in rows) else 1)


if __name__ == "__main__":
    main()
