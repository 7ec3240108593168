"""Three audits built by hand, as realistic as a page needs: a sound, a collapsed and a memorising generator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import load_digits

from didlearn.checks import CHECKS
from didlearn.result.files import AuditResult
from didlearn.result.values import (
    CheckResult,
    Estimate,
    Figure,
    Gallery,
    Mark,
    Series,
    Settles,
    Table,
    Tile,
    Value,
    Verdict,
)

HOSTILE = "<img src=x onerror=alert(1)>\"'&{{ 7*7 }}"


MORE = Settles(clause="a generator of more images would settle it", of="different images")


@dataclass(frozen=True)
class Model:
    """What differs between the three."""

    name: str
    effective: tuple[float | None, float, float | None]
    richness: tuple[float, float, float]
    heterogeneity: tuple[float, float, float]
    copied: tuple[float, float, float]
    z: tuple[float, float, float]
    support: tuple[Verdict, str, str]
    memorization: tuple[Verdict, str, str]
    spread: float
    from_train: bool


SOUND = Model(
    name="vae-sound",
    effective=(None, 17_316.0, None),
    richness=(61_204.0, 24_880.0, 188_412.0),
    heterogeneity=(1.02, 0.71, 1.9),
    copied=(0.0012, 0.0004, 0.0031),
    z=(0.41, -1.55, 2.37),
    support=(
        "pass",
        "It makes at least 17 316 different images as far as pairs tell: among 20 000 samples no two were duplicates.",
        "Its lower bound lies above half the real set's effective support, 8 730.",
    ),
    memorization=(
        "pass",
        "Its images lie no closer to the training set than new real images do.",
        "The data-copying statistic is 0.41, within chance (p = 0.66).",
    ),
    spread=1.0,
    from_train=False,
)
COLLAPSED = Model(
    name="gan-collapsed",
    effective=(41.7, 38.9, 44.6),
    richness=(212.0, 184.0, 251.0),
    heterogeneity=(3.8, 3.1, 4.7),
    copied=(0.0008, 0.0002, 0.0023),
    z=(1.9, -0.1, 3.9),
    support=(
        "fail",
        "It makes about 42 different images over and over. A set of real images this size shows at least 8 730.",
        "The effective support, 38.9 to 44.6, lies below the real set's beyond both intervals.",
    ),
    memorization=(
        "inconclusive",
        "No copying was seen, but with so few different images the test has little to go by.",
        "Only 42 effective images fall into 9 of 30 cells; 4 000 more samples would not help.",
    ),
    spread=0.02,
    from_train=False,
)
MEMORISED = Model(
    name="glo-memorised",
    effective=(487.0, 452.0, 526.0),
    richness=(503.0, 497.0, 512.0),
    heterogeneity=(1.03, 0.98, 1.11),
    copied=(0.947, 0.9436, 0.9503),
    z=(-31.2, -33.2, -29.3),
    support=(
        "fail",
        "It makes about 490 different images. A set of real images this size shows at least 8 730.",
        "The effective support, 452 to 526, lies below the real set's beyond both intervals.",
    ),
    memorization=(
        "fail",
        "It copies its training set: 94.7 % of its images are near-duplicates of a training image, of real ones 0.1 %.",
        "The data-copying statistic is −31.2 (p < 10⁻¹⁵).",
    ),
    spread=0.04,
    from_train=True,
)


def _estimate(value, method, n=20_000, unit="", level=0.95):
    return Estimate(value=value[0], low=value[1], high=value[2], level=level, n=n, method=method, unit=unit)


def _tile(image, caption=""):
    return Tile(caption=caption, pixels=np.clip(image * 16, 0, 255).astype(np.uint8))


def _pictures(model: Model, rng: np.random.Generator) -> tuple[Gallery, ...]:
    digits = load_digits().images
    rows = []
    for r in range(12):
        first, second = digits[rng.integers(0, 1797, 2)]
        a = digits[7 * r] if model.from_train else 0.75 * first + 0.25 * second
        b = a + rng.normal(0, 16 * model.spread / 4, a.shape) if model.spread < 1 else np.roll(first, 1, 1)
        near = [digits[np.argsort(((digits - x) ** 2).sum((1, 2)))[0]] for x in (a, b)]
        rows.append(
            (
                _tile(a, f"no. {rng.integers(20_000)}"),
                _tile(b, f"distance {0.31 + 0.02 * r:.2f}"),
                _tile(near[0], f"distance {0.9 + 0.05 * r:.2f}"),
                _tile(near[1], f"distance {0.95 + 0.05 * r:.2f}"),
            )
        )
    headings = ("sample A", "sample B", "nearest training image of A", "nearest training image of B")
    atom = [_tile(digits[i], f"{100 * p:.1f} %") for i, p in ((3, 0.052), (18, 0.021), (40, 0.011))]
    contact = tuple(_tile(digits[int(i)] + rng.normal(0, 0.5, (8, 8))) for i in rng.integers(0, 1797, 200))
    return (
        Gallery(
            name="pairs",
            title="The closest pairs, and the training images nearest to them",
            columns=headings,
            rows=tuple(rows),
            caption="Pairs in order of distance. The threshold is 0.62.",
        ),
        Gallery(name="atoms", title="Images made again and again", rows=(tuple(atom),), caption="With their share."),
        Gallery(name="samples", title="Two hundred samples", rows=(contact,), caption="Not chosen."),
    )


def _figures(model: Model) -> tuple[Figure, ...]:
    t = np.geomspace(0.05, 4, 900)
    level = 1 / (model.effective[0] or 40_000)
    curve = level * (t / 0.62) ** (0.3 if model.spread < 1 else 6)
    real = 3e-6 * (t / 0.62) ** 6
    histogram = np.exp(-0.5 * ((np.linspace(0, 4, 60) - 2.3) / 0.5) ** 2)
    shifted = np.exp(-0.5 * ((np.linspace(0, 4, 60) - 0.4) / 0.15) ** 2)
    batch = np.arange(10, 1510, 10.0)
    collide = 1 - np.exp(-batch * (batch - 1) / 2 * level)
    x60 = tuple(np.linspace(0, 4, 60))
    return (
        Figure(
            name="threshold",
            title="Share of pairs closer than a threshold",
            x_label="distance threshold",
            y_label="share of pairs",
            x_log=True,
            y_log=True,
            series=(
                Series(
                    label="generated",
                    x=tuple(t),
                    y=tuple(curve),
                    low=tuple(curve * 0.8),
                    high=tuple(curve * 1.25),
                    role="generated",
                ),
                Series(label="held-out real", x=tuple(t), y=tuple(real), role="heldout"),
            ),
            marks=(Mark(label="threshold used", x=0.62),),
            caption="Where the generated curve lies above the real one, the generator repeats itself more.",
        ),
        Figure(
            name="calibration",
            title="What counts as a duplicate",
            x_label="distance",
            y_label="density",
            series=(
                Series(label="independent real images", x=x60, y=tuple(histogram), style="step", role="heldout"),
                Series(label="an image and its perturbation", x=x60, y=tuple(shifted), style="step", role="perturbed"),
            ),
            marks=(Mark(label="threshold used", x=0.62), Mark(label="closest real pair", x=0.71)),
            caption="The threshold keeps the false-duplicate rate below 1 in a million pairs.",
        ),
        Figure(
            name="birthday",
            title="Batches that hold a duplicate",
            x_label="batch size",
            y_label="share of batches",
            series=(
                Series(label="fitted birthday curve", x=tuple(batch), y=tuple(collide), role="theory"),
                Series(
                    label="batches",
                    x=tuple(batch[4::15]),
                    y=tuple(collide[4::15]),
                    low=tuple(np.clip(collide[4::15] - 0.08, 0, 1)),
                    high=tuple(np.clip(collide[4::15] + 0.08, 0, 1)),
                    style="points",
                    role="generated",
                ),
            ),
            marks=(Mark(label="half of the batches", y=0.5),),
        ),
    )


def _support(model: Model, rng: np.random.Generator) -> CheckResult:
    verdict, answer, reason = model.support
    effective = model.effective
    inverse = (
        None if effective[0] is None else 1 / effective[0],
        1 / effective[2] if effective[2] else 0,
        1 / effective[1],
    )
    rows = tuple((int(rng.integers(20_000)), int(rng.integers(20_000)), 0.31 + 0.01 * i, i % 3 != 2) for i in range(40))
    return CheckResult(
        check="support",
        question="How many different images can it make?",
        verdict=verdict,
        answer=answer,
        reason=reason,
        params={"samples": 20_000, "criterion": "pixels", "threshold": None, "batches": [50, 100, 200, 400, 800]},
        estimates={
            "effective_support": _estimate(effective, "all pairs, overdispersion-scaled Poisson", unit="images"),
            "effective_support_heldout": _estimate((None, 8_730, None), "no pair seen", n=1_797, unit="images"),
            "richness": _estimate(model.richness, "Valiant–Valiant, bootstrap", unit="images"),
            "collision_probability": _estimate(inverse, "all pairs", unit="probability"),
            "coverage": _estimate((0.9996, 0.9991, 0.9999), "Good–Turing", unit="fraction"),
            "false_duplicate_rate": _estimate((1.2e-7, None, 9.4e-7), "held-out real pairs", n=1_613_706, unit="rate"),
            "heterogeneity": _estimate(model.heterogeneity, "jackknife over samples"),
        },
        figures=_figures(model),
        galleries=_pictures(model, rng),
        tables=(
            Table(
                name="pairs",
                title="The closest pairs",
                columns=("first", "second", "distance", "duplicate", "class"),
                rows=tuple((a, b, d, "yes" if dup else "no", "three") for a, b, d, dup in rows),
                caption="Numbers are places in the sample.",
                csv="pairs.csv",
            ),
        ),
        notes=("Clusters were not all cliques: 3 of 41 held a pair farther apart than the threshold.",),
        seconds=12.3,
    )


def _memorization(model: Model, rng: np.random.Generator) -> CheckResult:
    verdict, answer, reason = model.memorization
    x = np.linspace(0, 4, 500)
    own = 1 / (1 + np.exp(-(x - (0.3 if model.from_train else 1.8)) * 6))
    gallery = _pictures(model, rng)[0]
    rows = tuple(row[:1] + row[2:3] for row in gallery.rows)
    return CheckResult(
        check="memorization",
        question="Are its images copies of the training set?",
        verdict=verdict,
        answer=answer,
        reason=reason,
        settles=MORE if verdict == "inconclusive" else None,
        params={"cells": 30, "embedding": "pixels", "samples": 10_000},
        estimates={
            "data_copying_z": _estimate(model.z, "Mann–Whitney per cell, weighted", n=10_000),
            "copied_fraction": _estimate(model.copied, "Clopper–Pearson", n=10_000, unit="fraction"),
            "copied_fraction_heldout": _estimate((0.001, 0.0002, 0.004), "Clopper–Pearson", n=1_797, unit="fraction"),
            "authenticity": _estimate((0.62, 0.60, 0.64), "bootstrap over images", n=10_000, unit="fraction"),
        },
        figures=(
            Figure(
                name="distances",
                title="Distance to the nearest training image",
                x_label="distance",
                y_label="share of images closer",
                series=(
                    Series(label="generated", x=tuple(x), y=tuple(own), role="generated"),
                    Series(label="held-out", x=tuple(x), y=tuple(1 / (1 + np.exp(-(x - 1.7) * 6))), role="heldout"),
                ),
            ),
        ),
        galleries=(
            Gallery(
                name="copies",
                title="The generated images closest to a training image",
                columns=("generated", "nearest training image"),
                rows=rows,
            ),
        ),
        seconds=4.56,
    )


def build(model: Model) -> AuditResult:
    rng = np.random.default_rng(0)
    return AuditResult(
        checks=(
            _support(model, rng),
            _memorization(model, rng),
            CheckResult(
                check="inversion",
                question="Can it make the images it was trained on?",
                verdict="not_run",
                reason="the model has no latent; give a TorchScript model or a factory",
                answer="Not run: the model has no latent; give a TorchScript model or a factory",
            ),
        ),
        subject={
            "model": {"name": model.name, "kind": "directory", "latent": "10, normal", "fingerprint": "9f2c1ab7" * 8},
            "train": {"name": "digits", "images": 1_257, "shape": [1, 8, 8], "fingerprint": "51c09e44" * 8},
            "heldout": {"name": "digits, split off", "images": 540, "fingerprint": "77aa0312" * 8},
        },
        environment={
            "date": "2025-11-03T14:07:52+00:00",
            "didlearn": "0.1.0",
            "torch": "2.13.0",
            "device": "cpu",
            "threads": 2,
            "seed": 0,
            "command": ["didlearn", "audit", "--train", "digits", "--generator", f"models/{model.name}", "-o", "run"],
        },
        notes=("The held-out set was split off by seed 0: 540 of 1 797 images.",),
    )


@pytest.fixture(scope="session")
def whole() -> AuditResult:
    """Every check, each as full as support is, with an answer as long as the longest."""
    rng = np.random.default_rng(0)
    full = _support(COLLAPSED, rng).model_copy(update={"answer": " ".join([COLLAPSED.support[1]] * 4)})
    checks = tuple(
        full.model_copy(update={"check": name, "question": kind.question})
        for name, kind in sorted(CHECKS.items(), key=lambda item: item[1].position)
    )
    return build(COLLAPSED).model_copy(update={"checks": checks})


@pytest.fixture(scope="session")
def sound() -> AuditResult:
    return build(SOUND)


@pytest.fixture(scope="session")
def collapsed() -> AuditResult:
    return build(COLLAPSED)


@pytest.fixture(scope="session")
def memorised() -> AuditResult:
    return build(MEMORISED)


@pytest.fixture(scope="session")
def three(sound, collapsed, memorised) -> dict[str, AuditResult]:
    return {"sound": sound, "collapsed": collapsed, "memorised": memorised}


@pytest.fixture(scope="session")
def hostile(collapsed) -> AuditResult:
    """A result in which every text a stranger could choose is an attack."""

    def poison(value):
        if isinstance(value, Value):
            kept = ("verdict", "style", "role", "pixels", "path", "check", "format")
            fields = {f: getattr(value, f) for f in type(value).model_fields}
            return value.model_copy(update={f: poison(v) for f, v in fields.items() if f not in kept})
        if isinstance(value, str):
            return HOSTILE + value
        if isinstance(value, tuple | list):
            return type(value)(map(poison, value))
        if isinstance(value, dict):
            return {HOSTILE + k if not isinstance(v, dict | str) else k: poison(v) for k, v in value.items()}
        return value

    strange = CheckResult(check=f"../{HOSTILE}", question=HOSTILE, verdict="measured", answer=HOSTILE)
    poisoned = poison(collapsed)
    return poisoned.model_copy(update={"checks": (*poisoned.checks, strange)})
