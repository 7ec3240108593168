"""In a console every result is one line, which holds what it is worth."""

import didlearn as dl
from tests.result.passed_on.audits import BOUND, EXACT, HOSTILE, SEEN, audit, check


def plain(value):
    return repr(value).replace("\u202f", " ")


def test_an_estimate_has_its_interval_its_level_and_its_number():
    assert plain(SEEN) == "Estimate(25 %, 20 % to 30 % at 95 %, n = 400)"
    assert plain(EXACT) == "Estimate(0.125, n = 40)"


def test_what_is_absent_is_a_bound_and_no_number():
    assert plain(BOUND) == "Estimate(at least 17 316 images, n = 20 000)"
    nothing = dl.Estimate(value=None, low=None, high=None, n=0, method="none")
    assert plain(nothing) == "Estimate(not determined, n = 0)"


def test_a_check_and_an_audit_are_one_line_each():
    found = audit()
    assert plain(found["memorization"]) == 'CheckResult(memorization: pass, "It is pass.", 2 estimates)'
    assert plain(found).startswith('AuditResult("No: it repeats itself.", support fail, memorization pass, ')
    for value in (found, *found.checks, check("x", "error", answer=HOSTILE * 9)):
        assert "\n" not in repr(value)
        assert str(value) == repr(value)
        assert len(repr(value)) < 300
