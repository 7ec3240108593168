"""How the budget is shared."""

from didlearn.checks.log_likelihood.effort import LEAST_BUDGET
from tests.checks.inversions import effort_of


def test_a_share_is_no_less_than_search_and_pilot_need():
    effort = effort_of(budget=481)
    assert [effort.share(parts) for parts in (1, 2, 4)] == [481, 240, LEAST_BUDGET]
    assert effort_of(budget=60).share(1) == 120
