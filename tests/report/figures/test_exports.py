import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import didlearn.report
from didlearn.report import write_report
from didlearn.report.figures.exports import stems, table_of, write_figures
from didlearn.report.figures.palette import LIGHT
from didlearn.result.values import CheckResult, Figure, Mark, Series

HOSTILE = "=cmd|' /C calc'!A0,\"</text><script>$\\frac{1}$\x00\udce9汉"


def figure(name="f", **fields):
    series = Series(label='s, "quoted"', x=(0.1, 1e-300, 3.0), y=(0.1 + 0.2, -1.0, 2e9), role="train")
    return Figure(**({"name": name, "title": "T", "x_label": "x", "y_label": "y", "series": (series,)} | fields))


def check(*figures, name="c"):
    return CheckResult(check=name, verdict="measured", figures=figures)


def read(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def run(collapsed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    collapsed.save(folder)
    write_report(folder)
    return folder


def test_every_figure_has_its_three_files_and_the_page_names_them(run):
    html = (run / "report.html").read_text(encoding="utf-8")
    audit = json.loads((run / "audit.json").read_text(encoding="utf-8"))
    named = set(re.findall(r"<code>(figures/[^<]+)<", html))
    assert named == {f"figures/{p.name}" for p in (run / "figures").iterdir()}
    names = [f"figures/{c['check']}-{f['name']}" for c in audit["checks"] for f in c["figures"]]
    assert named == {f"{name}.{kind}" for name in names for kind in ("svg", "pdf", "csv")}


def test_the_numbers_in_the_files_are_those_of_the_audit(run):
    audit = json.loads((run / "audit.json").read_text(encoding="utf-8"))
    seen = 0
    for c in audit["checks"]:
        for f in c["figures"]:
            rows = read(run / "figures" / f"{c['check']}-{f['name']}.csv")
            for s in f["series"]:
                mine = [r for r in rows if (r["kind"], r["label"]) == ("series", s["label"])]
                assert [float(r["x"]) for r in mine] == s["x"]
                assert [float(r["y"]) for r in mine] == s["y"]
                assert [float(r["low"]) for r in mine if r["low"]] == (s["low"] or [])
                assert [float(r["high"]) for r in mine if r["high"]] == (s["high"] or [])
                seen += len(mine)
            marks = [(r["label"], r["x"], r["y"]) for r in rows if r["kind"] == "mark"]
            told = [(m["label"], *("" if m[k] is None else str(m[k]) for k in "xy")) for m in f["marks"]]
            assert marks == told
    assert seen > 1000


def test_drawings_are_whole_and_hold_their_words(run):
    path = run / "figures" / "support-threshold.svg"
    text = " ".join("".join(e.itertext()) for e in ElementTree.parse(path).iter() if e.tag.endswith("}text"))
    for words in ("Share of pairs closer than a threshold", "distance threshold", "share of pairs", "held-out real"):
        assert words in text
    assert LIGHT["generated"] in path.read_text(encoding="utf-8")
    data = (run / "figures" / "support-threshold.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")


def test_the_same_figure_makes_the_same_bytes(tmp_path):
    first, second = (write_figures([check(figure())], tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert [p.suffix for p in first] == [".svg", ".pdf", ".csv"]


def test_names_lead_nowhere_else_and_never_meet(tmp_path):
    checks = [check(figure("../../x"), figure("a/b"), figure("a_b"), figure("A_B"), name="../c"), check(figure("a b"))]
    names = [stem for each in stems(checks) for stem in each]
    assert len({n.lower() for n in names}) == 5
    assert all(re.fullmatch(r"[\w-]+", n) for n in names)
    assert {p.parent for p in write_figures(checks, tmp_path)} == {tmp_path / "figures"}
    assert len(list(tmp_path.rglob("*.csv"))) == 5


def test_a_hostile_label_is_text_in_every_file(tmp_path):
    mark = Mark(label=HOSTILE, x=1.0)
    odd = figure(title=HOSTILE, x_label=HOSTILE, y_label=HOSTILE, marks=(mark,))
    odd = odd.model_copy(update={"series": (odd.series[0].model_copy(update={"label": HOSTILE}),)})
    svg, pdf, table = write_figures([check(odd)], tmp_path)
    tags = {e.tag.rpartition("}")[2] for e in ElementTree.parse(svg).iter()}
    assert "script" not in tags
    assert pdf.stat().st_size > 1000
    (row,) = {r["label"] for r in read(table)}
    assert row.startswith("'=cmd|' /C calc'!A0,\"</text><script>$\\frac{1}$")
    assert "\x00" not in row


def test_a_quoted_label_and_every_digit_come_back():
    rows = list(csv.DictReader(table_of(figure()).splitlines()))
    assert {r["label"] for r in rows} == {'s, "quoted"'}
    assert [float(r["y"]) for r in rows] == [0.1 + 0.2, -1.0, 2e9]
    assert float(rows[1]["x"]) == 1e-300


def test_a_figure_without_points_has_a_header(tmp_path):
    *_, table = write_figures([check(figure(series=(), x_log=True))], tmp_path)
    assert table.read_text(encoding="utf-8").strip() == "kind,label,x,y,low,high"


def test_colours_of_files_are_those_of_the_page_by_day():
    sheet = (Path(didlearn.report.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    day = dict(re.findall(r"--([\w-]+): (#\w{6})", sheet[: sheet.index("@media")]))
    assert {name: day[name] for name in LIGHT} == LIGHT
