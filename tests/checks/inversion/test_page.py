"""What inversion shows, against cases counted by hand."""

import numpy as np
import pytest

from didlearn.checks.inversion.controls import Controls
from didlearn.checks.inversion.measure import Others
from didlearn.checks.inversion.page import (
    control_table,
    effort_figure,
    error_figure,
    group_table,
    others_table,
    triptychs,
)
from didlearn.result.values import Estimate, exactly
from tests.checks.inversions import SHAPE, ended, group


def test_each_group_is_a_line():
    table = group_table({"train": group([0.1, 0.2, 0.3]), "noise": group([0.5], published=[0.7])}, 0.15)
    assert [row[:3] for row in table.rows] == [("train", 3, 0.2), ("noise", 1, 0.5)]
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert [row[4] for row in table.rows] == [None, 0.7]
    assert table.rows[0][5] == pytest.approx(2 / 3)


def test_each_control_is_a_line_in_words():
    rate = Estimate(value=0.9, low=0.8, high=0.95, n=40, method="given")
    controls = Controls(np.zeros((1, *SHAPE)), ended([0.0]), {"recovered_noisy": rate}, exactly(1.0, 0.9, 1, "given"))
    (row,) = control_table(controls).rows
    assert row[1:] == (40, 0.9, 0.8, 0.95)
    assert "noise as strong as the training error" in row[0]


def test_others_stand_beside_the_generator():
    groups = {"train": group([1.0, 2, 3]), "noise": group([4.0])}
    bare = {
        "train": Others(np.array([5.0, 6, 7]), np.array([8.0, 9, 10]), None),
        "noise": Others(np.ones(1), np.ones(1), None),
    }
    table = others_table(groups, bare, 7)
    assert table.rows == (("train", 2.0, 6.0, 9.0), ("noise", 4.0, 1.0, 1.0))
    assert table.columns == ("images", "generator", "best 7-dimensional subspace", "nearest training image")
    given = {name: other._replace(autoencoder=np.array([0.25])) for name, other in bare.items()}
    table = others_table(groups, given, 7)
    assert table.columns[-1] == "autoencoder"
    assert table.rows[1] == ("noise", 4.0, 1.0, 1.0, 0.25)


def test_triptychs_show_the_percentiles_of_the_error():
    images = np.linspace(0, 0.8, 11, dtype=np.float32)[:, None, None, None] * np.ones(SHAPE, np.float32)
    shown = triptychs({"train": group(np.arange(11.0)[::-1], images=images, image=np.full((11, *SHAPE), 0.6))})
    (row,) = shown.rows
    assert [tile.caption for tile in row] == [
        "train, 10 %", "error 1", "", "train, 50 %", "error 5", "", "train, 90 %", "error 9", "",
    ]  # fmt: skip
    # Errors fall from image to image: the 10th percentile is the last but one, at grey 0.72.
    assert [tile.pixels[0, 0] for tile in row] == [184, 153, 143, 102, 153, 102, 20, 153, 61]
    assert len(shown.columns) == 9


def test_histograms_share_their_bins_and_hold_every_image():
    groups = {"train": group([1e-3, 1e-2, 1e-1]), "generated": group([1e-5, 1e-5], role="generated")}
    figure = error_figure(groups, np.array([1e-6]), 1e-4)
    assert [series.label for series in figure.series] == ["planted", "train", "generated"]
    assert [series.role for series in figure.series] == ["theory", "train", "generated"]
    assert len({series.x for series in figure.series}) == 1
    edges = np.array(figure.series[0].x)
    assert edges[[0, -1]] == pytest.approx([1e-6 / 1.5, 0.15])
    for series, errors in zip(figure.series, ([1e-6], [1e-3, 1e-2, 1e-1], [1e-5, 1e-5]), strict=True):
        assert sum(series.y) == pytest.approx(1)
        for error in errors:
            assert series.y[int(np.searchsorted(edges, error, "right")) - 1] > 0
    assert figure.marks[0].x == 1e-4
    assert error_figure(groups, np.array([1e-6]), 1e-7).marks == ()


def test_exact_fits_stay_on_the_axis():
    figure = error_figure({"train": group([0.0, 0.0])}, np.zeros(3), 0.0)
    assert min(figure.series[0].x) == pytest.approx(1e-9)
    assert all(sum(series.y) == pytest.approx(1) for series in figure.series)


def test_effort_is_the_median_over_images_after_each_stage():
    traced = {"trace_evaluations": np.array([[10, 30], [20, 40], [60, 80]])}
    train = group([1.0, 2.0, 3.0], published=[4.0, 5.0, 6.0], **traced)
    figure = effort_figure({"train": train, "noise": group([0.0])}, ("train", "held-out", "noise"))
    ours, theirs, noise = figure.series
    assert (ours.x, ours.y, ours.style, ours.role) == ((20, 40), (20, 2), "line", "train")
    assert (theirs.label, theirs.y, theirs.style) == ("train, published protocol", (50, 5), "points")
    assert noise.y == (1e-9, 1e-9)
