"""The labelling page in a real browser. Without one these tests are skipped, but fail where CI is set."""

from __future__ import annotations

import signal
import sqlite3

import numpy as np
import pytest

from didlearn.labelling.outcome import RESULT_FILE
from didlearn.labelling.store import STORE_FILE
from didlearn.result.values import CheckResult
from tests.labelling.conftest import make_run
from tests.labelling.served import serving
from tests.typed import didlearn

pytestmark = pytest.mark.browser
LOOK = "() => ['a', 'b'].map(id => document.getElementById(id).getContext('2d').getImageData(0, 0, 1, 1).data[0])"
# What a browser says of a request, or of a picture it fetches ahead, when the test ends the server meanwhile.
CUT_OFF = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_CONTENT_LENGTH_MISMATCH", "ERR_EMPTY_RESPONSE")
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = css => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c[3] === 255) return c; } return rgb('white'); };
  return [...document.querySelectorAll('body *')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.checkVisibility())
    .map(e => { const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
      return [e.tagName, e.textContent.slice(0, 30), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)]; })
    .filter(([, , ratio]) => ratio < 4.5);
}"""


@pytest.fixture
def visit(chromium):
    """Open an address; afterwards insist that nothing but this machine was asked and nothing was said."""
    contexts, strangers, said = [], [], []

    def visit(address, width=1280, scheme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 760}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "request",
            lambda r: None if r.url.startswith(("http://127.0.0.1:", "file:", "data:")) else strangers.append(r.url),
        )
        page.on("console", lambda m: said.append(m.text))
        page.on("pageerror", lambda e: said.append(str(e)))
        page.on("dialog", lambda d: said.append(d.message))
        page.on("dialog", lambda d: d.dismiss())
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert strangers == []
    assert [text for text in said if not any(cut in text for cut in CUT_OFF)] == []


def begin(page, name):
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    page.wait_for_selector("#work:not([hidden])")
    page.wait_for_selector("body[data-judged]")


def judge(page, count):
    """Judge by keyboard: a duplicate exactly when both corners are bright."""
    before = int(page.evaluate("document.body.dataset.judged"))
    for n in range(before + 1, before + count + 1):
        one, other = page.evaluate(LOOK)
        page.keyboard.press("d" if one == other else "n")
        page.wait_for_selector(f'body[data-judged="{n}"]')


def events(run):
    with sqlite3.connect(run / STORE_FILE) as connection:
        return connection.execute("SELECT pair, answer, undoes FROM events ORDER BY id").fetchall()


def test_thirty_pairs_a_kill_and_the_report(run, visit):
    """The whole of it: label, lose the server, start again, go on, and read the estimate in the report."""
    with serving(run, "--pairs", "70") as server:
        page = visit(server.address)
        begin(page, "Ada")
        assert "token" not in page.url
        judge(page, 30)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        before = events(run)
        page.keyboard.press("d")
        page.wait_for_selector("#error:has-text('does not answer')")
    assert len(before) == 30
    with serving(run, "--pairs", "70") as server:
        page = visit(server.address)
        begin(page, "Ada")
        assert page.inner_text("#count") == "30 of 70 judged"
        assert page.inner_text("#place") == "Pair 31 of 70"
        assert events(run) == before
        server.process.send_signal(signal.SIGINT)
        server.process.wait(30)
    assert didlearn("report", run).returncode == 0
    first = (run / "report.html").read_text(encoding="utf-8")
    assert "when people decide what a duplicate is" in first
    with serving(run, "--pairs", "70") as server:
        page = visit(server.address)
        begin(page, "Ada")
        judge(page, 40)
        page.wait_for_selector("#done:not([hidden])")
        server.process.send_signal(signal.SIGINT)
        server.process.wait(30)
    assert didlearn("report", run).returncode == 0
    report = visit((run / "report.html").as_uri())
    text = report.inner_text("body")
    result = CheckResult.model_validate_json((run / RESULT_FILE).read_bytes())
    assert result.answer in text
    # 25 duplicates among 500 samples, by construction.
    assert result.estimates["effective_support"].low < 4_990 < result.estimates["effective_support"].high
    assert report.content() != first


def test_keys_do_what_they_say(run, visit):
    with serving(run, "--labeller", "Bob") as server:
        page = visit(server.address)
        page.wait_for_selector("body[data-judged]")
        assert page.inner_text("#who") == "Bob"
        place = lambda: page.inner_text("#place").split()[1]  # noqa: E731
        page.keyboard.press("d")
        page.wait_for_selector('body[data-judged="1"]')
        page.keyboard.press("u")
        page.wait_for_selector('body[data-judged="2"]')
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("#chip:has-text('unsure')")
        assert place() == "2"
        page.keyboard.press("n")
        page.wait_for_selector("#place:has-text('Pair 3 ')")
        page.keyboard.press("z")
        page.wait_for_selector("#chip:has-text('unsure')")
        page.keyboard.press("Backspace")
        page.wait_for_selector('body[data-judged="1"]')
        page.keyboard.press("x")
        page.wait_for_selector("#d:not([hidden])")
        assert page.get_attribute("[data-act=difference]", "aria-pressed") == "true"
        page.keyboard.press("b")
        page.wait_for_selector("#d", state="hidden")
        seen = set()
        for _ in range(30):
            seen.add(page.evaluate("document.getElementById('a').style.visibility"))
            page.wait_for_timeout(50)
        assert seen == {"visible", "hidden"}
        page.keyboard.press("b")
        width = page.evaluate("document.getElementById('a').clientWidth")
        page.keyboard.press("+")
        page.wait_for_selector("#status:has-text('150')", state="attached")
        assert page.evaluate("document.getElementById('a').clientWidth") > width
        assert page.evaluate("getComputedStyle(document.getElementById('a')).imageRendering") == "pixelated"
        # Keys that come faster than the server answers are all taken.
        for key in "dnudnu":
            page.keyboard.press(key)
        page.wait_for_selector('body[data-judged="7"]')
    assert [answer for _, answer, undoes in events(run) if undoes is None] == list("dun") + list("dnudnu")


def test_a_button_does_what_its_key_does(run, visit):
    with serving(run) as server:
        page = visit(server.address, width=360)
        begin(page, "Ada")
        page.get_by_role("button", name="Duplicate").click()
        page.wait_for_selector('body[data-judged="1"]')
        page.get_by_role("button", name="Undo").click()
        page.wait_for_selector('body[data-judged="0"]')
        assert page.get_by_role("img", name="Left picture of pair 1").is_visible()
        assert page.get_by_role("progressbar", name="Pairs judged").is_visible()


# Pictures are sized anew once a frame was drawn of the new width.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_and_all_text_can_be_read(run, visit, scheme):
    with serving(run) as server:
        page = visit(server.address, scheme=scheme)
        page.wait_for_selector("#start:not([hidden])")
        assert page.evaluate(CONTRAST) == []
        begin(page, "W" * 60)
        page.keyboard.press("d")
        page.wait_for_selector('body[data-judged="1"]')
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("#chip:not([hidden])")
        assert page.evaluate(CONTRAST) == []
        for width in (1280, 800, 360):
            page.set_viewport_size({"width": width, "height": 740})
            page.evaluate(DRAWN)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("document.documentElement.scrollHeight") <= 740
            boxes = [page.locator(f"#{side}").bounding_box() for side in "ab"]
            assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] < boxes[1]["x"] + boxes[1]["width"] <= width
            assert boxes[0]["width"] >= 0.38 * min(width, 800)


def test_nothing_that_a_stranger_wrote_runs(tmp_path, visit):
    run = tmp_path / "<img src=x onerror=alert(1)>"
    make_run(run, colour=True)
    with serving(run) as server:
        page = visit(server.address)
        begin(page, "<img src=x onerror=alert(2)>")
        assert page.inner_text("#who") == "<img src=x onerror=alert(2)>"
        assert page.inner_text(".run").startswith("<img src=x")
        assert page.locator("img").count() == 0
        judge(page, 3)
    assert didlearn("report", run).returncode == 0
    assert np.array_equal([answer in "dn" for _, answer, _ in events(run)], [True] * 3)
    visit((run / "report.html").as_uri())
