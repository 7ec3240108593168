"""The look of each role a series can have: the same colour, dash and marker on every page.

Colours are CSS variables, so that one drawing serves light and dark; dash and marker carry the same news as colour,
so that no reader depends on it. While matplotlib draws, each variable is stood for by a colour nothing else has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Look:
    """How a role is drawn: ``colour`` names a CSS variable, ``dash`` is on and off lengths in points."""

    colour: str
    dash: tuple[float, ...] = ()
    marker: str = "o"


LOOKS: Final = {
    "generated": Look("generated"),
    "heldout": Look("heldout", (6, 2.5), "s"),
    "train": Look("train", (8, 2, 2, 2), "D"),
    "perturbed": Look("perturbed", (2, 2), "^"),
    "outside": Look("outside", (10, 3), "v"),
    "theory": Look("theory", (1, 2), "x"),
    "other": Look("other", (4, 2, 1, 2, 1, 2), "P"),
}
# A second series of the same role takes the next of these dashes.
_OTHER_DASHES: Final = ((), (6, 2.5), (2, 2), (8, 2, 2, 2), (10, 3))

_PAINTED: Final = (*LOOKS, "axis", "grid", "muted", "ink")
# The style sheet's colours by daylight, for drawings that leave the page.
LIGHT: Final = {
    "generated": "#1a5fb4",
    "heldout": "#b8530a",
    "train": "#0b7a6f",
    "perturbed": "#a2378b",
    "outside": "#6f6500",
    "theory": "#565c66",
    "other": "#7a4a2b",
    "axis": "#a29d92",
    "grid": "#ece8df",
    "muted": "#5d636d",
    "ink": "#1d2025",
}
STAND_IN: Final = {name: f"#0a0b{i:02x}" for i, name in enumerate(_PAINTED)}
VARIABLE: Final = {stand_in: f"var(--{name})" for name, stand_in in STAND_IN.items()}


def looks(roles: list[str]) -> list[Look]:
    """Return one look per series; the second of a role differs from the first in its dash."""
    found = []
    for i, role in enumerate(roles):
        look, before = LOOKS[role], roles[:i].count(role)
        if before:
            others = [dash for dash in _OTHER_DASHES if dash != look.dash]
            look = Look(look.colour, others[(before - 1) % len(others)], look.marker)
        found.append(look)
    return found
