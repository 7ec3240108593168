import re
from pathlib import Path

import pytest

from didlearn.errors import ResultError, UsageError
from didlearn.report.comparison.page import compared_in_words, render_comparison, write_comparison
from didlearn.report.comparison.ranking import best_of
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


def test_twins_of_real_images_have_their_colours():
    names = ("support", "support_heldout", "support_real", "support_train", "closer_than_heldout", "error_train")
    (panel,) = panels({name: estimate(1, 0, 2) for name in names})
    assert [row.role for row in panel.rows] == ["generated", "heldout", "heldout", "train", "generated", "generated"]
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
    effective, copied = (17_316.0, 41.7, 487.0), (0.0012, 0.0008, 0.947)
    assert [(row[0], float(row[1]), float(row[3])) for row in keys[1]] == list(
        zip(three, effective, copied, strict=True)
    )
    assert "at least 17\u202f316" in tables[1]
    assert "more is better" in tables[1]
    assert tables[1].count("held-out images: at least 8\u202f730") == 3
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
    ("verdicts", "words", "best"),
    [
        (("no", "yes", "open"), "Shown to have learned it: b.", "b"),
        (("yes", "yes"), "All are shown to have learned it. None of them is shown better.", None),
        (("no", "open"), "None is shown to have learned it; nothing is shown against b.", None),
        (("no", "no"), "None learned it. None of them is shown better.", None),
        (("yes", "no", "yes"), "Shown to have learned it: a and c. None of these is shown better.", None),
        (("yes",), "All are shown to have learned it.", None),
        ((), "No answer was kept, so that nothing can be ranked.", None),
    ],
)
def test_the_best_is_said(verdicts, words, best):
    results = {name: answered(verdict) for name, verdict in zip("abc", verdicts, strict=False)}
    assert best_of(results) == (best, words)


def support(share, low, high, copied=0.0, verdict="no"):
    """An audit that found this share of the data's spread used, and this share of copies."""
    checks = (
        CheckResult(check="support", verdict="fail", estimates={"relative_support": estimate(share, low, high)}),
        CheckResult(
            check="memorization", verdict="pass", estimates={"copied_fraction": estimate(copied, copied, copied)}
        ),
        CheckResult(check="gaussianity", verdict="measured", estimates={"gram_edge": estimate(share, low, high)}),
    )
    return AuditResult(checks=checks, answer=Answer(verdict=verdict, sentence=f"Said {verdict}."))


def test_of_several_with_one_answer_that_one_is_best_which_is_shown_better_and_worse_in_nothing():
    results = {"a": support(0.1, 0.08, 0.12), "b": support(0.5, 0.4, 0.6), "c": support(0.3, 0.2, 0.45)}
    assert best_of(results).name is None  # b and c overlap
    results["c"] = support(0.3, 0.2, 0.39)
    name, said = best_of(results)
    assert name == "b"
    assert said == (
        "None learned it. b is shown better than the others (Share of the data's spread that it uses) and worse in "
        "nothing."
    )
    results["b"] = support(0.5, 0.4, 0.6, copied=0.01)
    assert best_of(results).name is None  # better in the one, worse in the other


def test_beyond_what_is_best_is_not_better():
    nearer, farther = support(1.1, 1.0, 1.2, verdict="yes"), support(3.0, 2.5, 3.5, verdict="yes")
    assert best_of({"a": farther, "b": nearer}).name == "b"


def test_what_is_best_is_marked_once_and_the_direction_and_the_null_are_beside_the_numbers(tmp_path):
    results = {"bad": support(0.1, 0.08, 0.12), "good": support(0.9, 0.8, 1.0, verdict="yes")}
    html = compare(results)
    assert html.count('class="best"') == 1
    assert re.search(r'<strong>good</strong> <span class="best">best</span>', html)
    assert html.index("<strong>good</strong>") < html.index("<strong>bad</strong>")
    assert "1 is best" in html
    assert "less is better" in html
    twin = {"copied_fraction": estimate(0.2, 0.1, 0.3), "copied_fraction_heldout": estimate(0.05, 0.04, 0.06)}
    audit = AuditResult(checks=(CheckResult(check="memorization", verdict="fail", estimates=twin),))
    assert "held-out images: 0.0500" in compare({"a": audit})


def test_the_command_says_the_best_first():
    results = {"bad": support(0.1, 0.08, 0.12), "good": support(0.9, 0.8, 1.0, verdict="yes")}
    said = "Shown to have learned it: good.\ngood (best): Said yes.\nbad: Said no."
    assert compared_in_words(results) == said


def test_models_are_ranked_by_their_answer(tmp_path):
    results = {name: answered(verdict) for name, verdict in (("bad", "no"), ("good", "yes"), ("unknown", "open"))}
    page = render_comparison(results, dict.fromkeys(results, tmp_path))
    places = [page.index(f"<strong>{name}</strong>") for name in ("good", "unknown", "bad")]
    assert places == sorted(places)
    heads = re.findall(r'<tr data-model="\d"><th scope="row" data-key="(\w+)">', page)
    assert heads == [] or heads[:3] == ["good", "unknown", "bad"]
