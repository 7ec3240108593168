"""The pairs of a run, and the order people meet them in."""

import numpy as np
import pytest

from didlearn.errors import ResultError, UsageError
from didlearn.labelling.sheet import Sheet
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult


def test_the_order_is_by_seed_and_name(sheet):
    ada = sheet.order(0, "Ada")
    assert ada == sheet.order(0, "Ada")
    assert sorted(place.pair for place in ada) == list(range(len(sheet)))
    for other in (sheet.order(1, "Ada"), sheet.order(0, "Bob")):
        assert [place.pair for place in ada] != [place.pair for place in other]
        assert [place.swapped for place in ada] != [place.swapped for place in other]
    assert sheet.order(0, "Ada", 30) == ada[:30]


def test_whoever_stops_early_has_seen_some_of_each_kind(sheet):
    for name in map(str, range(20)):
        kinds = sheet.truth[[place.pair for place in sheet.order(0, name, 35)]]
        assert np.abs(np.array([(kinds == k).sum() for k in (-1, 0, 1)]) - [15, 10, 10]).max() <= 3


def test_neither_place_nor_side_tells_what_a_pair_is(sheet):
    first = np.zeros(len(sheet))
    swapped = np.zeros(len(sheet))
    people = 400
    for name in map(str, range(people)):
        for at, place in enumerate(sheet.order(0, name)):
            first[place.pair] += at
            swapped[place.pair] += place.swapped
    for k in (-1, 0, 1):
        assert first[sheet.truth == k].mean() / people == pytest.approx((len(sheet) - 1) / 2, abs=1.5)
        assert swapped[sheet.truth == k].mean() / people == pytest.approx(0.5, abs=0.02)


def test_a_run_without_pairs_is_refused(tmp_path):
    with pytest.raises(UsageError, match="there is no file or folder"):
        Sheet.load(tmp_path / "none")
    with pytest.raises(ResultError, match=r"audit\.json"):
        Sheet.load(tmp_path)
    AuditResult(checks=()).save(tmp_path)
    with pytest.raises(ResultError, match="no support check"):
        Sheet.load(tmp_path)
    AuditResult(checks=(CheckResult(check="support", verdict="measured"),)).save(tmp_path)
    with pytest.raises(ResultError, match="no pairs to judge"):
        Sheet.load(tmp_path)


def test_arrays_that_do_not_fit_together_are_refused(run, sheet):
    arrays = dict(sheet.support.arrays) | {"sheet_truth": sheet.truth[:-1]}
    AuditResult(checks=(sheet.support.model_copy(update={"arrays": arrays}),)).save(run)
    with pytest.raises(ResultError, match="do not fit together"):
        Sheet.load(run)
