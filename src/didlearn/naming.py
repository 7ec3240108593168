"""How a message names an option: as its reader gives it, a keyword to who calls from Python, a flag to who types.

Whoever raises an error knows the option's name and not who reads; the command line says once that its reader types.
The style is one of the process, not of a thread: workers raise errors too.
"""

from __future__ import annotations

from typing import Literal

Style = Literal["keyword", "flag"]
_styles: list[Style] = ["keyword"]


def option(name: str, value: object = "...", typed: str | None = None) -> str:
    """Name an option: ``option("size", 16)`` is ``size=16`` in Python, and ``--size 16`` on the command line.

    Args:
        name: of the keyword; the flag is called alike.
        value: what to give, as Python writes it; ``...`` leaves it open, and ``None`` names the option alone.
        typed: what to type after the flag where that is not ``value``; nothing after one that is open or a switch.
    """
    if naming_style() == "keyword":
        return name if value is None else f"{name}={value}"
    if typed is None:
        typed = "" if str(value) in ("...", "True", "None") else str(value)
    return f"--{name.replace('_', '-')} {typed}".rstrip()


def setting(name: str, value: object = "...") -> str:
    """Name a setting of a model or study, which has no flag of its own: ``name=...``, or ``--set name=...``."""
    return f"{name}={value}" if naming_style() == "keyword" else f"--set {name}={value}"


def naming_style() -> Style:
    """Return how options are named now."""
    return _styles[-1]


def name_as(style: Style) -> None:
    """Choose how messages of this process name options from now on."""
    _styles[-1] = style
