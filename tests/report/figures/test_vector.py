"""matplotlib's SVG, made fit to stand inside a page."""

import pytest

from didlearn.report.figures.palette import STAND_IN
from didlearn.report.figures.vector import inline

DOCUMENT = f"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 4 4" width="4pt">
 <metadata>made by</metadata><defs><style>*{{}}</style><path id="dot" d="M 1.23456 2"/></defs>
 <g id="line2d_1"><use xlink:href="#dot" clip-path="url(#box)" style="stroke: {STAND_IN["ink"]}"/></g>
 <text style="font-family: serif; font-size: 9px" transform="rotate(-0 1 1)">@0@</text>
</svg>"""


@pytest.fixture
def svg():
    return str(inline(DOCUMENT, "c1-0", {"@0@": "<b>label"}))


def test_nothing_of_a_document_is_left(svg):
    for foreign in ("xmlns", "metadata", "<style", "width=", "font-family", "rotate("):
        assert foreign not in svg
    assert svg.startswith("<svg viewBox=")


def test_ids_are_the_drawings_own(svg):
    assert 'id="c1-0-dot"' in svg
    assert 'href="#c1-0-dot"' in svg
    assert "url(#c1-0-box)" in svg
    assert "line2d_1" not in svg


def test_colours_are_variables_numbers_short_and_words_escaped(svg):
    assert "stroke: var(--ink)" in svg
    assert "M 1.23 2" in svg
    assert "&lt;b&gt;label" in svg
