"""How the budget is shared."""

from didlearn.checks.log_likelihood.effort import LEAST_BUDGET
from tests.checks.inversions import effort_of


def test_a_share_is_no_less_than_search_and_pilot_need():
    effort = effort_of(budget=481)
    assert [effort.share(parts) for parts in (1, 2, 4)] == [481, 240, LEAST_BUDGET]
    assert effort_of(budget=60).share(1) == 120


def test_the_published_effort_is_that_of_the_paper_and_the_schedule_can_be_set():
    assert effort_of().settings() == {}
    assert effort_of(schedule="linear", temperatures=70).settings() == {"schedule": "linear", "temperatures": 70}
    theirs = effort_of(chains=9).as_published()
    assert theirs.chains == 4
    assert theirs.settings() == {
        "schedule": "sigmoid", "temperatures": 500, "start": "prior", "mass": "identity", "leapfrog": 10,
    }  # fmt: skip
