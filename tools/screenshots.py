"""Take the pictures of docs/screenshots: reports, comparison, labelling page and site, wide and narrow, light and dark.

``python tools/screenshots.py runs/demo`` wants the folder that ``make demo`` made, a site that ``make docs`` built, and
Chromium at /usr/bin/chromium. The pages are rendered anew first.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

SHOTS = Path(__file__).parents[1] / "docs" / "screenshots"
SITE = Path(__file__).parents[1] / "site" / "index.html"
SIZES = {"desktop": 1280, "phone": 380}
OPEN = "at => document.querySelector(at + ' .behind').open = true"
MODELS = ("sound", "collapsed", "memorised")


def didlearn(*arguments: object) -> list[str]:
    """The command of the package that runs this script."""
    return [sys.executable, "-m", "didlearn", *map(str, arguments)]


def renew(runs: Path) -> None:
    """Render the collapsed model's report and the comparison again."""
    subprocess.run(didlearn("report", runs / "collapsed"), check=True)
    compared = [runs / name for name in MODELS]
    subprocess.run(didlearn("compare", *compared, "--output", runs / "compare.html"), check=True)


@contextmanager
def labelling(run: Path) -> Iterator[str]:
    """Serve the labelling page of a run; its address."""
    process = subprocess.Popen(didlearn("label", run), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(30)


def shoot(page: Page, name: str, height: int, at: str = "") -> None:
    """Write one picture, of the page's top or of where a selector is, as high as asked."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.set_viewport_size({"width": width, "height": height})
    if at:
        page.locator(at).first.evaluate("e => e.scrollIntoView()")
    path = SHOTS / f"{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def look(browser: Browser, runs: Path, address: str, size: str, scheme: str) -> None:
    """Take all pictures of one size in one scheme."""
    wide = size == "desktop"
    context = browser.new_context(
        viewport={"width": SIZES[size], "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page, ending = context.new_page(), f"{size}-{scheme}"
    page.goto((runs / "collapsed" / "report.html").resolve().as_uri())
    shoot(page, f"report-{ending}", 1900 if wide else 2600)
    page.evaluate(OPEN, "#check-1")
    shoot(page, f"report-check-{ending}", 1900 if wide else 2300, "#check-1")
    page.goto((runs / "compare.html").resolve().as_uri())
    shoot(page, f"compare-{ending}", 1500 if wide else 2000)
    shoot(page, f"compare-numbers-{ending}", 1100, "#numbers-1")
    page.goto(address)
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Enter")
    page.wait_for_selector("#work:not([hidden])")
    shoot(page, f"label-{ending}", 800)
    page.goto(SITE.as_uri())
    shoot(page, f"site-{ending}", 900 if wide else 740)
    context.close()


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("runs", type=Path, help="the folder of the demo's three runs")
    runs = parser.parse_args().runs
    renew(runs)
    with labelling(runs / "collapsed") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for size in SIZES:
            for scheme in ("light", "dark"):
                look(browser, runs, address, size, scheme)


if __name__ == "__main__":
    main()
