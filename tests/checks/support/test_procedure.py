"""The published procedure on the page, for samples whose duplicates are placed by hand."""

import numpy as np
import pytest

from didlearn.checks.duplicate_counts import count_duplicates
from didlearn.checks.support.batches import even_chance_size, fitted_support, procedure
from didlearn.checks.support.procedure import published_parts
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.paradox import collision_rate_uniform, printed_theorem1, printed_theorem2

OPEN = Estimate(value=None, low=10.0, high=None, n=600, method="m")


def drawn(pictures, count, seed=0):
    """Counts of ``count`` draws from so many equally likely pictures, a hundred apart."""
    numbers = np.random.default_rng(seed).integers(0, pictures, count)
    return count_duplicates(100 * numbers[:, None].astype(np.float32), 1.0)


@pytest.fixture(scope="module")
def found():
    return drawn(365, 3000)


@pytest.fixture(scope="module")
def parts(found):
    return published_parts(found, found.support(0.9), 0.9)


def test_the_estimates_are_those_of_the_runs(found, parts):
    fitted = fitted_support(procedure(found.following), 0.9)
    assert parts.estimates["batch_effective_support"] == fitted
    even = parts.estimates["even_chance_batch_size"]
    assert (even.value, even.low, even.high) == tuple(
        even_chance_size(end) for end in (fitted.value, fitted.low, fitted.high)
    )
    assert even.low <= 23 <= even.high  # the birthday of 23 people
    assert (even.n, even.level) == (fitted.n, 0.9)


def test_every_run_is_a_row(found, parts):
    runs = procedure(found.following)
    rows = parts.tables[0].rows
    assert [row[:3] for row in rows] == [(run.size, run.batches, run.collided) for run in runs]
    for row, run in zip(rows, runs, strict=True):
        assert row[3] == pytest.approx(run.collided / run.batches)
        assert row[4] < row[3] < row[5]
        assert row[6:] == (run.bound(0.9).value, run.bound(0.9).high)


def test_claims_as_printed_stand_beside_the_corrected_ones(parts):
    size = round(parts.estimates["even_chance_batch_size"].value)
    support, mass = parts.tables[1].rows
    assert support[1] == size**2
    assert collision_rate_uniform(support[2], size) == pytest.approx(0.5)
    assert mass[1] == pytest.approx(printed_theorem1(size**2, 0.5, size))
    assert mass[1] > mass[2]  # what is printed is more than holds
    assert "s² is not the support" in parts.notes[0]


def test_small_batches_name_a_number_of_images_and_nothing_corrects_it():
    found = drawn(10, 600)
    parts = published_parts(found, found.support(0.95), 0.95)
    size = round(parts.estimates["even_chance_batch_size"].value)
    assert parts.tables[1].rows[2][1:] == (pytest.approx(printed_theorem2(0.5, size, 0.9)), None)


def test_the_curve_stands_beside_equally_likely_pictures(found, parts):
    own, law = parts.figures[0].series
    support = found.support(0.9).value
    assert law.y == pytest.approx([collision_rate_uniform(support, int(size)) for size in own.x])
    assert all(low <= rate <= high for low, rate, high in zip(own.low, own.y, own.high, strict=True))
    assert own.y[0] < 0.1
    assert own.y[-1] == 1


def test_without_a_duplicate_there_is_no_size_and_nothing_to_compare():
    parts = published_parts(drawn(10**6, 600), OPEN, 0.95)
    assert set(parts.estimates) == {"batch_effective_support"}
    assert parts.estimates["batch_effective_support"].value is None
    assert [table.name for table in parts.tables] == ["batches"]
    assert [series.role for series in parts.figures[0].series] == ["generated"]
    assert set(parts.figures[0].series[0].y) == {0.0}
    assert parts.notes == ()


def test_an_open_end_stays_open():
    """Where every batch collides the support has no low end, and the size at an even chance no estimate."""
    parts = published_parts(drawn(1, 600), Estimate(value=1.0, low=1.0, high=1.0, n=600, method="m"), 0.95)
    assert parts.estimates["batch_effective_support"].low is None
    assert "even_chance_batch_size" not in parts.estimates
