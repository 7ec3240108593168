"""JUnit's XML agrees with the exit code, counts what it holds, and nothing undecided passes."""

from xml.etree import ElementTree as ET

import pytest

from didlearn.cli.commands.auditing import exit_code
from didlearn.result.passed_on.junit import FAILING, junit_of
from tests.result.passed_on.audits import audit


def outcomes(text):
    return {case.get("name"): next((kind.tag for kind in case if kind.tag != "system-out"), "passed") for case in
            ET.fromstring(text).iter("testcase")}  # fmt: skip


def test_each_verdict_is_what_it_is():
    assert outcomes(audit().to_junit()) == {
        "support": "failure",
        "memorization": "passed",
        "fidelity": "skipped",
        "gaussianity": "passed",
        "inversion": "skipped",
        "typicality": "error",
    }


def test_what_fails_is_what_the_exit_code_says():
    assert outcomes(audit().to_junit("inconclusive"))["fidelity"] == "failure"
    assert outcomes(audit().to_junit("never"))["support"] == "skipped"
    assert outcomes(junit_of(audit(), FAILING["fail"], ("inversion",)))["inversion"] == "error"


@pytest.mark.parametrize("fail_on", FAILING)
@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive", "measured"])
def test_red_exactly_where_the_command_is(fail_on, verdict):
    one = audit().model_copy(update={"checks": (audit()["support"].model_copy(update={"verdict": verdict}),)})
    red = set(outcomes(junit_of(one, FAILING[fail_on])).values()) & {"failure", "error"}
    assert bool(red) == (exit_code(one, fail_on, ()) != 0)


def test_the_totals_are_those_of_the_cases():
    suite = ET.fromstring(audit().to_junit()).find("testsuite")
    told = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
    assert told == {"tests": 6, "failures": 1, "errors": 1, "skipped": 2}
    assert float(suite.get("time")) == pytest.approx(9.0)
    assert suite.get("timestamp") == "2026-11-30T01:02:03"


def test_a_case_says_why_and_holds_its_numbers():
    case = next(c for c in ET.fromstring(audit().to_junit()).iter("testcase") if c.get("name") == "support")
    assert case.find("failure").get("message") == "fail: because fail"
    assert "effective_support: at least 17\u202f316" in case.find("system-out").text


def test_what_xml_has_no_place_for_does_not_break_it():
    case = list(ET.fromstring(audit().to_junit()).iter("testcase"))[-1]
    assert "<script>" in case.find("error").text
    assert "\x07" not in case.find("error").text
