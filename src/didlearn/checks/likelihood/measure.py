"""The estimates, tables and figures of the likelihood check."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import spearmanr

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.checks.groups import pixels
from didlearn.checks.likelihood.densities import Gaussian, Mixture, fit_baselines
from didlearn.checks.log_likelihood.bounds import NATS, ROLES, Likelihoods, key
from didlearn.checks.log_likelihood.sigma import FEW, Calibration
from didlearn.evidence.iwae import has_encoder, iwae
from didlearn.images.picture import to_picture
from didlearn.models.base import LatentModel
from didlearn.result.parts import Parts
from didlearn.result.values import Cell, Estimate, Figure, Gallery, Series, Table, Tile, exactly
from didlearn.rng import Stream
from didlearn.statistics.complexity import local_variance, png_bits
from didlearn.statistics.intervals import bootstrap
from didlearn.statistics.means import mean, mean_difference

_FITTED = 10_000
_WIDEST = 3_072
_SHOWN = 5


def likelihood_parts(found: Likelihoods, D: int, level: float, *, bits: bool) -> Parts:
    """Each group's mean log-likelihood, in nats and, for dequantised images, in bits per dimension."""
    estimates = {key("log_likelihood", name): mean(values, level, NATS) for name, values in found.items()}
    if bits:
        for name, values in found.items():
            estimates[key("bits_per_dim", name)] = mean(bits_per_dimension(values, D), level, "bits per dimension")
    return Parts(estimates, figures=(_histograms(found),))


def bits_per_dimension(nats: Array, D: int) -> Array:
    """Return −log₂ p per pixel on the 8-bit scale, 8 − LL/(D ln 2): pixels (k + u)/256 are 256 times denser."""
    return 8 - nats / (D * math.log(2))


def sigma_parts(calibration: Calibration, level: float) -> Parts:
    """Where the observation noise comes from."""
    estimates = {
        "sigma": exactly(calibration.sigma, level, FEW, "used", "of the pixel range"),
    }
    figures: tuple[Figure, ...] = ()
    if calibration.reconstruction is not None and calibration.likeliest is not None:
        few = "held-out images"
        estimates["sigma_reconstruction"] = exactly(
            calibration.reconstruction, level, FEW, f"‖x − G(ẑ)‖² / (D − d) of {few}", "of the pixel range"
        )
        estimates["sigma_likeliest"] = exactly(
            calibration.likeliest, level, FEW, f"likeliest for {few}", "of the pixel range"
        )
        curve = Series(label="held-out", x=calibration.tried, y=calibration.mean, style="line", role="heldout")
        figures = (
            Figure(
                name="sigma", title="The observation noise", x_label="σ", y_label="mean log-likelihood (nats)",
                series=(curve,), x_log=True,
                caption="A GAN has no density of its own: the likelihood is that of its images with normal noise σ.",
            ),
        )  # fmt: skip
    return Parts(estimates, figures=figures)


def preference_parts(found: Likelihoods, slack: float, level: float) -> Parts:
    """Which group of each pair is likelier; nothing is called a preference that loose bounds could explain."""
    pairs = [("train", "held-out"), ("generated", "held-out")]
    pairs += [("held-out", name) for name in found if name not in ("train", "held-out", "generated")]
    estimates: dict[str, Estimate] = {}
    rows: list[tuple[Cell, ...]] = []
    for a, b in pairs:
        if a not in found or b not in found:
            continue
        difference = mean_difference(found[a], found[b], level, NATS)
        estimates[key(key("preference", a), b)] = difference
        rows.append((a, b, difference.value, difference.low, difference.high, preferred(difference, slack, a, b)))
    table = Table(
        name="preferences",
        title="Which images it finds likelier",
        columns=("images", "against", "difference (nats)", "at least", "at most", "likelier"),
        rows=tuple(rows),
        caption=f"A difference counts only beyond its interval and the bounds' looseness ({slack:.2g} nats).",
    )
    return Parts(estimates, tables=(table,))


def preferred(difference: Estimate, slack: float, a: str, b: str) -> str:
    """Return which of two groups is surely likelier, or that it is open."""
    assert difference.low is not None
    assert difference.high is not None
    if difference.low > slack:
        return a
    if difference.high < -slack:
        return b
    return "open"


def ranking_parts(by_budget: dict[int, Likelihoods]) -> Parts:
    """The groups' means at several efforts: bounds of different looseness may not be compared."""
    names = list(next(iter(by_budget.values())))
    rows = tuple((budget, *(float(found[name].mean()) for name in names)) for budget, found in by_budget.items())
    series = tuple(
        Series(
            label=name,
            x=tuple(float(b) for b in by_budget),
            y=tuple(float(found[name].mean()) for found in by_budget.values()),
            role=ROLES.get(name, "outside"),
        )
        for name in names
    )
    figure = Figure(
        name="ranking", title="The ranking at several efforts", x_label="gradient evaluations of each chain",
        y_label="mean log-likelihood (nats)", series=series, x_log=True,
        caption="Lower bounds rise with effort. Lines that still rise, or cross, say that the ranking is not settled.",
    )  # fmt: skip
    table = Table(
        name="ranking", title="The ranking at several efforts", columns=("gradient evaluations", *names), rows=rows
    )
    return Parts(tables=(table,), figures=(figure,))


def baseline_parts(
    subject: Subject, groups: dict[str, Array], found: Likelihoods, rng: Stream, level: float
) -> tuple[Parts, Likelihoods]:
    """The same images under simple densities; also returns what PPCA says, for comparison."""
    assert subject.train is not None
    assert isinstance(subject.model, LatentModel)
    D, d = int(np.prod(subject.model.image_shape)), math.prod(subject.model.latent_shape)
    if D > _WIDEST:
        return Parts(
            notes=(f"Simple densities were left out: they are fitted up to {_WIDEST} pixels, here are {D}.",)
        ), {}
    train = subject.train.some(_FITTED, rng.numpy("baselines"))
    x = pixels(train).reshape(len(train), -1).astype(np.float64)
    x = (x * 255 + rng.numpy("baseline noise").random(x.shape)) / 256
    models: dict[str, Gaussian | Mixture] = fit_baselines(x, d, rng.numpy("k-means"))
    flat = {name: images.reshape(len(images), -1).astype(np.float64) for name, images in groups.items()}
    values = {kind: {n: model.log_density(rows) for n, rows in flat.items()} for kind, model in models.items()}
    estimates = {
        key(kind, "held-out"): mean(values[kind]["held-out"], level, NATS) for kind in models if "held-out" in flat
    }
    words = {"ppca": f"PPCA, {d} dimensions", "gaussian": "full Gaussian", "mixture": "mixture of PPCAs"}
    rows: list[tuple[Cell, ...]] = [("generator", *(float(found[name].mean()) for name in flat))]
    rows += [(words[kind], *(float(v.mean()) for v in values[kind].values())) for kind in models]
    table = Table(
        name="densities",
        title="The same images under simple densities",
        columns=("density", *flat),
        rows=tuple(rows),
        caption=f"Mean log-likelihood in nats; fitted to {len(x)} training images, dequantised.",
    )
    return Parts(estimates, tables=(table,)), values["ppca"]


def encoder_parts(subject: Subject, groups: dict[str, Array], sigma: float, observation: str, level: float) -> Parts:
    """The importance-weighted bound of the model's own encoder, where it has one: a bound from another side."""
    assert isinstance(subject.model, LatentModel)
    if not has_encoder(subject.model):
        return Parts()
    method = "importance-weighted bound (IWAE) of the model's encoder, 200 draws"
    estimates = {}
    for name in ("train", "held-out"):
        values = iwae(subject.model, groups[name], sigma, subject.seed, observation=observation, device=subject.device)
        estimates[key("iwae", name)] = mean(values, level, NATS).model_copy(update={"method": method})
    return Parts(estimates)


def complexity_parts(
    groups: dict[str, Array], found: Likelihoods, ppca: Likelihoods, rng: Stream, level: float
) -> Parts:
    """How far trivial statistics of an image foretell its likelihood, under the generator and under PPCA."""
    names = [name for name in groups if name != "generated"]
    images = np.concatenate([groups[name] for name in names])
    ours = np.concatenate([found[name] for name in names])
    scores = {"local_variance": local_variance(images), "png_bits": png_bits(images)}
    estimates = {}
    for score, values in scores.items():
        estimates[f"correlation_{score}"] = correlation(ours, values, rng.numpy(score), level)
        if ppca:
            theirs = np.concatenate([ppca[name] for name in names])
            estimates[f"correlation_{score}_ppca"] = correlation(theirs, values, rng.numpy(score, "ppca"), level)
    series = tuple(
        Series(
            label=name, x=tuple(local_variance(groups[name])), y=tuple(found[name]), style="points",
            role=ROLES.get(name, "outside"),
        )
        for name in names
    )  # fmt: skip
    figure = Figure(
        name="complexity", title="Likelihood against local variance", x_label="mean variance within 8×8 patches",
        y_label="log-likelihood (nats)", series=series,
        caption="If a trivial statistic foretells the likelihood, as it does under PPCA, a high likelihood means a "
        "smooth image.",
    )  # fmt: skip
    return Parts(estimates, figures=(figure,))


def correlation(a: Array, b: Array, rng: np.random.Generator, level: float) -> Estimate:
    """Spearman's correlation of two scores (n,) with a bootstrap interval over images."""

    def rank(rows: Array) -> float:
        if np.ptp(rows[:, 0]) == 0 or np.ptp(rows[:, 1]) == 0:
            return 0.0
        return float(spearmanr(rows[:, 0], rows[:, 1]).statistic)

    return bootstrap(np.stack([a, b], axis=1), rank, rng, level=level, replicates=500, unit="rank correlation")


def extremes(groups: dict[str, Array], found: Likelihoods) -> Gallery:
    """Show the likeliest and the least likely images of each group."""
    rows = []
    for name, images in groups.items():
        order = np.argsort(found[name], kind="stable")
        best, worst = order[::-1][:_SHOWN], order[:_SHOWN][::-1]
        rows.append(tuple(_tile(name, images[i], found[name][i]) for i in (*best, *worst)))
    columns = (*(["likeliest"] * min(_SHOWN, len(rows[0]) // 2)), *(["least likely"] * (len(rows[0]) // 2)))
    return Gallery(
        name="extremes", title="The likeliest and the least likely", columns=columns, rows=tuple(rows),
        caption="With the log-likelihood in nats.",
    )  # fmt: skip


def _tile(name: str, image: Array, value: float) -> Tile:
    return Tile(caption=f"{name} {value:.0f}", pixels=to_picture(np.clip(image, 0, 1)))


def _histograms(found: Likelihoods) -> Figure:
    everything = np.concatenate(list(found.values()))
    # A few images far out would leave all others in one bin.
    low, high = np.quantile(everything, [0.02, 1.0])
    edges = np.linspace(low, high + 1e-9 + 0.01 * (high - low), 21)
    series = tuple(
        Series(
            label=name,
            x=tuple(edges),
            y=(*(np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)), 0.0),
            style="step",
            role=ROLES.get(name, "outside"),
        )
        for name, values in found.items()
    )
    return Figure(
        name="likelihoods", title="How likely each group is", x_label="log-likelihood (nats, a lower bound)",
        y_label="share of images", series=series, caption="The lowest 2 % are counted in the first bin.",
    )  # fmt: skip
