import pytest

from didlearn.errors import ResultError
from didlearn.report import write_comparison, write_report
from didlearn.report.labelled import with_labels
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate

HUMAN = Estimate(
    value=57.0, low=40.0, high=83.0, n=30, method="two labellers, corrected for their errors", unit="images"
)


def labels(**fields):
    base = {
        "check": "labels",
        "question": "What do people call a duplicate?",
        "verdict": "measured",
        "answer": "People see 57 images.",
    }
    return CheckResult(**(base | {"estimates": {"effective_support": HUMAN}} | fields))


def put(run, result):
    (run / "labels").mkdir(parents=True, exist_ok=True)
    (run / "labels" / "result.json").write_text(result.model_dump_json(), encoding="utf-8")


def test_without_labels_nothing_changes(collapsed, tmp_path):
    assert with_labels(collapsed, tmp_path) is collapsed


def test_labels_stand_right_after_support_with_the_automatic_estimate_beside_the_human_one(collapsed, tmp_path):
    put(tmp_path, labels())
    found = with_labels(collapsed, tmp_path)
    assert [c.check for c in found.checks] == ["support", "labels", "memorization", "inversion"]
    estimates = found["labels"].estimates
    assert list(estimates) == ["automatic_effective_support", "effective_support"]
    assert estimates["automatic_effective_support"] == collapsed["support"].estimates["effective_support"]
    assert estimates["effective_support"] == HUMAN


def test_a_beside_that_the_labels_bring_themselves_is_kept(collapsed, tmp_path):
    own = HUMAN.model_copy(update={"value": 50.0})
    put(tmp_path, labels(estimates={"automatic_effective_support": own, "effective_support": HUMAN}))
    assert with_labels(collapsed, tmp_path)["labels"].estimates["automatic_effective_support"] == own


def test_labels_without_a_support_check_come_first(tmp_path):
    put(tmp_path, labels())
    other = CheckResult(check="other", verdict="pass")
    found = with_labels(AuditResult(checks=(other,)), tmp_path)
    assert [c.check for c in found.checks] == ["labels", "other"]
    assert list(found["labels"].estimates) == ["effective_support"]


def test_the_report_shows_what_people_said(collapsed, tmp_path):
    collapsed.save(tmp_path)
    put(tmp_path, labels(answer="People see <b>57</b> images."))
    text = write_report(tmp_path).read_text(encoding="utf-8")
    section = text[text.index('id="check-2"') : text.index('id="check-3"')]
    assert "What do people call a duplicate?" in section
    assert section.index("Automatic effective support") < section.index(">Effective support<")
    assert "41.7" in section
    assert ">57<" in section
    assert "People see &lt;b&gt;57&lt;/b&gt; images." in text
    assert "<b>57" not in text


def test_a_comparison_takes_labels_in_where_there_are_some(collapsed, sound, tmp_path):
    for name, result in {"a": collapsed, "b": sound}.items():
        result.save(tmp_path / name)
    put(tmp_path / "a", labels())
    path = write_comparison([tmp_path / "a", tmp_path / "b"], tmp_path / "compare.html")
    line = path.read_text(encoding="utf-8").split("What do people call a duplicate?")
    assert len(line) > 2
    assert "People see 57 images." in line[2]
    assert "Not asked." in line[2]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"check": "labels"}', "\x00"])
def test_labels_that_cannot_be_read_are_refused(text, collapsed, tmp_path):
    collapsed.save(tmp_path)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "result.json").write_text(text)
    with pytest.raises(ResultError, match="holds no labels that can be read"):
        write_report(tmp_path)


def test_a_result_of_something_else_is_refused(collapsed, tmp_path):
    put(tmp_path, labels(check="support"))
    with pytest.raises(ResultError, match="is about 'support', not 'labels'"):
        with_labels(collapsed, tmp_path)
