"""Every score of the generated images, of as many training images in their place, and what lies between the two."""

from __future__ import annotations

from typing import NamedTuple

from didlearn.arrays import Floats
from didlearn.checks.fidelity.intervals import (
    DERIVATIVE,
    JACKKNIFE,
    LESS,
    effect,
    exponential,
    gap_interval,
    share_interval,
)
from didlearn.checks.fidelity.leave_out import left_out_metrics, make_sample
from didlearn.checks.fidelity.manifold_metrics import manifold_metrics
from didlearn.embeddings.moments import FeatureMoments
from didlearn.result.values import Estimate, Estimates, exactly
from didlearn.rng import Stream
from didlearn.statistics.fidelity.frechet import frechet_influence, frechet_influence_from_moments
from didlearn.statistics.fidelity.kernel_distance import kernel_test
from didlearn.statistics.fidelity.vendi import vendi_influence

_EXCHANGE = "exchange of generated and real images"


class Sets(NamedTuple):
    """Features of held-out images (n, D), and of as many generated as training images, (m, D) each."""

    heldout: Floats
    generated: Floats
    train: Floats


def frechet_numbers(sets: Sets, level: float) -> Estimates:
    """Return the Fréchet distance from the held-out images, and what it exceeds training images' by."""
    own, null = (frechet_influence(real=sets.heldout, generated=rows) for rows in (sets.generated, sets.train))
    return {
        "frechet_distance": own.estimate(level, f"at these numbers of images; {DERIVATIVE}"),
        "frechet_distance_train": null.estimate(level, f"at these numbers of images; {DERIVATIVE}"),
        "frechet_excess": own.less(null, level, f"{LESS}, both equally biased; {DERIVATIVE}"),
    }


def statistics_numbers(moments: FeatureMoments, generated: Floats, heldout: Floats | None, level: float) -> Estimates:
    """Return the Fréchet distance of all drawn images from moments of a file, and of as many held-out ones.

    It is biased by the number of images, so that fewer held-out images are no null of it, and give none.

    Args:
        moments: of training images' features. generated: (m, D), all drawn. heldout: (n, D), where there are some.
    """
    images = "an unknown number of" if moments.images is None else str(moments.images)
    method = f"from the moments of {images} training images as given, at this number of images; {DERIVATIVE}"

    def from_file(rows: Floats) -> Estimate:
        found = frechet_influence_from_moments(
            real_mean=moments.mean, real_covariance=moments.covariance, generated=rows
        )
        return found.estimate(level, method)

    found = {"frechet_distance_statistics": from_file(generated)}
    if heldout is not None and len(heldout) >= len(generated):
        found["frechet_distance_statistics_heldout"] = from_file(heldout[: len(generated)])
    return found


def kernel_numbers(sets: Sets, level: float, permutations: int, rng: Stream) -> Estimates:
    """Return the kernel distance, its effect, and p-values under exchange with held-out images."""
    found: Estimates = {}
    for name, rows in (("", sets.generated), ("_train", sets.train)):
        stream = rng.numpy(f"exchanges{name}")
        tested = kernel_test(real=sets.heldout, generated=rows, rng=stream, permutations=permutations)
        found[f"kernel_distance{name}"] = tested.distance.estimate(level, f"unbiased, all pairs; {JACKKNIFE}")
        found[f"kernel_shift{name}"] = effect(tested.share, level)
        n = len(rows) + len(sets.heldout)
        found[f"kernel_pvalue{name}"] = exactly(tested.pvalue, level, n, f"{_EXCHANGE}, {permutations} times")
    return found


def vendi_numbers(sets: Sets, level: float) -> Estimates:
    """Return the Vendi scores of equally many images, and their ratio."""
    own, null = vendi_influence(sets.generated), vendi_influence(sets.train)
    return {
        "vendi_score": exponential([own], own.log, level, "order 1, cosine similarity", "images"),
        "vendi_score_train": exponential([null], null.log, level, "order 1, cosine similarity", "images"),
        "vendi_ratio": exponential([own, null], own.log - null.log, level, "generated over training images", "ratio"),
    }


def manifold_numbers(sets: Sets, k: int, level: float, rng: Stream) -> Estimates:
    """Return precision, recall, density and coverage, and what they exceed those of training images by."""
    real = make_sample(sets.heldout, k, rng.numpy("groups", "heldout"))
    pairs = (("", sets.generated), ("_train", sets.train))
    values = {name: manifold_metrics(real=sets.heldout, generated=rows, k=k) for name, rows in pairs}
    without = {name: left_out_metrics(real, make_sample(rows, k, rng.numpy("groups", name)), k) for name, rows in pairs}
    real_images, own_images = len(sets.heldout), len(sets.generated)
    counted = {"precision": own_images, "recall": real_images, "density": None, "coverage": real_images}
    n, found = real_images + own_images, Estimates()
    for i, (metric, trials) in enumerate(counted.items()):
        for name in ("", "_train"):
            found[metric + name] = share_interval(values[name][i], without[name][:, i], trials, n, level)
        change = without[""][:, i] - without["_train"][:, i]
        found[f"{metric}_gap"] = gap_interval(values[""][i], values["_train"][i], change, trials, n, level)
    return found
