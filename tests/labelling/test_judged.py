"""Labels as arrays, and the two tables of them."""

import numpy as np
import pytest

from didlearn.labelling.judged import Judged
from didlearn.labelling.store import Label
from didlearn.labelling.tables import people_table, strata_table
from tests.labelling.conftest import CANDIDATES, DUPLICATES


def labels(person, answers):
    return [Label(person, pair, answer, "t") for pair, answer in answers.items()]


@pytest.fixture
def judged(sheet):
    """Ada judges four candidates, the last two pairs of the sheet's edge, and one planted pair of each kind."""
    first, last = DUPLICATES - 1, CANDIDATES - 1
    ada = labels("Ada", {0: "d", first: "n", last - 1: "u", last: "d", CANDIDATES: "d", CANDIDATES + 40: "n"})
    return Judged.of(sheet, [*ada, *labels("Bob", {0: "u", 10**6: "d"})])


def test_answers_are_laid_out_by_person_and_pair(judged):
    assert judged.people == ("Ada", "Bob")
    assert judged.codes[:, 0].tolist() == [1, 2]
    assert (judged.codes >= 0).sum() == 7, "an answer on no pair of the sheet is left out"


def test_unsure_calls_nothing_a_duplicate_and_is_no_answer_for_the_agreement(judged):
    assert judged.judgements.said[:, 0].tolist() == [1, 0]
    assert judged.candidate_answers[:, 0].tolist() == [1, -1]


def test_asked_are_the_candidates_that_anybody_judged(judged):
    assert np.flatnonzero(judged.asked).tolist() == [0, DUPLICATES - 1, CANDIDATES - 2, CANDIDATES - 1]
    assert (judged.planted(1), judged.planted(0)) == ((1, 1), (0, 1))


def test_the_edge_is_the_farthest_of_the_judged_candidates(judged, sheet):
    """All four are among the farthest twenty: of five answers on them two say duplicate."""
    assert judged.called_at_edge() == pytest.approx(2 / 5)
    many = Judged.of(sheet, labels("Ada", {pair: "d" if pair >= 50 else "n" for pair in range(CANDIDATES)}))
    assert many.called_at_edge() == pytest.approx(10 / 20)


def test_the_tables_count_what_was_said(judged):
    ada, bob = people_table(judged, 0.95).rows
    assert ada[:5] == ("Ada", 6, 3, 2, 1)
    assert (ada[5], ada[8]) == (1.0, 0.0)
    assert bob[:5] == ("Bob", 1, 0, 0, 1)
    assert bob[5:] == (None,) * 6, "what was not asked is an empty cell, not 0"
    near, next_ = strata_table(judged, 0.95).rows
    assert near[1:4] == (DUPLICATES, 2, pytest.approx(1 / 3))
    assert next_[1:4] == (CANDIDATES - DUPLICATES, 2, 0.5)


def test_nothing_said_is_no_share(sheet):
    assert [row[3:] for row in strata_table(Judged.of(sheet, []), 0.95).rows] == [(None,) * 3] * 2
