"""The documentation as a site: it builds without a warning, asks no other server for anything, and can be read."""

import functools
import os
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["index", "tutorial", "checks/support", "models", "models-zoo", "studies/index", "reference/zoo", "report"]
CONTRAST = """() => {
  const numbers = css => css.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const over = (top, below) => { const a = top[3] ?? 1;
    return top.slice(0, 3).map((v, i) => a * v + (1 - a) * below[i]); };
  const behind = e => { const all = []; for (; e; e = e.parentElement) {
    const c = numbers(getComputedStyle(e).backgroundColor); all.push(c); if ((c[3] ?? 1) === 1) break; }
    return all.reverse().reduce((below, top) => over(top, below), [255, 255, 255]); };
  const bad = [];
  for (const e of document.querySelectorAll('.md-tabs__link, .md-header__topic, article p, article h1, article h2,' +
      'article h3, article td, article li, article a, article .md-button, .md-nav__link, pre code span')) {
    if (!e.textContent.trim() || !e.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (e.matches('.headerlink') || e.closest('.headerlink')) continue;
    const below = behind(e), style = getComputedStyle(e);
    const ink = over([...numbers(style.color).slice(0, 3), (numbers(style.color)[3] ?? 1) * style.opacity], below);
    const [a, b] = [light(ink), light(below)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push([e.tagName, e.className, e.textContent.slice(0, 30), style.color, ratio.toFixed(2)]);
  }
  return bad;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        capture_output=True, text=True, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_no_page_names_another_server_for_what_it_loads(site):
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|link|iframe)[^>]+(?:src|href)="(https?:[^"]*)"', page.read_text("utf-8"))
        assert loaded == [], page.name


def test_arguments_have_a_line_each_in_the_reference(site):
    """A line of a docstring may explain several; one explanation may serve several."""
    text = re.sub(r"<[^>]+>", " ", (site / "reference" / "opening.html").read_text("utf-8"))
    assert not re.search(r"size,\s*channels,\s*skip_broken", text)
    text = re.sub(r"<[^>]+>", " ", (site / "reference" / "zoo.html").read_text("utf-8"))
    assert re.search(r"\bencoder_width\s+int\s+channels of the encoder's first layer\.\s", text)


@pytest.fixture(scope="module")
def address(site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def visit(chromium, address):
    """Open a page; afterwards insist that it asked no other server, and that nothing went wrong.

    A test's pages are read in one tab, as a reader does: what they share is loaded and compiled once.
    """
    tabs, requests, said = {}, [], []

    def visit(name, width, scheme):
        if (width, scheme) not in tabs:
            context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
            page = tabs[width, scheme] = context.new_page()
            page.on("request", lambda r: requests.append(r.url))
            page.on("console", lambda m: said.append(m.text))
            page.on("pageerror", lambda e: said.append(str(e)))
        tabs[width, scheme].goto(f"{address}{name}.html")
        return tabs[width, scheme]

    yield visit
    for page in tabs.values():
        page.context.close()
    assert [url for url in requests if not url.startswith(("data:", "blob:", address))] == []
    assert said == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_and_can_be_read(visit, width, scheme):
    for name in PAGES:
        page = visit(name, width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(CONTRAST) == [], name
        assert page.evaluate("[...document.images].filter(i => !i.alt).length") == 0, name


@pytest.mark.browser
def test_the_search_finds(visit):
    page = visit("index", 1280, "light")
    page.click(".md-search__input")
    page.keyboard.type("birthday", delay=20)
    page.wait_for_selector(".md-search-result__link", state="attached")
    found = page.eval_on_selector_all(".md-search-result__link", "links => links.map(link => link.href)")
    assert any("checks/support.html" in link for link in found)


@pytest.mark.browser
def test_light_and_dark_can_be_chosen(visit):
    page = visit("index", 1280, "dark")
    scheme = "document.body.dataset.mdColorScheme"
    assert page.evaluate(scheme) == "slate"
    page.click("label[for=__palette_1]")
    assert page.evaluate(scheme) == "default"
