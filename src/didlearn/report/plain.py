"""Estimates by plain names: what a check calls them on a page, or else their own names in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from didlearn.report.declared import names_of
from didlearn.report.provenance import title

_ENDINGS: Final = {
    "_published": ", published protocol",
    "_pvalue": ", p-value",
    "_expected": ", expected",
    "_surrogate": ", Gaussian features",
    "_ppca": ", under probabilistic PCA",
    "_heldout": ", held-out images",
    "_train": ", training images",
}
_GROUPS: Final = {
    "train": "training images",
    "heldout": "held-out images",
    "generated": "its own images",
    "shifted": "shifted images",
    "1e6": "a million",
    "1e5": "a hundred thousand",
    "1e4": "ten thousand",
}


def plain_name(check: str, name: str) -> str:
    """Call an estimate of a check by words: ``error_train`` is the "Median error of training images"."""
    return _declared(names_of(check), name) or title(name)


def _declared(named: Mapping[str, str], name: str) -> str:
    """By the declared name, else by that of what stands before an ending, else by a group's; empty without any."""
    if name in named:
        return named[name]
    for key, words in named.items():
        found = re.fullmatch(re.escape(key).replace(r"\{group\}", "(.+)"), name) if "{group}" in key else None
        if found is not None and not found[1].endswith("_published"):
            return words.format(group=_group(found[1]))
    for ending, words in _ENDINGS.items():
        base = name.removesuffix(ending)
        if base != name:
            return (_declared(named, base) or title(base)) + words
    return ""


def _group(name: str) -> str:
    return _GROUPS.get(name, name.replace("_", " "))
