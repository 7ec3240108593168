"""The time left, of what is being done and of all checks, for any order of what is told."""

import pytest

from didlearn.cli.standing import Standing
from didlearn.progress import CHECKS_DONE, LATER, PASSES


def test_the_time_left_is_learnt_from_what_is_done():
    standing = Standing(0.0)
    standing.note("inverting training images", 8, 64, 100.0)
    assert standing.seconds_left(100.0) is None
    standing.note("inverting training images", 24, 64, 140.0)
    assert standing.seconds_left(140.0) == pytest.approx(40 / 16 * 40)
    standing.note("inverting held-out images", 0, 64, 300.0)
    assert standing.seconds_left(310.0) is None
    standing.note("inverting held-out images", 64, 64, 340.0)
    assert standing.seconds_left(340.0) == 0


def test_the_checks_that_are_left_take_as_long_as_those_that_are_done():
    standing = Standing(50.0)
    standing.note(CHECKS_DONE, 0, 9, 60.0)
    assert standing.checks_seconds_left(60.0) is None
    standing.note("drawing", 1, 2, 61.0)
    standing.note(CHECKS_DONE, 3, 9, 90.0)
    assert standing.checks_seconds_left(90.0) == pytest.approx(6 * 10)
    assert standing.checks_seconds_left(94.0) == pytest.approx(6 * 10 - 4)
    assert standing.checks_seconds_left(200.0) == pytest.approx(5 * 10)  # it must end now


def test_the_check_that_is_on_is_counted_by_its_own_pace():
    standing = Standing(0.0)
    standing.note(CHECKS_DONE, 0, 3, 10.0)
    standing.note("inverting", 0, 10, 12.0)
    standing.note("inverting", 4, 10, 20.0)  # 12 seconds more at this pace, of 22 in all
    assert standing.checks_seconds_left(20.0) == pytest.approx(12 + 2 * 22)
    standing.note(CHECKS_DONE, 1, 3, 40.0)  # it took 30
    standing.note("annealing", 0, 4, 40.0)
    standing.note("annealing", 1, 4, 42.0)  # 6 more, of 8
    assert standing.checks_seconds_left(42.0) == pytest.approx(6 + (30 + 8) / 2)
    standing.note(CHECKS_DONE, 3, 3, 70.0)
    assert standing.checks_seconds_left(70.0) == 0


def test_checks_kept_from_an_earlier_run_tell_nothing_of_the_others():
    standing = Standing(0.0)
    for done in range(4):
        standing.note(CHECKS_DONE, done, 5, 10.0 + 0.01 * done)
    assert standing.checks_seconds_left(11.0) is None
    standing.note(CHECKS_DONE, 4, 5, 30.03)
    assert standing.checks_seconds_left(30.03) == pytest.approx(20)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (119.4, "119 s"), (119.6, "2 min"), (3599, "59 min"), (7860, "2 h 11 min")]
)
def test_spans_are_in_the_unit_that_tells(seconds, said):
    standing = Standing(0.0)
    standing.note("drawing", 0, 0, 0.0)
    assert standing.line(seconds) == f"{said}: drawing"


def test_parts_of_a_check_that_are_still_to_come_count_by_their_passes():
    """Groups and controls come one after another: at the end of one of them much may be left."""
    standing = Standing(0.0)
    standing.note(CHECKS_DONE, 0, 1, 10.0)
    standing.note(PASSES, 0, 8000, 10.0)
    assert standing.checks_seconds_left(15.0) is None
    standing.note("inverting train", 0, 16, 15.0)
    standing.note("inverting train", 16, 16, 30.0)
    standing.note(PASSES, 2000, 8000, 30.0)
    assert standing.seconds_left(30.0) == 0
    assert standing.checks_seconds_left(30.0) == pytest.approx(60)
    standing.note(PASSES, 2000, 3000, 30.0)  # some of it an earlier check had done
    assert standing.checks_seconds_left(30.0) == pytest.approx(10)
    standing.note(PASSES, 9000, 8000, 90.0)  # foreseen too few
    standing.note("inverting noise", 2, 8, 90.0)
    standing.note("inverting noise", 4, 8, 95.0)
    assert standing.checks_seconds_left(95.0) == pytest.approx(10)


def test_later_checks_count_by_their_passes_at_the_pace_of_the_last():
    standing = Standing(0.0)
    standing.note(CHECKS_DONE, 0, 4, 0.0)
    standing.note(LATER, 50_000, 2, 0.0)
    standing.note("support", 0, 4, 0.0)
    standing.note("support", 2, 4, 10.0)
    assert standing.checks_seconds_left(10.0) is None  # nothing tells what a pass takes
    standing.note(CHECKS_DONE, 1, 4, 20.0)
    standing.note(LATER, 30_000, 1, 20.0)
    standing.note(PASSES, 0, 20_000, 20.0)
    standing.note(PASSES, 5_000, 20_000, 70.0)
    assert standing.checks_seconds_left(70.0) == pytest.approx(150 + 300 + 20)  # and one as long as the first
    standing.note(PASSES, 20_000, 20_000, 215.0)
    standing.note(CHECKS_DONE, 2, 4, 220.0)
    standing.note(PASSES, 0, 30_000, 220.0)
    assert standing.checks_seconds_left(220.0) == pytest.approx(300 + 20)
    standing.note(CHECKS_DONE, 3, 4, 520.0)
    assert standing.checks_seconds_left(520.0) == pytest.approx(20)
