"""From labels to the result that the report takes in."""

import csv
import json

import numpy as np
import pytest

from didlearn.labelling.export import COLUMNS, write_csv
from didlearn.labelling.outcome import RESULT_FILE, outcome, write_outcome
from didlearn.labelling.store import Label
from didlearn.result.values import CheckResult
from didlearn.statistics.birthday.collisions import effective_support
from tests.labelling.conftest import DUPLICATES


def said_by(person, called, rng=None, sensitivity=1.0, false_alarms=0.0):
    """What a person of known error rates says; who never errs without a generator."""
    u = 0.5 * np.ones(len(called)) if rng is None else rng.random(len(called))
    yes = u < np.where(called, sensitivity, false_alarms)
    return [Label(person, pair, "d" if one else "n", "2026-01-01T00:00:00.000+00:00") for pair, one in enumerate(yes)]


def test_who_never_errs_gives_the_count(sheet, same):
    result = outcome(sheet, said_by("Ada", same))
    assert (result.check, result.verdict) == ("labels", "measured")
    expected = effective_support(DUPLICATES, 0, 500)
    found = result.estimates["effective_support"]
    assert result.estimates["uncorrected_effective_support"].value == pytest.approx(expected.value)
    assert found.value == pytest.approx(expected.value, rel=0.1)
    assert found.low <= expected.low * 1.1
    assert found.high >= expected.high * 0.9
    assert result.estimates["sensitivity"].value == 1
    assert result.estimates["false_alarms"].value == 0
    assert "agreement" not in result.estimates
    assert "One person judged 60 pairs" in result.answer


def test_errors_are_corrected_for(sheet, same):
    rng = np.random.default_rng(0)
    said = [one for name in "ABC" for one in said_by(name, same, rng, 0.75, 0.2)]
    result = outcome(sheet, said)
    truth = (500 * 499 / 2) / DUPLICATES
    found = result.estimates["effective_support"]
    assert found.low < truth < found.high
    assert found.value == pytest.approx(truth, rel=0.35)
    people = next(table for table in result.tables if table.name == "people")
    assert [row[:2] for row in people.rows] == [("A", 140), ("B", 140), ("C", 140)]
    assert "3 people" in result.answer


def test_agreement_is_among_candidates_and_unsure_is_missing(sheet, same):
    ada, bob = said_by("Ada", same), said_by("Bob", same)
    assert outcome(sheet, ada + bob).estimates["agreement"].value == 1
    unsure = [Label("Bob", one.pair, "u", one.at) if one.pair < 10 else one for one in bob]
    found = outcome(sheet, ada + unsure).estimates["agreement"]
    assert (found.value, found.n) == (1, 50)
    planted = [Label("Bob", one.pair, "n" if one.answer == "d" else "d", one.at) for one in bob if one.pair >= 60]
    other = [one for one in bob if one.pair < 60] + planted
    assert outcome(sheet, ada + other).estimates["agreement"].value == 1


def test_unsure_is_not_called_a_duplicate_and_the_sensitivity_makes_up_for_it(sheet, same):
    said = [
        Label(s.person, s.pair, "u", s.at) if s.answer == "d" and s.pair % 4 == 0 else s for s in said_by("Ada", same)
    ]
    result = outcome(sheet, said)
    truth = (500 * 499 / 2) / DUPLICATES
    assert result.estimates["sensitivity"].value == 0.75
    assert result.estimates["uncorrected_effective_support"].value > 1.3 * truth
    assert result.estimates["effective_support"].value == pytest.approx(truth, rel=0.15)
    assert next(t for t in result.tables if t.name == "people").rows[0][4] == 17


def test_too_few_labels_give_no_number(sheet, same):
    everything = said_by("Ada", same)
    for said in (everything[:0], everything[:60], everything[60:]):
        result = outcome(sheet, said)
        assert result.verdict == "inconclusive"
        assert "effective_support" not in result.estimates
        assert "label more pairs" in result.reason


def test_the_same_labels_give_the_same_numbers(sheet, same):
    said = said_by("Ada", same, np.random.default_rng(1), 0.8, 0.1)
    assert outcome(sheet, said) == outcome(sheet, said)


def test_the_result_is_written_whole_and_reads_back(sheet, same, run):
    (run / "labels").mkdir()
    result = write_outcome(sheet, said_by("Ada <b>", same))
    assert CheckResult.model_validate_json((run / RESULT_FILE).read_bytes()) == result
    assert json.loads((run / RESULT_FILE).read_text())["check"] == "labels"


def test_csv_holds_every_answer_and_no_formula(sheet, same, tmp_path):
    names = ["=HYPERLINK(1)", "+1", "-1", "@x", 'a"b,c']
    said = [one for name in names for one in said_by(name, same)[55:65]]
    write_csv(tmp_path / "new" / "labels.csv", sheet, said)
    with (tmp_path / "new" / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 50
    assert {row["labeller"] for row in rows} == {"'=HYPERLINK(1)", "'+1", "'-1", "'@x", 'a"b,c'}
    assert [row["kind"] for row in rows[:10]] == ["candidate"] * 5 + ["planted duplicate"] * 5
    assert (rows[0]["sample_a"], rows[0]["stratum"], rows[9]["stratum"]) == ("110", "1", "")
    assert (rows[0]["answer"], rows[9]["answer"]) == ("not", "duplicate")
