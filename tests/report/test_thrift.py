import itertools

import numpy as np
import pytest

from didlearn.report import render, write_study_report
from didlearn.report.thrift import LADDER, LIMIT, afford
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Figure, Gallery, Series, Table, Tile


def test_the_first_step_that_fits_is_taken():
    assert afford(lambda thrift: str(thrift.bytes)) == "2500000"
    sizes = {t.bytes: i for i, t in enumerate(LADDER)}
    assert afford(lambda t: "x" * (LIMIT + 1) if sizes[t.bytes] < 2 else str(t.bytes)) == str(LADDER[2].bytes)
    assert len(afford(lambda t: "x" * (LIMIT + t.bytes))) == LIMIT + LADDER[-1].bytes


def test_bytes_are_counted_not_letters():
    assert afford(lambda t: "€" * (t.bytes)) == "€" * LADDER[1].bytes


def test_every_step_is_more_sparing():
    for a, b in itertools.pairwise(LADDER):
        assert all(x > y for x, y in zip(vars(a).values(), vars(b).values(), strict=True))


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (200, 64, 64, 3), dtype=np.uint8)


def galleries(pixels, count, columns):
    rows = [tuple(Tile(pixels=pixels[(i + j) % len(pixels)]) for j in range(4)) for i in range(count)]
    return tuple(Gallery(name=f"g{i}", title=f"G{i}", columns=columns, rows=(row,) * 3) for i, row in enumerate(rows))


def test_two_hundred_galleries_of_colour_pictures_fit_and_the_page_says_what_it_did(pixels):
    shown = galleries(pixels, 200, ("a", "b", "c", "d"))
    html = render(AuditResult(checks=(CheckResult(check="c", verdict="fail", galleries=shown),)), None)
    assert len(html.encode()) <= LIMIT
    assert html.count('<figure class="gallery">') == 1 + 3 + 200  # the main one, the telling ones, all of them
    assert "4 of them are compressed here to keep the page small." in html
    assert "2 more rows lie in the run folder." in html


def test_far_too_many_galleries_are_left_out_with_a_note(pixels):
    shown = tuple(g.model_copy(update={"rows": g.rows[:1]}) for g in galleries(pixels, 300, ()))
    html = render(AuditResult(checks=(CheckResult(check="c", verdict="fail", galleries=shown),)), None)
    assert len(html.encode()) <= LIMIT
    assert "it shows 250 of 300 galleries; the others are in the run folder." in html


def test_a_study_of_too_many_figures_and_rows_fits_too(tmp_path):
    x = tuple(np.linspace(0, 1, 2000))
    rng = np.random.default_rng(0)
    figures = tuple(
        Figure(
            name="f", title="F", x_label="x", y_label="y", series=(Series(label="s", x=x, y=tuple(rng.random(2000))),)
        )
        for _ in range(3)
    )
    wide = Table(name="t", title="T", columns=("a",) * 200, rows=(("x" * 100,) * 200,) * 2000)
    study = CheckResult(check="s", verdict="measured", figures=figures, tables=(wide,) * 3)
    html = write_study_report(study, tmp_path).read_text(encoding="utf-8")
    assert len(html.encode()) <= LIMIT
    assert "The first 60 of 2\u202f000 rows" in html
