"""The page of precision holds what the code computes, and every number on it is within its tolerance.

Mistakes seen: a table of another day, a tolerance that nothing keeps to, generated and real exchanged for one package.
"""

import re
from pathlib import Path

import precision
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "precision.md"
LINE = re.compile(r"\| (.+?) \| (.+?) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|")


def lines():
    text = PAGE.read_text(encoding="utf-8")
    return [found.groups() for found in LINE.finditer(text) if found.group(3) != "ours" and "---" not in found.group(1)]


def test_our_numbers_are_today_s_and_the_packages_within_their_tolerances():
    own, table = precision.ours(), lines()
    assert len(table) == 47
    for score, pair, ours, package, theirs, _, tolerance in table:
        assert own[score, pair] == pytest.approx(float(ours), rel=2e-8), (score, pair)
        assert own[score, pair] == pytest.approx(float(theirs), rel=float(tolerance) + 2e-8), (score, pair, package)
    assert {score for score, *_ in table} == {score for score, _ in own}
    assert {package for *_, package, _, _, _ in table} == set(precision.PACKAGES)


def test_what_lies_beyond_is_said():
    row = precision.Comparison("density", "pair", 2.0, "prdc", 2.1, 1e-3)
    assert (row.within, "**beyond**" in row.row()) == (False, True)
    assert row.difference == pytest.approx(0.05)
    near = row._replace(theirs=2.001)
    assert (near.within, "**beyond**" in near.row()) == (True, False)
