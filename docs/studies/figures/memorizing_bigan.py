"""Draw ``memorizing-bigan.svg`` from the rows beside it: python memorizing_bigan.py."""

import json
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from didlearn.studies.memorizing_bigan import MemorizingBigan
from didlearn.studies.memorizing_bigan_summary import Pooled, linear_theory, pool

HERE = Path(__file__).parent
COLOURS = {0: "#7a7a7a", 8: "#56b4e9", 32: "#0072b2", 128: "#d55e00"}
HONEST = 2**21


def draw(pooled: list[Pooled]) -> Figure:
    """Draw the advantage against the support: plain, and where it is above its error on logarithmic axes."""
    figure = Figure(figsize=(9.2, 3.9), layout="constrained")
    plain, falling = figure.subplots(1, 2)
    for width in sorted({p.width for p in pooled}):
        mine = [p for p in pooled if p.width == width]
        _points(plain, [p for p in mine if p.support], width, "-")
        _points(plain, [p for p in mine if p.support is None], width, "")
        _points(falling, [p for p in mine if p.support and p.found_out], width, "-")
    supports = MemorizingBigan().supports
    falling.plot(supports, [linear_theory(m, 60) for m in supports], "k:", lw=1, label="mean shift alone, ~ $m^{-1/2}$")
    plain.axhline(0, color="black", lw=0.8)
    plain.set(xscale="log", title="Advantage on fresh pairs", xlabel="memorised images m (right: honest)")
    falling.set(xscale="log", yscale="log", title="The same, where above its error", xlabel="memorised images m")
    falling.set_ylim(3e-3, 1.3)
    plain.legend(fontsize=8, frameon=False)
    falling.legend(handles=falling.get_lines()[-1:], fontsize=8, frameon=False)
    return figure


def _points(axes: Axes, pooled: list[Pooled], width: int, line: str) -> None:
    x = [p.support or HONEST for p in pooled]
    y = [p.advantage.value or 0.0 for p in pooled]
    ends = [[v - (p.advantage.low or 0) for p, v in zip(pooled, y, strict=True)]]
    ends += [[(p.advantage.high or 0) - v for p, v in zip(pooled, y, strict=True)]]
    name = f"width {width}" if width else "linear"
    label = f"{name}, {pooled[0].parameters} parameters" if line and pooled else None
    axes.errorbar(x, y, yerr=ends, fmt=f"o{line}", ms=3.5, lw=1.2, capsize=2, color=COLOURS[width], label=label)


if __name__ == "__main__":
    rows = [json.loads(line) for line in (HERE / "memorizing-bigan.jsonl").read_text().splitlines()]
    mpl.rcParams.update({"svg.hashsalt": "didlearn", "svg.fonttype": "none"})
    draw(pool(rows)).savefig(HERE / "memorizing-bigan.svg", metadata={"Date": None})
