"""Likelihoods on the page: histograms, rankings, and what stands beside them."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Singles
from didlearn.checks.groups import role_of
from didlearn.checks.likelihood.measure import ImageGroups, preference_key, preference_pairs, preferred
from didlearn.checks.likelihood.protocol import SigmaCurves
from didlearn.checks.log_likelihood.bounds import Likelihoods
from didlearn.checks.log_likelihood.sigma import Calibration
from didlearn.images.picture import to_picture
from didlearn.result.values import Cell, Estimate, Figure, Gallery, Series, Table, Tile
from didlearn.result.words import number, to_places
from didlearn.statistics.complexity import local_variance, local_variation

_EXTREMES = 5
_LIKELIHOOD_BINS = 20


def likelihood_figure(found: Likelihoods, *, known: bool = False) -> Figure:
    """Draw histograms of the log-likelihoods, with the same bins for all groups."""
    # A few images far out would leave all others in one bin.
    low, high = np.quantile(np.concatenate(list(found.values())), [0.02, 1.0])
    edges = np.linspace(low, high + 1e-9 + 0.01 * (high - low), _LIKELIHOOD_BINS + 1)
    shares = {
        name: np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)
        for name, values in found.items()
    }
    return Figure(
        name="known likelihoods" if known else "likelihoods", title="How likely each group is",
        x_label="log density (nats, its own)" if known else "log-likelihood (nats, a lower bound)",
        y_label="share of images",
        series=tuple(
            Series(label=name, x=tuple(edges), y=(*share, 0.0), style="step", role=role_of(name))
            for name, share in shares.items()
        ),
        caption="The lowest 2 % are counted in the first bin.",
    )  # fmt: skip


def sigma_figures(calibration: Calibration) -> tuple[Figure, ...]:
    """Draw the mean log-likelihood against σ, where σ was searched."""
    if not calibration.tried:
        return ()
    curve = Series(label="held-out", x=calibration.tried, y=calibration.mean, style="line", role="heldout")
    figure = Figure(
        name="sigma", title="The observation noise", x_label="σ", y_label="mean log-likelihood (nats)",
        series=(curve,), x_log=True,
        caption="A GAN has no density of its own: the likelihood is that of its images with normal noise σ.",
    )  # fmt: skip
    return (figure,)


def sigma_curve_figure(curves: SigmaCurves) -> Figure:
    """Draw every group's mean log-likelihood against σ."""
    return Figure(
        name="sigma_groups", title="Every group against the observation noise", x_label="σ",
        y_label="mean log-likelihood (nats)",
        series=tuple(
            Series(label=name, x=curves.sigma, y=means, style="line", role=role_of(name))
            for name, means in curves.means.items()
        ),
        x_log=True,
        caption=f"Of {curves.images} images of each group and at a quarter of the effort: bounds that are looser than "
        "the others on this page. Curves that cross say that the ranking rests on σ.",
    )  # fmt: skip


def published_table(found: Likelihoods, published: Likelihoods, gap: Estimate, published_gap: Estimate) -> Table:
    """Set the groups' means by the published protocol beside ours."""
    return Table(
        name="published",
        title="By the published protocol",
        columns=("protocol", *found, "gap of the bounds (nats)"),
        rows=(
            ("this search, frozen steps", *_means(found), gap.value),
            ("500 temperatures, 10 leapfrog steps, 4 chains from the prior", *_means(published), published_gap.value),
        ),
        caption="Mean lower bounds in nats. A difference between groups smaller than the gap may be looseness alone.",
    )


def preference_table(
    found: Likelihoods, estimates: dict[str, Estimate], slack: float, name: str = "preferences"
) -> Table:
    """Show which group of each pair is likelier; nothing is called a preference that loose bounds could explain."""
    rows: list[tuple[Cell, ...]] = []
    for a, b in preference_pairs(found):
        difference = estimates[preference_key(a, b)]
        rows.append((a, b, difference.value, difference.low, difference.high, preferred(difference, slack, a, b)))
    return Table(
        name=name,
        title="Which images it finds likelier",
        columns=("images", "against", "difference (nats)", "at least", "at most", "likelier"),
        rows=tuple(rows),
        caption=f"A difference counts only beyond its interval and the bounds' looseness ({number(slack, 2)} nats).",
    )


def ranking_table(by_budget: dict[int, Likelihoods]) -> Table:
    """Show the groups' means at several efforts: bounds of different looseness may not be compared."""
    return Table(
        name="ranking",
        title="The ranking at several efforts",
        columns=("gradient evaluations", *next(iter(by_budget.values()))),
        rows=tuple((budget, *_means(found)) for budget, found in by_budget.items()),
    )


def ranking_figure(by_budget: dict[int, Likelihoods]) -> Figure:
    """Draw the groups' means at several efforts."""
    names, budgets = list(next(iter(by_budget.values()))), tuple(float(budget) for budget in by_budget)
    means = zip(*(_means(found) for found in by_budget.values()), strict=True)
    return Figure(
        name="ranking", title="The ranking at several efforts", x_label="gradient evaluations of each chain",
        y_label="mean log-likelihood (nats)",
        series=tuple(
            Series(label=name, x=budgets, y=curve, role=role_of(name))
            for name, curve in zip(names, means, strict=True)
        ),
        x_log=True,
        caption="Lower bounds rise with effort. Lines that still rise, or cross, say that the ranking is not settled.",
    )  # fmt: skip


def density_table(found: Likelihoods, values: dict[str, Likelihoods], dimension: int, fitted: int) -> Table:
    """Set the groups' means beside those under simple densities."""
    words = {"ppca": f"PPCA, {dimension} dimensions", "gaussian": "full Gaussian", "mixture": "mixture of PPCAs"}
    rows: list[tuple[Cell, ...]] = [("generator", *_means(found))]
    rows += [(words[kind], *_means(nats)) for kind, nats in values.items()]
    return Table(
        name="densities",
        title="The same images under simple densities",
        columns=("density", *found),
        rows=tuple(rows),
        caption=f"Mean log-likelihood in nats; fitted to {fitted} training images, dequantised.",
    )


def _means(found: Likelihoods) -> tuple[float, ...]:
    return tuple(float(values.mean()) for values in found.values())


def complexity_figures(groups: ImageGroups, found: Likelihoods) -> tuple[Figure, Figure]:
    """Draw each image's log-likelihood against its local variance, and against its local variation as published."""
    caption = (
        "If a trivial statistic foretells the likelihood, as it does under PPCA, a high likelihood means a smooth "
        "image."
    )
    variance = _against("complexity", "local variance", "mean variance within 8×8 patches", groups, found, caption)
    axis = "mean coefficient of variation within 8×8 patches"
    return variance, _against("variation", "local variation", axis, groups, found, "The published figure's axis.")


def _against(name: str, what: str, axis: str, groups: ImageGroups, found: Likelihoods, caption: str) -> Figure:
    score = local_variance if name == "complexity" else local_variation
    return Figure(
        name=name, title=f"Likelihood against {what}", x_label=axis, y_label="log-likelihood (nats)",
        series=tuple(
            Series(label=group, x=tuple(score(images)), y=tuple(found[group]), style="points", role=role_of(group))
            for group, images in groups.items() if group != "generated"
        ),
        caption=caption,
    )  # fmt: skip


def extremes(groups: ImageGroups, found: Likelihoods) -> Gallery:
    """Show the likeliest and the least likely images of each group."""
    rows = []
    for name, images in groups.items():
        order = np.argsort(found[name], kind="stable")
        best, worst = order[::-1][:_EXTREMES], order[:_EXTREMES][::-1]
        rows.append(tuple(_likelihood_tile(name, images[i], found[name][i]) for i in (*best, *worst)))
    columns = (*(["likeliest"] * min(_EXTREMES, len(rows[0]) // 2)), *(["least likely"] * (len(rows[0]) // 2)))
    return Gallery(
        name="extremes", title="The likeliest and the least likely", columns=columns, rows=tuple(rows),
        caption="With the log-likelihood in nats.",
    )  # fmt: skip


def _likelihood_tile(name: str, image: Singles, value: float) -> Tile:
    return Tile(caption=f"{name} {to_places(value, 0)}", pixels=to_picture(image))
