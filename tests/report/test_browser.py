"""The pages in a real browser. Without one these tests are skipped, but fail where CI is set."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from didlearn.checks import CHECKS
from didlearn.report import render_comparison, write_study_report
from didlearn.report.page import render, write
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Gallery, Table, Tile

pytestmark = pytest.mark.browser
PAGES = ["sound", "collapsed", "memorised", "hostile", "study", "compare", "compare-hostile", "many", "wide", "whole"]

CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const seen = new Map();  // reading a pixel back takes long, and colours are few
  const read = css => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const rgb = css => { if (!seen.has(css)) seen.set(css, read(css)); return seen.get(css); };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c[3] === 255) return c; } return rgb('white'); };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
    const style = getComputedStyle(e), svg = e instanceof SVGElement;
    const [a, b] = [light(rgb(svg ? style.fill : style.color)), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push([e.tagName, e.className.toString(), e.textContent.slice(0, 30), ratio]);
  }
  return bad;
}"""


@pytest.fixture(scope="session")
def files(three, hostile, whole, tmp_path_factory):
    root = tmp_path_factory.mktemp("pages")
    for name, result in {**three, "hostile": hostile, "whole": whole}.items():
        write(root / f"{name}.html", render(result, root, linked=True))
    write_study_report(three["sound"].checks[0], root).rename(root / "study.html")
    table = Table(name="t", title="T", columns=tuple(f"quantity {i}" for i in range(24)), rows=((0.123,) * 24,) * 12)
    picture = Tile(pixels=np.zeros((8, 8), np.uint8), caption="error 1.2e-07")
    gallery = Gallery(name="g", title="G", columns=("difference",) * 12, rows=((picture,) * 12,) * 3)
    wide = CheckResult(check="c", verdict="measured", tables=(table,), galleries=(gallery,))
    write(root / "wide.html", render(AuditResult(checks=(wide,)), root))
    names = ("<img src=x onerror=alert(1)>" + "w" * 90, "b")
    many = {f"model {i}": three["sound"] for i in range(7)}
    groups = {"compare": three, "compare-hostile": dict.fromkeys(names, hostile), "many": many}
    for name, results in groups.items():
        write(root / f"{name}.html", render_comparison(results, dict.fromkeys(results, root)))
    return root


@pytest.fixture
def visit(chromium, files):
    """Open a page; afterwards insist that it asked for nothing, said nothing and ran nothing."""
    contexts, requests, said = [], [], []

    def visit(name, width=1280, scheme="light", scripts=True):
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            java_script_enabled=scripts,
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: requests.append(r.url))
        page.on("console", lambda m: said.append(m.text))
        page.on("pageerror", lambda e: said.append(str(e)))
        page.on("dialog", lambda d: said.append(d.message))
        page.on("dialog", lambda d: d.dismiss())
        page.goto((files / f"{name}.html").as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [url for url in requests if not url.startswith(("data:", files.as_uri()))] == []
    assert len([url for url in requests if url.startswith("file:")]) == len(contexts)
    assert said == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(name, visit):
    page = visit(name)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for width in (1280, 800, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["hostile", "compare-hostile"])
def test_nothing_that_a_stranger_wrote_runs(name, visit):
    page = visit(name)
    assert page.locator("script:not(body > script), [onerror], [onload], img[src='x']").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator("h1, h3").all_inner_texts()[-1] + page.inner_text("body")


def test_the_page_works_without_scripts(visit):
    page = visit("collapsed", scripts=False)
    page.locator("summary", has_text="Everything behind it").first.click()
    how = page.locator("summary", has_text="How to read it").first
    text = page.get_by_text("How unequal the images").first
    assert not text.is_visible()
    how.click()
    assert text.is_visible()
    page.get_by_role("link", name="Are its images copies of the training set?").click()
    assert page.url.endswith("#check-2")


def test_the_page_works_from_the_keyboard(visit):
    page = visit("collapsed")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answers"
    assert page.get_by_role("link", name="Skip to the answers").is_visible()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["collapsed", "compare", "study"])
def test_every_text_stands_out_from_what_is_behind_it(name, scheme, visit):
    page = visit(name, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(CONTRAST) == []


def test_dark_and_light_differ_and_the_figures_with_them(visit):
    def colours(scheme):
        page = visit("sound", scheme=scheme)
        line = page.locator(".plot path[style*='--generated']").first
        paper = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
        return paper, line.evaluate("e => getComputedStyle(e).stroke")

    light, dark = colours("light"), colours("dark")
    assert light[0] != dark[0]
    assert light[1] != dark[1]


def test_pictures_are_shown_square_pixelled_and_of_one_size(visit):
    page = visit("collapsed")
    sizes = page.locator("#check-1 .pictures img").evaluate_all("es => es.map(e => [e.naturalWidth, e.offsetWidth])")
    assert {tuple(s) for s in sizes} == {(8, 96)}
    assert (
        page.locator("#check-1 .pictures img").first.evaluate("e => getComputedStyle(e).imageRendering") == "pixelated"
    )


def test_models_stand_side_by_side_and_on_a_phone_below_each_other(visit):
    places = "es => es.slice(0, 3).map(e => e.getBoundingClientRect().top)"
    wide = visit("compare").locator(".cell .badge").evaluate_all(places)
    narrow = visit("compare", 360).locator(".cell .badge").evaluate_all(places)
    assert wide[0] == wide[1] == wide[2]
    assert narrow[0] < narrow[1] < narrow[2]


def test_print_is_light_and_opens_what_is_folded(visit):
    page = visit("collapsed", scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    assert page.get_by_text("How unequal the images").first.bounding_box()["height"] > 0


def order(page):
    """The models as each part of the page lists them: both tables, the headings, every row of cells."""
    tables = page.locator("table.sortable").evaluate_all(
        "es => es.map(e => [...e.tBodies[0].rows].map(r => r.cells[0].textContent))"
    )
    cells = page.locator(".across").evaluate_all("es => es.map(e => [...e.children].map(c => c.dataset.model))")
    assert all(t == tables[0] for t in tables)
    assert all(c == cells[0] for c in cells)
    assert [["sound", "collapsed", "memorised"][int(i)] for i in cells[0]] == tables[0]
    return tables[0]


def test_models_are_sorted_from_the_keyboard(visit):
    page = visit("compare")
    assert order(page) == ["sound", "collapsed", "memorised"]
    button = page.get_by_role("button", name="Effective support", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    assert order(page) == ["collapsed", "memorised", "sound"]
    heading = page.locator("th[aria-sort]")
    assert heading.count() == 1
    assert heading.get_attribute("aria-sort") == "ascending"
    assert page.locator("#sorted").inner_text() == (
        "Models are sorted by Effective support, ascending, here and below."
    )
    page.keyboard.press("Space")
    assert order(page) == ["sound", "memorised", "collapsed"]
    assert heading.get_attribute("aria-sort") == "descending"
    assert page.evaluate("document.activeElement.textContent") == "Effective support"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert order(page) == ["collapsed", "memorised", "sound"]
    assert page.locator("th[aria-sort]").count() == 1


def test_models_are_sorted_by_verdict_and_by_any_quantity(visit):
    page = visit("compare")
    page.get_by_role("button", name="Memorization", exact=True).click()
    assert order(page) == ["sound", "collapsed", "memorised"]
    page.get_by_role("button", name="Memorization", exact=True).click()
    assert order(page) == ["memorised", "collapsed", "sound"]
    page.get_by_role("button", name="Sort models by Share of copies").click()
    assert order(page) == ["collapsed", "sound", "memorised"]
    assert page.locator("th[aria-sort]").count() == 0


def test_without_scripts_the_comparison_is_a_plain_table(visit):
    page = visit("compare", scripts=False)
    assert page.locator("button").count() == 0
    assert page.locator("table.sortable").first.locator("tbody tr").count() == 3
    assert page.locator("#sorted").inner_text() == ""


@pytest.mark.parametrize("name", ["methods-text", "bibtex"])
def test_methods_and_bibliography_are_copied_whole(name, visit):
    page = visit("collapsed")
    page.locator(f"#{name}-title").click()
    page.locator(f"button[data-copy={name}]").click()
    page.get_by_text("Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator(f"#{name}").text_content()
    assert ("effective support 41.7" if name == "methods-text" else "@inproceedings{arora2018,") in copied


def test_without_scripts_there_is_no_copy_button_but_text_to_select(visit):
    page = visit("collapsed", scripts=False)
    page.locator("#bibtex-title").click()
    assert page.locator("button:visible").count() == 0
    assert page.locator("#bibtex").is_visible()


@pytest.mark.parametrize("name", ["collapsed", "compare", "study"])
def test_headings_tables_and_pictures_are_fit_for_a_screen_reader(name, visit):
    page = visit(name)
    levels = page.locator("h1, h2, h3, h4").evaluate_all("es => es.map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("a:not([href])").count() == 0
    scrolled = "es => es.filter(e => e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0).length"
    assert page.locator(".scroll, pre").evaluate_all(scrolled) == 0


@pytest.mark.parametrize("name", ["collapsed", "compare", "wide"])
def test_nothing_is_cut_on_paper(name, visit):
    page = visit(name)
    page.set_viewport_size({"width": 700, "height": 990})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    cut = """es => es.filter(e => !['visible', 'clip'].includes(getComputedStyle(e).overflowY)
      && e.scrollHeight > e.clientHeight + 1).map(e => e.className)"""
    assert page.locator(".scroll, .paste, .plots, .gallery").evaluate_all(cut) == []
    kept = "es => es.every(e => getComputedStyle(e).breakInside === 'avoid')"
    assert page.locator(".plot, img, .legend").evaluate_all(kept)
    assert page.locator("button:visible:not(th button), .files:visible").count() == 0


def test_what_would_settle_an_open_verdict_is_in_the_summary_and_in_its_section(visit):
    page = visit("collapsed")
    assert page.locator("#answers .settle").count() == page.locator("#check-2 .settle").count() == 1
    assert "What would settle it" in page.locator("#answers .settle").inner_text()
    assert "A generator of more images would settle it." in page.locator("#answers .settle").inner_text()


def test_a_page_of_every_check_is_short_until_something_is_unfolded(visit):
    page = visit("whole")
    height = "document.documentElement.scrollHeight"
    assert page.evaluate(height) <= 12_000
    assert page.locator("details[open]").count() == 0
    assert page.locator(".check .plot:visible").count() == len(CHECKS)
    assert page.locator(".numbers:visible, .check .pictures:visible, .check .data:visible").count() == 0
    page.locator("summary", has_text="Everything behind it").nth(3).click()
    assert page.locator("#check-4 .numbers").is_visible()


@pytest.mark.parametrize("width", [1280, 380])
def test_the_contents_stay_in_sight_and_lead_to_every_section(width, visit):
    page = visit("whole", width)
    links = page.locator(".contents a")
    assert links.count() == len(CHECKS) + 3
    for at in (0, 6, len(CHECKS) + 2):
        links.nth(at).click()
        bar = page.locator(".contents").bounding_box()
        assert bar["y"] >= 0
        assert bar["y"] + bar["height"] <= 800
        target = page.locator(links.nth(at).get_attribute("href")).locator("h2").first.bounding_box()
        assert 0 <= target["y"] < 800
        if width == 380:
            assert bar["height"] <= 80
            assert target["y"] >= bar["y"] + bar["height"]


def test_the_contents_say_each_verdict_by_shape_and_in_words(visit):
    page = visit("whole")
    said = page.locator(".contents li").all_text_contents()[1 : len(CHECKS) + 1]
    assert all(": " in words for words in said)
    assert page.locator(".contents svg").count() == len(CHECKS)
