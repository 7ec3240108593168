"""The page says of each verdict what the check's page in the docs says of it: which there are, and none that cannot be.

The mistake this sees: a rule is changed, in the code and in the docs, and the text of the report goes on with the old.
"""

import re
from pathlib import Path

import pytest

from didlearn.checks import CHECKS

DOCS = Path(__file__).parents[2] / "docs" / "checks"
VERDICTS = {"fail", "pass", "measured", "inconclusive"}
SHARED = {  # words that tell a rule from the one before it, on the page and in the docs
    "gaussianity": "rarely Gaussian",
    "inversion": "holes",
    "likelihood": "less likely than",
    "typicality": "outside the typical set",
}


def on_the_page(check):
    text = CHECKS[check].text("how")
    return text[text.index("<dt>The verdict</dt>") :]


def in_the_docs(check):
    text = (DOCS / f"{check}.md").read_text(encoding="utf-8")
    return text[text.index("## The verdict") :].split("\n## ")[0]


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_verdicts_of_the_page_are_those_of_the_docs(check):
    said = {word.lower() for word in re.findall(r"<em>(\w+)</em>", on_the_page(check))} & VERDICTS
    documented = set(re.findall(r"`(\w+)`", in_the_docs(check))) & VERDICTS
    assert said - {"inconclusive"} == documented - {"inconclusive"}
    assert {"fail", "pass"} <= said if CHECKS[check].judged else not said & {"fail", "pass"}


@pytest.mark.parametrize(("check", "words"), SHARED.items())
def test_rules_that_were_changed_are_told_alike(check, words):
    assert words in on_the_page(check)
    assert words in " ".join(in_the_docs(check).split())
