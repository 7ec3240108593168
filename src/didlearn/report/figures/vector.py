"""matplotlib's SVG made fit to stand inside a page: no namespace, no fonts, ids of its own, colours by name."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from didlearn.report.figures.palette import VARIABLE

_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_FONT = re.compile(r"font-family:[^;]*;? ?")
_COLOUR = re.compile("|".join(VARIABLE))
_REFERENCE = re.compile(r"url\(#")


def inline(document: str, key: str, words: dict[str, str]) -> Markup:
    """Return the ``<svg>`` element of a document to be placed in HTML.

    Args:
        document: SVG written by matplotlib.
        key: prefix of every id, so that drawings on one page do not share them.
        words: what stands in the place of each stand-in text; escaped here like all text.
    """
    root = ElementTree.fromstring(document)  # noqa: S314 (written by matplotlib a moment ago, from numbers only)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {_local(name): _page_attribute(name, value, key) for name, value in element.attrib.items()}
        if element.tag == "g":
            element.attrib.pop("id", None)
        _settle_text(element, words)
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag in ("style", "metadata")]:
            parent.remove(child)
    root.attrib = {"viewBox": root.attrib["viewBox"], "aria-hidden": "true", "focusable": "false"}
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=False))  # noqa: S704 (escaped)


def _settle_text(element: ElementTree.Element, words: dict[str, str]) -> None:
    element.tail = None
    if element.tag == "text":
        element.text = words.get(element.text or "", element.text)
        transform = element.attrib.get("transform", "")
        if transform.startswith("rotate(-0 "):
            del element.attrib["transform"]
    elif element.text and not element.text.strip():
        element.text = None


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _page_attribute(name: str, value: str, key: str) -> str:
    value = _NUMBER.sub(lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), " ".join(value.split()))
    match _local(name):
        case "id":
            return f"{key}-{value}"
        case "href":
            return f"#{key}-{value.removeprefix('#')}"
        case "style":
            value = _COLOUR.sub(lambda m: VARIABLE[m[0]], _FONT.sub("", value))
    return _REFERENCE.sub(f"url(#{key}-", value)
