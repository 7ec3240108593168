import re
from pathlib import Path

import pytest

from didlearn.errors import ResultError, UsageError
from didlearn.report.comparison import best_of, render_comparison, write_comparison
from didlearn.report.estimates import across, panels
from didlearn.report.thrift import LIMIT
from didlearn.result.answer import Answer
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate


def estimate(value, low, high, unit="images"):
    return Estimate(value=value, low=low, high=high, n=10, method="m", unit=unit)


def compare(results, root=None):
    return render_comparison(results, dict.fromkeys(results, root or Path()))


def test_quantities_of_all_models_share_one_axis(three):
    quantity = next(q for q in across(list(three.values()), "support") if q.name == "Effective support")
    sound, collapsed, memorised = quantity.cells
    assert quantity.log
    assert collapsed.bar.dot < memorised.bar.dot < sound.bar.left
    assert sound.bar.open_high


def test_a_quantity_that_one_model_lacks_is_left_empty():
    with_it = AuditResult(checks=(CheckResult(check="c", verdict="pass", estimates={"a": estimate(1, 0, 2)}),))
    without = AuditResult(checks=())
    (quantity,) = across([without, with_it], "c")
    assert quantity.cells[0] is None
    assert quantity.cells[1].said.value == "1"


def test_estimates_of_one_unit_share_an_axis_and_pure_numbers_do_not():
    found = panels(
        {"a": estimate(1, 0, 2), "z": estimate(5, 4, 6, ""), "b": estimate(10, 9, 11), "y": estimate(7, 6, 8, "")}
    )
    assert [[row.name for row in g.rows] for g in found] == [["A", "B"], ["Z"], ["Y"]]
    a, b = found[0].rows
    assert b.bar.dot == pytest.approx(10 * a.bar.dot, abs=0.1)


def test_fractions_too_small_for_percentages_have_an_axis_of_their_own():
    found = panels({"a": estimate(0.9, 0.8, 1, "fraction"), "b": estimate(1e-7, 0, 1e-6, "fraction")})
    assert [[tick.label for tick in g.ticks][-1] for g in found] == ["100%", "10⁻⁶"]


def test_held_out_twins_have_the_held_out_colour():
    names = ("support", "support_heldout", "heldout_support", "closer_than_heldout")
    (panel,) = panels({name: estimate(1, 0, 2) for name in names})
    assert [row.role for row in panel.rows] == ["generated", "heldout", "heldout", "generated"]
    apart = panels({"z": estimate(1, 0, 2, ""), "z_heldout": estimate(1, 0, 2, "")})
    assert [g.rows[0].role for g in apart] == ["generated", "heldout"]


def test_the_page_tells_the_three_apart_before_anything_else(three):
    html = compare(three)
    answers = html[html.index('id="verdicts-title"') : html.index("The pictures that say most")]
    verdicts = re.findall(r'class="badge (\w+)"', answers)
    assert verdicts == ["pass", "fail", "fail", "pass", "inconclusive", "fail", "not_run", "not_run", "not_run"]
    for result in three.values():
        for check in result.checks:
            assert check.answer in answers


def test_the_glance_has_a_row_per_model_and_a_key_per_cell(three):
    html = compare(three)
    glance = html[html.index('id="answers"') : html.index('id="verdicts-title"')]
    tables = re.findall(r"<table.*?</table>", glance, re.DOTALL)
    keys = [
        [re.findall(r'data-key="([^"]*)"', row) for row in re.findall(r"<tr data-model.*?</tr>", t)] for t in tables
    ]
    assert keys[0] == [["sound", "0", "0", "5"], ["collapsed", "3", "2", "5"], ["memorised", "3", "3", "5"]]
    assert keys[1] == [["sound", "17316.0", "0.41"], ["collapsed", "41.7", "1.9"], ["memorised", "487.0", "-31.2"]]
    assert "at least 17\u202f316" in tables[1]
    assert "<button" not in html


def test_what_one_model_lacks_has_an_empty_key():
    with_it = AuditResult(checks=(CheckResult(check="c", verdict="pass", estimates={"a": estimate(1, 0, 2)}),))
    html = compare({"a": AuditResult(checks=()), "b": with_it})
    assert re.findall(r'<td data-key="([^"]*)">', html) == ["", "0", "", "1.0"]


def test_a_comparison_of_very_many_models_stays_small(three):
    html = compare({f"m{i}": list(three.values())[i % 3] for i in range(150)})
    assert len(html.encode()) <= LIMIT


def test_the_strip_shows_copies_of_the_copier_and_duplicates_of_the_others(three):
    html = compare(three)
    strips = html[html.index("The pictures that say most") :]
    titles = re.findall(r"<h4>(The [^<]*)</h4>\s*<small>(\w+)</small>", strips)
    assert [check for _, check in titles] == ["Support", "Support", "Memorization"]
    assert len(re.findall("<img ", strips)) == 3 * (4 + 4 + 2)


def test_the_page_is_reproducible_and_self_contained(three):
    html = compare(three)
    assert html == compare(three)
    assert len(html) < 1_000_000
    assert not re.search(r"https?:|\son\w+=", html)


def test_hostile_names_are_inert(hostile):
    html = compare({"<img src=x onerror=alert(1)>": hostile})
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_runs_are_compared_from_their_folders(three, tmp_path):
    for name, result in three.items():
        result.save(tmp_path / name)
    path = write_comparison([tmp_path / name for name in three], tmp_path / "new" / "compare.html")
    assert path == tmp_path / "new" / "compare.html"
    text = path.read_text()
    assert [text.index(n) for n in ("vae-sound", "gan-collapsed", "glo-memorised")] == sorted(
        text.index(n) for n in ("vae-sound", "gan-collapsed", "glo-memorised")
    )


def test_models_of_one_name_are_told_apart(sound, tmp_path):
    for folder in ("a/run", "b/run", "c/other"):
        sound.save(tmp_path / folder)
    folders = [tmp_path / f for f in ("a/run", "b/run", "c/other")]
    text = write_comparison(folders, tmp_path / "compare.html").read_text()
    for name in ("vae-sound (run) #1", "vae-sound (run) #2", "vae-sound (other)"):
        assert f">{name}<" in text


def test_nothing_to_compare_and_no_result_are_refused(tmp_path):
    with pytest.raises(UsageError, match="nothing to compare"):
        write_comparison([], tmp_path / "compare.html")
    with pytest.raises(ResultError, match="holds no"):
        write_comparison([tmp_path], tmp_path / "compare.html")


def answered(verdict):
    answer = Answer(verdict=verdict, sentence=f"Said {verdict}.", reasons=())
    return AuditResult(checks=(), answer=answer)


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (("no", "yes", "open"), "Shown to have learned it: b."),
        (("yes", "yes"), "All are shown to have learned it."),
        (("no", "open"), "None is shown to have learned it; nothing is shown against b."),
        (("no", "no"), "None learned it, and none is shown to be better than the others."),
    ],
)
def test_the_best_is_said(verdicts, words):
    results = {name: answered(verdict) for name, verdict in zip("abc", verdicts, strict=False)}
    assert best_of(results) == words


def test_models_are_ranked_by_their_answer(tmp_path):
    results = {name: answered(verdict) for name, verdict in (("bad", "no"), ("good", "yes"), ("unknown", "open"))}
    page = render_comparison(results, dict.fromkeys(results, tmp_path))
    places = [page.index(f"<strong>{name}</strong>: Said") for name in ("good", "unknown", "bad")]
    assert places == sorted(places)
