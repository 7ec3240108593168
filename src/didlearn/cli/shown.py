"""Text on its way to a terminal: names of files, models and classes may hold what a terminal would obey."""

from __future__ import annotations

import unicodedata
from typing import Final

_OBEYED: Final = ("Cc", "Cs", "Zl", "Zp")
_REORDERS: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def shown(text: object) -> str:
    r"""Return the text with every control character written out (``\x1b``): shown, and not sent.

    Line ends and tabs stay; characters that turn the direction of writing do not.
    """
    return "".join(c if _harmless(c) else c.encode("unicode_escape").decode() for c in str(text))


def _harmless(character: str) -> bool:
    return character in "\n\t" or (unicodedata.category(character) not in _OBEYED and character not in _REORDERS)
