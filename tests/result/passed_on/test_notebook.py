"""In a notebook a result is a table of what it holds, and no name in it is HTML."""

import re
from html.parser import HTMLParser

import pytest

from didlearn.result.passed_on.notebook import _COLOURS
from tests.result.passed_on.audits import BOUND, HOSTILE, SEEN, audit


class Cells(HTMLParser):
    """The tags of a page, and the text in its cells."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.cells = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data


def test_an_audit_shows_its_answer_and_every_check():
    page = audit()._repr_html_()
    shown = Cells(page)
    assert "No: it repeats itself." in page
    assert shown.cells[:6] == ["check", "verdict", "answer", "support", "fail", "It is fail."]
    assert shown.cells[3::3] == [c.check for c in audit().checks]


def test_a_check_shows_every_estimate_with_its_interval():
    cells = Cells(audit()["memorization"]._repr_html_()).cells
    row = cells[cells.index("copied_fraction") :][:6]
    assert [cell.replace("\u202f", " ") for cell in row] == [
        "copied_fraction", "25 %", "20 % to 30 %", "95 %", "400", "counted",
    ]  # fmt: skip


def test_an_estimate_alone_is_one_row():
    assert Cells(SEEN._repr_html_()).cells[0] == "value"
    assert Cells(BOUND._repr_html_()).cells[5].replace("\u202f", " ") == "at least 17 316 images"


def test_names_from_outside_stay_text():
    for page in (audit()._repr_html_(), audit()["typicality"]._repr_html_()):
        assert Cells(page).tags <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "code"}
        assert HOSTILE.split("\n")[0].partition("|")[0] not in page


@pytest.mark.parametrize("colour", _COLOURS.values())
def test_verdicts_are_readable_on_white_and_on_black(colour):
    def luminance(code):
        parts = [int(part, 16) / 255 for part in re.findall("..", code[1:])]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert 1.05 / (luminance(colour) + 0.05) >= 3
    assert (luminance(colour) + 0.05) / 0.05 >= 3
