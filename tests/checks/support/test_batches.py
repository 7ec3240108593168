"""The published procedure on duplicates placed by hand: which batches hold one, and who chose their size."""

import numpy as np
import pytest

from didlearn.checks.support.batches import Batches, cut, even_chance_size, fitted_support, procedure, sweep
from didlearn.statistics.birthday.paradox import birthday_bound, collision_rate_uniform


def following(count, *pairs):
    """(count,) the next duplicate of each image, ``count`` where there is none."""
    found = np.full(count, count)
    for first, second in pairs:
        found[first] = second
    return found


@pytest.mark.parametrize(
    ("size", "batches", "collided"),
    [
        (2, 5, 2),  # [0 1] and [4 5]; 2 and 6 are apart, and image 10 is left over
        (3, 3, 2),  # [0 1 2] and [3 4 5]
        (4, 2, 2),
        (5, 2, 2),  # [0 … 4] and [5 … 9], which holds 8 and 9
        (11, 1, 1),  # several duplicates in one batch are one collision
        (12, 0, 0),  # a batch that is not full is no batch
    ],
)
def test_batches_that_hold_a_duplicate(size, batches, collided):
    pairs = (0, 1), (2, 6), (4, 5), *([] if size < 5 else [(8, 9)])
    assert cut(following(11, *pairs), size) == Batches(size, batches, collided)


def test_a_duplicate_in_the_next_batch_is_none():
    assert cut(following(6, (1, 2), (3, 4)), 2).collided == 0
    assert cut(following(6, (2, 3)), 3).collided == 0
    assert cut(following(6, (2, 3)), 2).collided == 1


def test_a_duplicate_among_the_images_left_over_is_none():
    assert cut(following(7, (5, 6)), 3).collided == 0


def runs(found):
    return [(run.size, run.batches, run.collided) for run in procedure(found)]


def test_the_sizes_come_from_one_half_and_the_counts_from_the_other():
    """Any two neighbours of the pilot are duplicates, so that the smallest batches do; the other half has none.

    The mistake this sees: batch sizes tested on the very half that chose them.
    """
    pilot = [(i, i + 1) for i in range(599)]
    assert runs(following(1200, *pilot)) == [(2, 100, 0), (2, 100, 0), (3, 66, 0)]


def test_a_pilot_without_duplicates_tries_its_largest_batches():
    """A sixth of the pilot, and 0.7 and 1.4 times as much, each tested on a third of the other half."""
    tested = (600, 601), (900, 950), (1000, 1005)  # the last one's third begins at 1000
    assert runs(following(1200, *tested)) == [(70, 2, 1), (100, 2, 1), (140, 1, 1)]


def test_each_third_is_counted_by_itself():
    """Pairs across two thirds, or across two batches of one, are no collisions."""
    apart = (799, 800), (899, 900), (660, 670)
    assert runs(following(1200, *apart)) == [(70, 2, 0), (100, 2, 0), (140, 1, 0)]
    assert runs(following(1200, (669, 670), (999, 1000)))[0] == (70, 2, 0)


def test_the_size_is_the_smallest_at_which_half_of_the_pilot_collides():
    """A pair every 20 images: 30 of 60 batches of ten, and fewer than half of any smaller batches."""
    pilot = [(i, i + 1) for i in range(0, 600, 20)]
    assert [size for size, _, _ in runs(following(1200, *pilot))] == [7, 10, 14]


def test_sizes_stay_between_a_pair_and_all_there_is():
    assert runs(following(50)) == [(3, 2, 0), (4, 2, 0), (6, 1, 0)]  # a pilot of 25 tries four at most
    assert runs(following(18)) == [(2, 1, 0), (2, 1, 0), (3, 1, 0)]  # and one of nine two


def test_rate_and_bound_are_those_of_the_paper():
    run = Batches(800, 20, 10)
    rate, bound = run.rate(0.95), run.bound(0.95)
    assert (rate.value, rate.n) == (0.5, 20)
    assert (rate.low, rate.high) == (pytest.approx(0.272, abs=5e-4), pytest.approx(0.728, abs=5e-4))
    assert bound.value == pytest.approx(461_352, abs=0.5)
    assert bound.high == pytest.approx(889_353, abs=0.5)


def test_one_size_is_fitted_by_inversion():
    fitted = fitted_support([Batches(50, 40, 12)], 0.9)
    assert fitted.value == pytest.approx(birthday_bound(12 / 40, 50), rel=1e-6)
    assert (fitted.n, fitted.level) == (2000, 0.9)


def test_the_birthday_of_23_people():
    assert even_chance_size(365) == 23


@pytest.mark.parametrize("support", [1, 1.5, 2, 3, 3.7, 10, 50, 365.5, 12_345.6, 500_000])
def test_an_even_chance_is_reached_at_the_size_and_not_before(support):
    size = round(even_chance_size(support))
    assert collision_rate_uniform(support, size) >= 0.5
    assert size == 2 or collision_rate_uniform(support, size - 1) < 0.5


def test_the_curve_takes_every_size_from_the_whole_sample():
    found = [(run.size, run.batches, run.collided) for run in sweep(following(100, (0, 1), (95, 96)))]
    assert found == [(5, 20, 2), (6, 16, 1), (7, 14, 2), (8, 12, 1), (9, 11, 2), (10, 10, 2)]
    assert [run.size for run in sweep(following(50))] == [5, 6]
    assert [run.size for run in sweep(following(1000))][-1] == 100
    assert len(sweep(following(1000))) == 14
