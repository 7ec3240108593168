import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from didlearn.errors import ResultError
from didlearn.report import render, render_comparison, write_report, write_study_report
from didlearn.report.page import VERDICTS, numeric, script, script_hash, write
from didlearn.report.summary import sentence
from didlearn.report.thrift import LADDER, LIMIT
from didlearn.result.answer import Answer
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate, Figure, Gallery, Series, Settles, Table, Tile

ROWS = LADDER[0].rows
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """The elements, attributes and text of a page; insists that tags are balanced."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts = [], []
        self.open: list[object] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return re.sub(r"[ \n]+", " ", " ".join(self.texts))


def check(**fields):
    return CheckResult(**({"check": "custom", "verdict": "measured", "question": "Q?", "answer": "A."} | fields))


def page(*checks, **fields):
    return Page(render(AuditResult(checks=checks, **fields), Path()))


def test_the_same_result_makes_the_same_bytes(collapsed, tmp_path):
    assert render(collapsed, tmp_path) == render(collapsed, tmp_path)


def test_a_written_report_is_that_of_the_loaded_result(memorised, tmp_path):
    memorised.save(tmp_path)
    path = write_report(tmp_path)
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8") == render(AuditResult.load(tmp_path), tmp_path, linked=True)
    assert path.stat().st_mode & 0o777 == 0o644
    assert not list(tmp_path.glob(".*"))


def test_a_failed_report_leaves_the_old_one(memorised, tmp_path):
    memorised.save(tmp_path)
    (tmp_path / "report.html").write_text("old")
    text = (tmp_path / "audit.json").read_text()
    (tmp_path / "audit.json").write_text(text.replace("images/", "../images/"))
    with pytest.raises(ResultError, match="outside the run folder"):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_text() == "old"


def test_a_folder_without_a_result_is_refused(tmp_path):
    with pytest.raises(ResultError, match=r"holds no audit\.json"):
        write_report(tmp_path)


@pytest.mark.parametrize("name", ["sound", "collapsed", "memorised", "hostile"])
def test_a_page_needs_nothing_outside_itself_and_runs_only_its_own(name, request, tmp_path):
    html = render(request.getfixturevalue(name), tmp_path)
    parsed = Page(html)
    tags = {tag for tag, _ in parsed.elements}
    assert parsed.all("script") == [{}, {}]
    assert re.findall("<script>(.*?)</script>", html, re.DOTALL) == [script("copy.js"), script("print.js")]
    assert not tags & {"iframe", "object", "embed", "form", "base", "audio", "video", "foreignobject"}
    for tag, attributes in parsed.elements:
        for key, value in attributes.items():
            assert not key.startswith("on"), (tag, key)
            if key in ("src", "href", "xlink:href", "action", "srcset", "data"):
                assert value.startswith(("data:", "#")), (tag, key, value)
    bare = re.sub(r"base64,[^\"]*|'sha256-[^']*'", "", html)
    assert not re.search(r"https?:|//|@import|url\((?!#)", bare)
    (policy,) = [m["content"] for m in parsed.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    allowed = re.search("script-src ([^;]*);", policy)[1]
    assert allowed == f"'{script_hash('copy.js')}' '{script_hash('print.js')}'"


def test_what_a_stranger_wrote_comes_out_as_text(hostile, tmp_path):
    parsed = page_of(hostile, tmp_path)
    assert "<img src=x onerror=alert(1)>" in parsed.text
    assert "{{ 7*7 }}" in parsed.text
    assert all(image["src"].startswith("data:image/") for image in parsed.all("img"))
    assert "<img src=x onerror=alert(1)>" in next(d for d in parsed.texts if "learn its distribution" in d)


def page_of(result, root):
    return Page(render(result, root))


def test_a_check_named_like_a_path_reads_no_file():
    assert "How to read it" not in page(check(check="../texts/support")).text
    assert "How to read it" not in page(check(check="support.how.html/..")).text


def test_ids_are_unique_and_every_reference_finds_one(collapsed, tmp_path):
    parsed = page_of(collapsed, tmp_path)
    ids = [a["id"] for _, a in parsed.elements if "id" in a]
    assert len(ids) == len(set(ids))
    used = [a[k][1:] for _, a in parsed.elements for k in ("href", "xlink:href") if a.get(k, "").startswith("#")]
    used += [a["aria-labelledby"] for _, a in parsed.elements if "aria-labelledby" in a]
    assert set(used) <= set(ids)


def test_every_picture_and_figure_has_an_alternative(collapsed, tmp_path):
    parsed = page_of(collapsed, tmp_path)
    assert all(image["alt"] for image in parsed.all("img"))
    drawings = [a for tag, a in parsed.elements if a.get("role") == "img"]
    assert len(drawings) >= sum(len(c.figures) for c in collapsed.checks)
    assert all(a["aria-label"] for a in drawings)
    assert all(a.get("aria-hidden") == "true" for a in parsed.all("svg"))


def test_landmarks_headings_and_language_are_there(sound, tmp_path):
    parsed = page_of(sound, tmp_path)
    tags = [tag for tag, _ in parsed.elements]
    assert [tags.count(t) for t in ("main", "header", "footer", "h1")] == [1, 1, 1, 1]
    assert parsed.all("html") == [{"lang": "en"}]
    levels = [int(t[1]) for t in tags if re.fullmatch(r"h[1-6]", t)]
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_answers_come_first_each_with_its_verdict_in_words(collapsed, tmp_path):
    text = page_of(collapsed, tmp_path).text
    answers = text[text.index("In a minute") : text.index("The numbers")]
    for c in collapsed.checks:
        assert c.question in answers
        assert sentence(c) in answers
        assert VERDICTS[c.verdict] in answers


def test_every_verdict_has_a_shape_of_its_own():
    shapes = set()
    for verdict in VERDICTS:
        html = render(AuditResult(checks=(check(verdict=verdict),)), Path())
        shapes.add(re.search(r'class="badge \w+">(<svg.*?</svg>)', html)[1])
    assert len(shapes) == len(VERDICTS) == 6


def test_an_estimate_is_shown_whole():
    e = Estimate(value=461_352.3, low=0.25, high=None, level=0.9, n=12_345, method="all pairs", unit="images")
    text = page(check(estimates={"effective_support": e})).text
    for part in (
        "Effective support",
        "461\u202f352",
        "0.250 or more",
        "90\u202f%",
        "12\u202f345",
        "all pairs",
        "Images",
    ):
        assert part in text


def test_an_open_bound_is_never_infinity_or_none(sound, tmp_path):
    text = page_of(sound, tmp_path).text
    assert "at least 17\u202f316" in text
    assert not re.search(r"\b(nan|NaN|inf|None|[Ii]nfinity)\b", text)


def test_settings_that_are_not_numbers_do_not_reach_the_page():
    text = page(check(params={"a": float("nan"), "b": [float("inf")], "c": None, "d": {"e": True}})).text
    assert not re.search(r"\b(nan|inf|None|True)\b", text, re.IGNORECASE)


def test_notes_provenance_and_command_are_there(sound, tmp_path):
    text = page_of(sound, tmp_path).text
    assert "The held-out set was split off by seed 0" in text
    assert "9f2c1ab7" * 8 in text
    assert "didlearn audit --train digits --generator models/vae-sound -o run" in text
    assert "2025-11-03 14:07 UTC" in text
    assert "Clusters were not all cliques" in text


def test_the_papers_checks_are_explained_and_corrected(sound, tmp_path):
    text = page_of(sound, tmp_path).text
    assert text.count("How to read it") == text.count("The paper") == len(sound.checks)
    assert "461\u202f352, not 640\u202f000" in text
    assert "Meehan" in text


def test_a_table_is_shown_to_its_end_or_says_where_the_rest_is():
    rows = tuple((i, 0.123456, None, f"n{i}") for i in range(ROWS + 50))
    table = Table(name="t", title="T", columns=("a", "b", "c", "d"), rows=rows, csv="t.csv")
    text = page(check(tables=(table,))).text
    assert f"n{ROWS - 1}" in text
    assert f"n{ROWS} " not in text
    assert f"The first {ROWS} of {ROWS + 50} rows; all are in t.csv" in text
    assert "0.123 " in text
    assert "0.1234" not in text


def test_a_column_of_numbers_is_one_whatever_its_first_cell():
    rows = ((None, "x", 1, None), (0.5, None, "y", None))
    table = Table(name="t", title="T", columns=("a", "b", "c", "d"), rows=rows)
    assert numeric(table) == [True, False, False, False]


def test_a_table_much_wider_than_long_stands_upright():
    columns = ("group", *(f"q{i}" for i in range(11)))
    table = Table(name="t", title="T", columns=columns, rows=(("train", *range(11)), ("held-out", *range(11, 22))))
    html = render(AuditResult(checks=(check(tables=(table,)),)), Path())
    heads = re.findall(r'<th scope="col">([^<]*)</th>', html[html.index("The tables") :])
    assert heads == ["group", "train", "held-out"]
    assert '<th scope="row">q3</th><td class="figure">3</td><td class="figure">14</td>' in html


def test_empty_things_make_a_page_too():
    empty = check(
        question="",
        answer="",
        figures=(Figure(name="f", title="F", x_label="", y_label="", series=()),),
        tables=(Table(name="t", title="T", columns=("a",), rows=()),),
        galleries=(Gallery(name="g", title="G", rows=()), Gallery(name="h", title="H", columns=("A",), rows=((),))),
    )
    assert "Custom" in page(empty).text
    assert "a generator" in page(subject={"model": None}).text


def test_names_that_are_no_text_can_be_written(tmp_path):
    odd = "caf\udce9 \x00 汉 😀 \u202eevil"
    result = AuditResult.model_construct(checks=(check(answer=odd),), subject={"model": odd}, format=1)
    result = result.model_copy(update={"environment": {}, "notes": (odd,)})
    path = write(tmp_path / "r.html", render(result, tmp_path))
    assert "caf?" in path.read_text(encoding="utf-8")


def test_the_largest_page_at_defaults_stays_under_five_megabytes():
    rng = np.random.default_rng(0)
    x = tuple(np.linspace(0, 1, 10_000))
    series = tuple(
        Series(label=r, x=x, y=tuple(rng.random(10_000)), role=r) for r in ("generated", "heldout", "train", "outside")
    )
    figures = tuple(Figure(name=str(i), title="F", x_label="x", y_label="y", series=series) for i in range(2))
    noise = rng.integers(0, 256, (1000, 128, 128, 3), dtype=np.uint8)
    rows = tuple(tuple(Tile(pixels=p) for p in noise[i : i + 4]) for i in range(0, 1000, 4))
    sheet = (tuple(Tile(pixels=p) for p in noise[:500]),)
    galleries = (
        Gallery(name="g", title="G", columns=("a", "b", "c", "d"), rows=rows),
        Gallery(name="s", title="S", rows=sheet),
    )
    table = Table(name="t", title="T", columns=("a",) * 9, rows=((0.123,) * 9,) * 5000)
    result = AuditResult(
        checks=tuple(check(check=n, figures=figures, galleries=galleries, tables=(table,)) for n in "ab")
    )
    assert len(render(result, Path()).encode()) < LIMIT


def test_no_link_dies_when_the_page_is_mailed_alone(sound, three, tmp_path):
    study = write_study_report(sound.checks[0], tmp_path / "study").read_text(encoding="utf-8")
    compared = render_comparison(three, dict.fromkeys(three, tmp_path))
    for html in (render(sound, tmp_path, linked=True), study, compared):
        links = [a["href"] for a in Page(html).all("a")]
        assert links
        assert all(link.startswith(("#", "https:", "mailto:")) for link in links)
    assert "figures/support-threshold.svg" in Page(render(sound, tmp_path, linked=True)).text


def test_a_section_is_folded_to_its_answer_and_its_main_figure(collapsed, tmp_path):
    html = render(collapsed, tmp_path)
    section = html[html.index('id="check-1"') : html.index('id="check-2"')]
    shown, behind = section.split('<details class="behind">')
    assert collapsed.checks[0].answer in shown
    assert shown.count("<figure") == 1
    assert collapsed.checks[0].figures[0].title in shown
    assert "The numbers" in behind
    assert "7 numbers, 2 more figures, 3 galleries, 1 table, 1 note, 4 parameters" in behind


def test_reasons_that_the_sentence_says_are_not_said_again_and_many_are_folded():
    reasons = ("it is blurred", *(f"it lacks class {i}" for i in range(7)))
    answer = Answer(verdict="no", sentence="No: it is blurred, and it lacks class 0.", reasons=reasons)
    html = render(AuditResult(checks=(), answer=answer), Path())
    shown, folded = html[html.index('id="answers"') :].split('<details class="further"><summary>1 more reason<')
    assert re.findall(r"<li>(.*?)</li>", shown) == [f"It lacks class {i}." for i in range(1, 6)]
    assert re.findall(r"<li>(.*?)</li>", folded)[0] == "It lacks class 6."


def test_what_settles_it_is_said_once_and_flags_are_not_broken():
    more = Settles(clause="9 images would settle it", of="images", number=9)
    answer = "L" + "o" * 150 + ". B."
    opened = check(verdict="inconclusive", answer=answer, reason="it is open; 9 images would settle it", settles=more)
    text = page(opened).text
    assert text[: text.index("Custom", text.index("To cite"))].count("It is open.") == 1
    html = render(AuditResult(checks=(check(answer="Give <one> with --outside-set NAME=SPEC"),)), Path())
    assert 'Give &lt;one&gt; with <span class="flag">--outside-set</span> NAME=SPEC.' in html


@pytest.mark.parametrize("taken", ["report.html", "figures"])
def test_a_run_folder_that_cannot_be_written_to_is_told(tmp_path, taken):
    figure = Figure(name="f", title="f", x_label="x", y_label="y", series=(Series(label="s", x=(0, 1), y=(1, 2)),))
    AuditResult(checks=(CheckResult(check="c", verdict="measured", figures=(figure,)),)).save(tmp_path)
    if taken == "figures":
        (tmp_path / taken).write_text("a file")
    else:
        (tmp_path / taken).mkdir()
    with pytest.raises(ResultError, match=r"cannot be written \(.*\); copy the run folder to where it can be"):
        write_report(tmp_path)
