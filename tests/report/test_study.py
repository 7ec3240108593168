import csv
import itertools
import re

import numpy as np
import pytest

from didlearn.errors import ResultError
from didlearn.report.study import write_study_report
from didlearn.result.values import CheckResult, Figure, Gallery, Series, Table, Tile


def study(**fields):
    figure = Figure(
        name="width",
        title="Support against width",
        x_label="width",
        y_label="images",
        series=(Series(label="GAN", x=(16.0, 32.0), y=(100.0, 0.1 + 0.2), role="generated"),),
    )
    table = Table(name="t", title="All", columns=("model", "images"), rows=(("a", 3),))
    gallery = Gallery(name="g", title="Samples", rows=((Tile(pixels=np.eye(8, dtype=np.uint8) * 255),),))
    base = {
        "check": "discriminator_size",
        "question": "Does a wider discriminator see more?",
        "verdict": "measured",
        "answer": "It does.",
        "figures": (figure,),
        "tables": (table,),
        "galleries": (gallery,),
        "notes": ("Three seeds.",),
        "params": {"seeds": 3},
    }
    return CheckResult(**(base | fields))


def test_a_study_is_one_page_with_its_figures_beside_it(tmp_path):
    path = write_study_report(study(), tmp_path / "new")
    html = path.read_text(encoding="utf-8")
    assert path == tmp_path / "new" / "report.html"
    assert re.search(r"<h1[^>]*>Does a wider discriminator see more\?</h1>", html)
    for text in ("It does.", "Support against width", "Samples", "Three seeds.", "Seeds", 'src="data:image/png'):
        assert text in html
    for kind in ("svg", "pdf", "csv"):
        name = f"figures/discriminator_size-width.{kind}"
        assert f"<code>{name}</code>" in html
        assert (path.parent / name).stat().st_size > 0
    text = (path.parent / "figures" / "discriminator_size-width.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(float(r["x"]), float(r["y"])) for r in rows] == [(16.0, 100.0), (32.0, 0.1 + 0.2)]


def test_headings_are_in_order_and_there_is_one_title(tmp_path):
    html = write_study_report(study(), tmp_path).read_text(encoding="utf-8")
    levels = [int(level) for level in re.findall(r"<h(\d)", html)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_a_study_of_nothing_but_words_is_a_page_too(tmp_path):
    bare = CheckResult(check="s", question="<script>alert(1)</script>", verdict="measured", answer="No.")
    html = write_study_report(bare, tmp_path).read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in html
    assert not (tmp_path / "figures").exists()


def test_a_picture_outside_the_folder_is_refused(tmp_path):
    outside = Gallery(name="g", title="G", rows=((Tile(path="../x.png"),),))
    with pytest.raises(ResultError, match="outside the run folder"):
        write_study_report(study(galleries=(outside,)), tmp_path)
