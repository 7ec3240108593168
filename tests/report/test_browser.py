"""The pages in a real browser. Without one these tests are skipped, but fail where CI is set."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from didlearn.report import render_comparison
from didlearn.report.page import render, write

pytestmark = pytest.mark.browser
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES = ["sound", "collapsed", "memorised", "hostile", "compare", "compare-hostile", "many"]

CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = css => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
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
def files(three, hostile, tmp_path_factory):
    root = tmp_path_factory.mktemp("pages")
    for name, result in {**three, "hostile": hostile}.items():
        write(root / f"{name}.html", render(result, root))
    names = ("<img src=x onerror=alert(1)>" + "w" * 90, "b")
    many = {f"model {i}": three["sound"] for i in range(7)}
    groups = {"compare": three, "compare-hostile": dict.fromkeys(names, hostile), "many": many}
    for name, results in groups.items():
        write(root / f"{name}.html", render_comparison(results, dict.fromkeys(results, root)))
    return root


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is missing; install Chromium to run the browser tests")
        pytest.skip(f"{CHROMIUM} is missing")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, files):
    """Open a page; afterwards insist that it asked for nothing, said nothing and ran nothing."""
    contexts, requests, said = [], [], []

    def visit(name, width=1280, scheme="light", scripts=True):
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: requests.append(r.url))
        page.on("console", lambda m: said.append(m.text))
        page.on("pageerror", lambda e: said.append(str(e)))
        page.on("dialog", lambda d: (said.append(d.message), d.dismiss()))
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
@pytest.mark.parametrize("name", ["collapsed", "compare"])
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
