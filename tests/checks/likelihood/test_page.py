"""What the likelihood check shows, against cases counted by hand."""

import numpy as np
import pytest

from didlearn.checks.likelihood.measure import preference_estimates
from didlearn.checks.likelihood.page import (
    complexity_figures,
    density_table,
    extremes,
    likelihood_figure,
    preference_table,
    published_table,
    ranking_figure,
    ranking_table,
    sigma_curve_figure,
    sigma_figures,
)
from didlearn.checks.likelihood.protocol import SigmaCurves, published_in_words
from didlearn.checks.log_likelihood.sigma import Calibration
from didlearn.result.values import Estimate
from didlearn.statistics.complexity import local_variance, local_variation
from tests.checks.inversions import uniform_images

FOUND = {"train": np.array([1.0, 2.0, 6.0]), "held-out": np.array([0.0, 1.0, 2.0]), "other": np.array([-4.0, -4, -1])}
GROUPS = {name: uniform_images(3, seed) for seed, name in enumerate(FOUND)}


def test_histograms_share_their_bins_and_hold_every_image():
    # One of 61 values lies far out, below the 2 % quantile: it is counted in the first bin.
    found = {"train": np.linspace(0, 10, 60), "other": np.array([-1000.0])}
    figure = likelihood_figure(found)
    assert [series.role for series in figure.series] == ["train", "outside"]
    train, other = figure.series
    assert train.x == other.x
    assert len(train.x) == 21
    assert (sum(train.y), sum(other.y)) == pytest.approx((1, 1))
    assert other.y[0] == 1
    assert train.x[0] > -20
    assert 10 < train.x[-1] < 10.5
    assert train.y[-1] == 0


def test_the_noise_is_drawn_where_it_was_searched():
    assert sigma_figures(Calibration(0.1)) == ()
    (figure,) = sigma_figures(Calibration(0.1, 0.1, 0.1, (0.05, 0.1), (3.0, 4.0)))
    assert (figure.series[0].x, figure.series[0].y) == ((0.05, 0.1), (3.0, 4.0))


def test_a_preference_is_a_line_with_its_winner():
    estimates = preference_estimates(FOUND, 0.9)
    table = preference_table(FOUND, estimates, 0.0)
    assert [row[:3] for row in table.rows] == [("train", "held-out", 2.0), ("held-out", "other", 4.0)]
    assert [row[-1] for row in table.rows] == ["open", "held-out"]
    assert [row[-1] for row in preference_table(FOUND, estimates, 9.0).rows] == ["open", "open"]
    assert "(9 nats)" in preference_table(FOUND, estimates, 9.0).caption
    low, high = table.rows[1][3:5]
    assert (low, high) == (estimates["preference_heldout_other"].low, estimates["preference_heldout_other"].high)


def test_the_ranking_has_a_line_for_each_budget_and_a_curve_for_each_group():
    by_budget = {120: {name: nats - 1 for name, nats in FOUND.items()}, 240: FOUND}
    table, figure = ranking_table(by_budget), ranking_figure(by_budget)
    assert table.columns == ("gradient evaluations", "train", "held-out", "other")
    assert table.rows == ((120, 2.0, 0.0, -4.0), (240, 3.0, 1.0, -3.0))
    assert [(series.label, series.x, series.y) for series in figure.series] == [
        ("train", (120, 240), (2, 3)), ("held-out", (120, 240), (0, 1)), ("other", (120, 240), (-4, -3)),
    ]  # fmt: skip


def test_simple_densities_stand_below_the_generator():
    table = density_table(FOUND, {"ppca": {name: nats + 1 for name, nats in FOUND.items()}}, 5, 77)
    assert table.columns == ("density", "train", "held-out", "other")
    assert table.rows == (("generator", 3.0, 1.0, -3.0), ("PPCA, 5 dimensions", 4.0, 2.0, -2.0))
    assert "77 training images" in table.caption


def test_each_image_is_a_point_over_its_local_variance():
    figure, variation = complexity_figures(GROUPS | {"generated": GROUPS["train"]}, FOUND)
    assert variation.series[1].x == tuple(local_variation(GROUPS["held-out"]))
    assert [series.label for series in figure.series] == ["train", "held-out", "other"]
    assert figure.series[0].x == tuple(local_variance(GROUPS["train"]))
    assert figure.series[2].y == (-4, -4, -1)


def test_extremes_are_the_likeliest_first_and_the_least_likely_last():
    images = np.linspace(0, 1, 12, dtype=np.float32)[:, None, None, None] * np.ones((1, 4, 4), np.float32)
    (row,) = extremes({"train": images}, {"train": np.arange(12.0)}).rows
    assert [tile.caption for tile in row] == [f"train {i}" for i in (11, 10, 9, 8, 7, 4, 3, 2, 1, 0)]
    assert [int(tile.pixels[0, 0]) for tile in row] == [round(255 * i / 11) for i in (11, 10, 9, 8, 7, 4, 3, 2, 1, 0)]
    assert extremes({"train": images}, {"train": np.arange(12.0)}).columns == ("likeliest",) * 5 + ("least likely",) * 5


def test_every_group_has_its_curve_over_the_noise():
    figure = sigma_curve_figure(SigmaCurves((0.1, 0.2), {"train": (1.0, 2.0), "other": (3.0, 0.0)}, 4))
    assert [(series.label, series.x, series.y) for series in figure.series] == [
        ("train", (0.1, 0.2), (1.0, 2.0)), ("other", (0.1, 0.2), (3.0, 0.0)),
    ]  # fmt: skip
    assert "Of 4 images" in figure.caption


def gap(value):
    return Estimate(value=value, low=0.0, high=2 * value, n=8, method="given")


def test_the_published_protocol_stands_beside_ours():
    theirs = {name: nats - 5 for name, nats in FOUND.items()}
    table = published_table(FOUND, theirs, gap(0.5), gap(40.0))
    assert table.rows[0][1:] == (3.0, 1.0, -3.0, 0.5)
    assert table.rows[1][1:] == (-2.0, -4.0, -8.0, 40.0)


@pytest.mark.parametrize(("apart", "doubted"), [(1.0, False), (3.0, True)])
def test_what_it_would_have_concluded_is_doubted_where_its_bounds_are_looser(apart, doubted):
    said = published_in_words(FOUND, {"bound_gap_published": gap(apart)})
    assert said.index("train") < said.index("held-out") < said.index("other")
    assert ("so no conclusion" in said) == doubted
