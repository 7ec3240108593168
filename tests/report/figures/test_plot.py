import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from didlearn.report.figures.axes import DOTS, POINTS, thin
from didlearn.report.figures.mark_labels import clip, place_labels
from didlearn.report.figures.palette import LOOKS, STAND_IN, looks
from didlearn.report.figures.plot import describe, draw
from didlearn.result.values import Figure, Mark, Series

HOSTILE = "</text><script>alert(1)</script> $\\frac{1}$ <img src=x onerror=alert(1)> url(#a) 汉"


def series(n=50, role="generated", style="line", band=False, label="s"):
    x = np.linspace(0.1, 5, n)
    y = np.sin(x) + 2
    return Series(
        label=label,
        x=tuple(x),
        y=tuple(y),
        low=tuple(y - 0.1) if band else None,
        high=tuple(y + 0.1) if band else None,
        style=style,
        role=role,
    )


def figure(*all_series, **fields):
    names = {"name": "f", "title": "T", "x_label": "x", "y_label": "y"}
    return Figure(series=all_series, **(names | fields))


def one(*args, **fields):
    return draw([figure(*args, **fields)], "k")[0]


def test_the_same_figure_is_drawn_with_the_same_bytes():
    figures = [figure(series(band=True), series(style="points", role="train"), marks=(Mark(label="m", x=1.0),))]
    assert [p.svg for p in draw(figures, "k")] == [p.svg for p in draw(figures, "k")]


def test_a_users_matplotlib_settings_do_not_change_the_page():
    expected = one(series()).svg
    with mpl.rc_context({"lines.linewidth": 9, "svg.fonttype": "path", "axes.facecolor": "red"}):
        assert one(series()).svg == expected


def test_every_role_has_its_colour_as_a_variable_and_no_other_colour_is_left():
    for role in LOOKS:
        svg = one(series(role=role, band=True)).svg
        assert f"stroke: var(--{role})" in svg
        assert f"fill: var(--{role})" in svg
        others = set(re.findall(r"var\(--(\w+)\)", svg)) - {role, "axis", "grid", "muted", "ink"}
        assert not others
        assert not re.search(r"#[0-9a-f]{6}", svg)
    assert len(set(STAND_IN.values())) == len(STAND_IN)


def test_roles_differ_by_dash_and_marker_too():
    assert len({look.dash for look in LOOKS.values()}) == len(LOOKS)
    assert len({look.marker for look in LOOKS.values()}) == len(LOOKS)


def test_a_second_series_of_a_role_differs_in_its_dash_but_not_its_colour():
    first, other, second, third = looks(["outside", "train", "outside", "outside"])
    assert first.colour == second.colour == third.colour != other.colour
    assert len({first.dash, second.dash, third.dash}) == 3


def test_words_are_inert_and_complete():
    marks = (Mark(label=HOSTILE[:30], x=2.0), Mark(label=HOSTILE[-30:], y=2.0))
    plot = one(series(label=HOSTILE), marks=marks, title=HOSTILE, x_label=HOSTILE, y_label=HOSTILE)
    tree = ElementTree.fromstring(plot.svg)
    allowed = {"svg", "g", "path", "use", "defs", "text", "clipPath", "rect"}
    assert {e.tag for e in tree.iter()} <= allowed
    assert not any(name.startswith("on") for e in tree.iter() for name in e.attrib)
    texts = [e.text for e in tree.iter("text")]
    assert HOSTILE[:30] in texts
    assert HOSTILE[-30:] in texts


def test_a_label_that_looks_like_a_stand_in_stays_itself():
    marks = (Mark(label="@1@", x=1.0), Mark(label="second", x=4.0))
    texts = [e.text for e in ElementTree.fromstring(one(series(), marks=marks).svg).iter("text")]
    assert sorted(t for t in texts if not t[0].isdigit()) == ["@1@", "second"]


def test_ids_of_two_drawings_never_meet_and_every_reference_is_answered():
    plots = draw([figure(series(style="points")), figure(series(style="points"))], "k")
    ids = [set(re.findall(r' id="([^"]+)"', p.svg)) for p in plots]
    assert ids[0]
    assert not ids[0] & ids[1]
    for plot, own in zip(plots, ids, strict=True):
        used = re.findall(r'href="#([^"]+)"', plot.svg) + re.findall(r"url\(#([^)]+)\)", plot.svg)
        assert set(used) <= own


def test_nothing_points_outside_and_text_stays_text():
    svg = one(series(), marks=(Mark(label="here", x=1.0),)).svg
    assert "http" not in svg
    assert "font-family" not in svg
    assert "<style" not in svg
    assert ">here</text>" in svg


def test_long_series_are_thinned_but_keep_their_ends_and_extremes():
    n = 50_000
    y = np.zeros(n)
    y[31_337], y[17] = 9.0, -4.0
    long = Series(label="s", x=tuple(range(n)), y=tuple(y), low=tuple(y), high=tuple(y))
    short = thin(long)
    assert len(short.x) == len(short.low) <= POINTS
    assert (short.x[0], short.x[-1]) == (0, n - 1)
    assert (max(short.y), min(short.y)) == (9.0, -4.0)
    assert list(short.x) == sorted(short.x)
    assert short.high == short.y
    assert len(thin(long.model_copy(update={"style": "points"})).x) <= DOTS
    assert thin(series(100)) == series(100)


def test_a_drawing_is_small():
    many = [series(20_000, role=r, band=True) for r in ("generated", "heldout", "train")]
    assert len(one(*many).svg) < 60_000


def test_a_logarithmic_axis_leaves_out_what_it_cannot_show():
    zero = Series(label="s", x=(0.0, 1.0, 10.0), y=(0.0, 0.0, 0.1), low=(0.0, 0.0, 0.0), high=(1.0, 1.0, 1.0))
    assert "NaN" not in one(zero, x_log=True, y_log=True, marks=(Mark(label="m", x=0.0, y=-1.0),)).svg
    nothing = Series(label="s", x=(0.0, 1.0), y=(0.0, 0.0))
    assert "<path" in one(nothing, y_log=True).svg
    assert "<path" in one(x_log=True).svg


@pytest.mark.parametrize("style", ["line", "step", "points"])
def test_a_band_may_have_one_side_only(style):
    s = series(5, style=style).model_copy(update={"high": (3.0,) * 5})
    assert "var(--generated)" in one(s).svg


def test_labels_that_would_meet_stand_in_different_rows():
    near = figure(series(), marks=(Mark(label="threshold", x=2.0), Mark(label="closest real pair", x=2.1)))
    far = figure(series(), marks=(Mark(label="low", x=0.5), Mark(label="high", x=4.5)))
    assert sorted(p.row for p in place_labels(near, 340).values()) == [0, 1]
    assert [p.row for p in place_labels(far, 340).values()] == [0, 0]


def test_labels_lean_inwards_at_the_edges():
    edges = figure(series(), marks=(Mark(label="a long label", x=0.1), Mark(label="a long label", x=5.0)))
    assert [p.align for p in place_labels(edges, 340).values()] == ["left", "right"]


def test_too_many_labels_are_left_to_the_legend():
    assert place_labels(figure(series(), marks=tuple(Mark(label="m", x=float(i)) for i in range(7))), 340) == {}
    assert len(clip("x" * 99)) <= 34


def test_figures_of_one_check_are_equally_tall():
    marks = (Mark(label="threshold", x=2.0), Mark(label="closest real pair", x=2.1))
    with_marks, without = draw([figure(series(), marks=marks), figure(series())], "k")
    box = re.compile(r'viewBox="([^"]+)"')
    assert box.search(with_marks.svg)[1] == box.search(without.svg)[1]


def test_the_sentence_for_those_who_cannot_see_names_every_series_and_mark():
    text = describe(figure(series(label="generated"), marks=(Mark(label="threshold", x=0.62),)))
    assert "generated goes from (0.1, 2.1) to (5, 1.04)" in text
    assert "threshold at 0.62" in text
    assert describe(figure()).endswith("no points.")
