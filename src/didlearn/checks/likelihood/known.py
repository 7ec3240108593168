"""The likelihood of a generator that knows its density: that density, and nothing that has to be bounded."""

from __future__ import annotations

import math

from didlearn.arrays import Floats
from didlearn.audit.subject import Subject
from didlearn.checks.groups import estimate_key
from didlearn.checks.likelihood.measure import bits_per_dimension, training_or_heldout
from didlearn.checks.log_likelihood.bounds import NATS, Likelihoods
from didlearn.checks.log_likelihood.known import draws_of
from didlearn.models.base import LatentModel
from didlearn.models.known.density import is_estimated
from didlearn.result.values import Estimate, Estimates, Table
from didlearn.result.words import number, to_places
from didlearn.statistics.means import mean

_RANGE = "pixels in [0, 1]"


def known_estimates(subject: Subject, found: Likelihoods, level: float) -> Estimates:
    """Each group's mean log density in nats, and of pictures in bits a dimension of 256 grey levels."""
    assert isinstance(subject.model, LatentModel)
    D, method = math.prod(subject.model.image_shape), how_known(subject)
    estimates = {}
    for name, nats in found.items():
        in_bits: Floats = bits_per_dimension(nats, D)
        asked = (("density", nats, NATS), ("density_bits", in_bits, "bits per dimension"))
        for key, values, unit in asked[:1] if subject.points else asked:
            estimates[estimate_key(key, name)] = mean(values, level, unit).model_copy(update={"method": method})
    return estimates


def how_known(subject: Subject) -> str:
    """Say where the density comes from, and in which units it is."""
    assert isinstance(subject.model, LatentModel)
    units = "in the points' units" if subject.points else _RANGE
    if is_estimated(subject.model):
        return f"the generator's own density, its determinant by random probes; {units}"
    dequantised = "" if subject.points else f", {draws_of(subject)} dequantisations"
    return f"the generator's own density{dequantised}; {units}"


def known_points_table(found: Likelihoods) -> Table:
    """Show each group's density in nats."""
    return Table(
        name="known density",
        title="Its own density",
        columns=("points", "n", "log density (nats)"),
        rows=tuple((name, len(nats), float(nats.mean())) for name, nats in found.items()),
        caption="Nats: per unit of each number of a point.",
    )


def known_table(found: Likelihoods, D: int) -> Table:
    """Show each group's density in nats and in bits a dimension."""
    return Table(
        name="known density",
        title="Its own density",
        columns=("images", "n", "log density (nats)", "bits a dimension"),
        rows=tuple(
            (name, len(nats), float(nats.mean()), float(bits_per_dimension(nats, D).mean()))
            for name, nats in found.items()
        ),
        caption="Nats: per unit of the range [0, 1] of a pixel. Bits a dimension: 8 − nats/(D ln 2), per grey level of "
        "256. Images in 8 bits are dequantised, the generator's own too.",
    )


def known_in_words(estimates: dict[str, Estimate]) -> str:
    """Say how likely it finds real images and its own."""
    train, heldout, own = (estimates[f"density_{name}"].point for name in ("train", "heldout", "generated"))
    bits = ""
    if "density_bits_heldout" in estimates:  # points have none
        bits = f", {number(estimates['density_bits_heldout'].point, 4)} bits a dimension"
    which = training_or_heldout(estimates, slack=0.0)
    return (
        f"The generator knows its density: {to_places(train)} nats of training and {to_places(heldout)} of held-out "
        f"images{bits} ({which}); {to_places(own)} of its own."
    )
