"""Scripts of earlier days ask ``didlearn.check`` for what lives in ``didlearn.audit``."""

from didlearn import check
from didlearn.audit.check import Check
from didlearn.audit.subject import Subject


def test_both_names_are_those_of_the_audit():
    assert (check.Check, check.Subject) == (Check, Subject)
