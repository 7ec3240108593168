"""An audit built by hand: every verdict, an open end, an absent value, and names that mean harm."""

from didlearn.result.answer import Answer
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate, Settles

HOSTILE = "<script>alert(1)</script>|a\n@octocat #7 https://evil.example www.evil.example [x](y) `b` *c* \x07"
EXACT = Estimate(value=0.125, low=0.125, high=0.125, n=40, method="computed")
SEEN = Estimate(value=0.25, low=0.2, high=0.3, n=400, method="counted", unit="fraction")
BOUND = Estimate(value=None, low=17_316, high=None, n=20_000, method="no pair seen", unit="images")


def check(name, verdict, **more):
    said = {"answer": f"It is {verdict}.", "reason": f"because {verdict}", "seconds": 1.5} | more
    return CheckResult(check=name, verdict=verdict, **said)


def audit():
    checks = (
        check("support", "fail", estimates={"effective_support": BOUND}),
        check("memorization", "pass", estimates={"copied_fraction": SEEN, "copy_threshold": EXACT}),
        check("fidelity", "inconclusive", settles=Settles(clause="more images would settle it", of="images")),
        check("gaussianity", "measured"),
        check("inversion", "not_run"),
        check("typicality", "error", answer=HOSTILE, reason=HOSTILE),
    )
    return AuditResult(
        answer=Answer(verdict="no", sentence="No: it repeats itself.", reasons=("it repeats itself",)),
        checks=checks,
        subject={"model": {"name": HOSTILE, "fingerprint": "0123456789abcdef"}, "train": {"name": "digits"}},
        environment={"date": "2026-11-30T01:02:03Z", "seed": 3, "didlearn": "0.1.0"},
    )
