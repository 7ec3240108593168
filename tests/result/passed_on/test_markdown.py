"""A scorecard says what the audit says, and no name in it mentions a person, links, or breaks the table."""

import re

from markdown import markdown

from didlearn.result.passed_on import markdown as scorecard
from tests.result.passed_on.audits import HOSTILE, audit


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| ")]


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def test_answer_verdicts_and_numbers_are_there():
    text = audit().to_markdown()
    assert text.startswith("## ❌ didlearn\n\n**No: it repeats itself.**\n")
    told = {cells(row)[0]: cells(row)[1:] for row in rows(text) if len(cells(row)) == 3}
    assert told["support"] == ["❌ fail", "It is fail."]
    assert told["inversion"][0].endswith("not\\_run")
    assert "More images would settle it." in told["fidelity"][1]
    assert "| memorization | copied\\_fraction | 25 % | 20 % to 30 % (95 %) | 400 |" in text.replace("\u202f", " ")


def test_every_row_has_as_many_cells_as_its_table():
    assert {len(cells(row)) for row in rows(audit().to_markdown())} == {3, 5}


def test_names_from_outside_become_neither_html_nor_links_nor_mentions():
    page = markdown(audit().to_markdown(), extensions=["tables"])
    assert "<script" not in page
    assert "<a " not in page
    text = audit().to_markdown()
    for sign in ("@octocat", "#7", "://evil", "www.evil"):
        assert sign in HOSTILE
        assert sign not in text


def test_a_comment_has_room_for_it(monkeypatch):
    monkeypatch.setattr(scorecard, "_MOST_ROWS", 2)
    assert "1 more numbers are in `audit.json`." in audit().to_markdown()


def test_it_says_which_model_of_which_data():
    assert "(01234567), data digits, seed 3, didlearn 0.1.0</sub>" in audit().to_markdown()
