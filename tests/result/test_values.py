import csv
import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from didlearn.errors import ResultError
from didlearn.result.files import AuditResult, tile_file
from didlearn.result.values import CheckResult, Estimate, Figure, Gallery, Series, Settles, Table, Tile, is_significant


def estimate(**change):
    fields: dict[str, Any] = {"value": 2.0, "low": 1.0, "high": 3.0, "n": 10, "method": "m"}
    return Estimate(**fields | change)


def audit():
    table = Table(name="pairs", title="t", columns=("a", "b"), rows=((1, "=cmd()"), (None, "ü")), csv="pairs.csv")
    gallery = Gallery(
        name="g/../x", title="t", rows=((Tile(caption="<b>", pixels=np.arange(12, dtype=np.uint8).reshape(3, 4)),),)
    )
    check = CheckResult(
        check="support",
        verdict="pass",
        estimates={"effective_support": estimate(high=None)},
        tables=(table,),
        galleries=(gallery,),
        figures=(Figure(name="f", title="t", x_label="x", y_label="y", series=(Series(label="s", x=(1,), y=(2,)),)),),
        arrays={"sizes": np.array([3, 2])},
    )
    return AuditResult(checks=(check,), subject={"train": {"images": 3}}, notes=("split off",))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1.7e308])
@pytest.mark.parametrize("field", ["value", "low", "high"])
def test_nan_and_infinity_are_refused(bad, field):
    with pytest.raises(ValidationError):
        estimate(**{field: bad})


def test_an_interval_is_ordered_and_its_ends_may_be_open():
    assert estimate(low=None, high=None).high is None
    with pytest.raises(ValidationError, match="low end"):
        estimate(low=4.0)
    with pytest.raises(ValidationError):
        estimate(level=1.0)


def test_what_is_absent_is_read_as_no_number():
    known, absent = estimate(), estimate(value=None, low=None, high=None, method="no pair seen")
    assert (known.point, known.low_or(0), known.high_or(9)) == (2.0, 1.0, 3.0)
    assert (absent.low_or(0.5), absent.high_or(9.5)) == (0.5, 9.5)
    with pytest.raises(ResultError, match="no pair seen"):
        _ = absent.point
    assert estimate(value=0.0, low=0.0).point == 0.0


def test_a_p_value_that_is_not_there_is_not_small():
    assert is_significant(estimate(value=0.049, low=None), 0.05)
    assert not is_significant(estimate(value=0.05, low=None), 0.05)
    assert not is_significant(estimate(value=None), 0.05)
    assert not is_significant(None, 0.05)


def test_what_settles_an_open_verdict_is_a_sentence_and_says_where_the_number_is_not_known():
    counted = Settles(clause="about 50 samples would settle it", of="samples", number=50)
    assert counted.sentence == "About 50 samples would settle it."
    assert Settles(clause="about 2 times", of="samples", times=2).sentence == "About 2 times."
    assert Settles(clause="choose another").sentence == "Choose another."
    uncounted = Settles(clause="more images would settle it", of="images")
    assert uncounted.sentence == "More images would settle it. The check does not say how many."


@pytest.mark.parametrize("verdict", ["pass", "fail", "measured", "not_run", "error"])
def test_only_what_is_open_can_be_settled(verdict):
    with pytest.raises(ValidationError, match="nothing is left to settle"):
        CheckResult(check="c", verdict=verdict, settles=Settles(clause="c"))
    assert CheckResult(check="c", verdict="inconclusive", settles=Settles(clause="c")).settles.clause == "c"


def test_series_of_different_lengths_are_refused():
    with pytest.raises(ValidationError, match="different lengths"):
        Series(label="s", x=(1, 2), y=(1,))


def test_saving_and_loading_gives_the_same_result(tmp_path):
    saved = audit()
    saved.save(tmp_path / "run")
    loaded = AuditResult.load(tmp_path / "run")
    assert loaded.model_dump(exclude={"checks"}) == saved.model_dump(exclude={"checks"})
    assert loaded["support"].estimates == saved["support"].estimates
    assert loaded["support"].figures == saved["support"].figures
    assert np.array_equal(loaded["support"].arrays["sizes"], [3, 2])
    path = tile_file(tmp_path / "run", loaded["support"].galleries[0].rows[0][0])
    assert path.parent == (tmp_path / "run" / "images").resolve()
    again = loaded.save(tmp_path / "again")
    assert json.loads((again / "audit.json").read_text()) == json.loads((tmp_path / "run" / "audit.json").read_text())


def test_csv_cells_cannot_be_formulas(tmp_path):
    audit().save(tmp_path)
    with (tmp_path / "pairs.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["1", "'=cmd()"], ["", "ü"]]


def test_what_settles_it_is_saved_and_an_older_result_without_it_is_read(tmp_path):
    settles = Settles(clause="about 50 samples would settle it", of="samples", number=50)
    AuditResult(checks=(CheckResult(check="c", verdict="inconclusive", settles=settles),)).save(tmp_path)
    data = json.loads((tmp_path / "audit.json").read_text())
    assert data["checks"][0]["settles"] == {
        "clause": "about 50 samples would settle it", "of": "samples", "number": 50, "times": None,
    }  # fmt: skip
    assert AuditResult.load(tmp_path)["c"].settles == settles
    del data["checks"][0]["settles"]
    (tmp_path / "audit.json").write_text(json.dumps(data))
    assert AuditResult.load(tmp_path)["c"].settles is None


def test_json_has_the_promised_layout(tmp_path):
    audit().save(tmp_path)
    data = json.loads((tmp_path / "audit.json").read_text())
    assert data["format"] == 1
    assert {"check", "verdict", "reason", "params", "estimates", "seconds"} <= set(data["checks"][0])
    assert data["checks"][0]["estimates"]["effective_support"] == {
        "value": 2.0, "low": 1.0, "high": None, "level": 0.95, "n": 10, "method": "m", "unit": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "holds no audit.json"),
        ("{", "cannot be read as JSON"),
        ("[]", "format 'list'"),
        ('{"format": 2}', "format 2"),
        ('{"format": 1, "checks": [{"check": "s", "verdict": "maybe"}]}', "checks.0.verdict"),
        ('{"format": 1, "checks": [], "extra": 1}', "extra"),
    ],
)
def test_bad_runs_are_refused_with_a_reason(tmp_path, text, message):
    if text is not None:
        (tmp_path / "audit.json").write_text(text)
    with pytest.raises(ResultError, match=message):
        AuditResult.load(tmp_path)


def test_a_picture_outside_the_run_is_refused(tmp_path):
    with pytest.raises(ResultError, match="outside the run"):
        tile_file(tmp_path, Tile(path="../secret.png"))


def test_a_missing_check_is_named():
    with pytest.raises(KeyError, match="no check 'likelihood'"):
        audit()["likelihood"]


@pytest.mark.parametrize(
    ("place", "wrong", "said"),
    [
        ("rows", [[1, "x", 3], [2, "y"]], "row 1 of the table 'pairs' has 3 cells under 2 columns"),
        ("rows", [[1, "x"], []], "row 2 of the table 'pairs' has 0 cells under 2 columns"),
        ("columns", [], "row 1 of the table 'pairs' has 2 cells under 0 columns"),
        ("rows", [[10**400, "x"]], "checks.0.tables.0.rows.0.0"),
        ("rows", "ab", "checks.0.tables.0.rows: Input should be a valid tuple"),
    ],
)
def test_a_table_of_the_wrong_shape_is_no_valid_audit(tmp_path, place, wrong, said):
    audit().save(tmp_path)
    content = json.loads((tmp_path / "audit.json").read_text())
    content["checks"][0]["tables"][0][place] = wrong
    (tmp_path / "audit.json").write_text(json.dumps(content))
    with pytest.raises(ResultError, match="is not a valid audit: ") as told:
        AuditResult.load(tmp_path)
    assert said in str(told.value)


def test_a_picture_s_path_that_can_be_no_file_is_told(tmp_path):
    with pytest.raises(ResultError, match="a picture's path can be no file"):
        tile_file(tmp_path, Tile(path="a\0b"))


def test_a_number_too_large_to_draw_is_told_in_few_digits():
    with pytest.raises(ValidationError, match=r"-1e\+308 is larger than any number here may be, 1e\+300"):
        estimate(low=-1e308)
