"""Read docstrings as this project writes them: several arguments on a line, and one explanation for several names.

mkdocstrings expects one argument a line, and warns of anything else. Fields that are declared with their help beside
their default (``parameter(20, "Closest pairs listed.")``) are explained by it.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

from griffe import Class, Docstring, Extension, Function

DECLARING = ("parameter", "flag")
SECTION = re.compile(r"^(?:Args|Attributes|Returns|Raises):\n((?:(?: {4}.*)?\n?)+)", re.M)


class OneALine(Extension):
    """Gives every argument and attribute a line of its own before the docstring is parsed."""

    def on_function(self, *, func: Function, **kwargs: Any) -> None:  # noqa: ARG002 (griffe asks for it)
        """Rewrite a function's docstring."""
        _rewrite(func.docstring, [parameter.name for parameter in func.parameters])

    def on_class(self, *, cls: Class, **kwargs: Any) -> None:  # noqa: ARG002 (griffe asks for it)
        """Rewrite a class's docstring, once its members are known."""
        made = cls.members.get("__init__")
        arguments = [parameter.name for parameter in made.parameters] if isinstance(made, Function) else []
        _rewrite(cls.docstring, [*cls.members, *arguments])
        helps = {name: _help(str(member.value)) for name, member in cls.attributes.items() if member.value is not None}
        lines = [f"    {name}: {text}" for name, text in helps.items() if text]
        if cls.docstring is not None and lines:
            cls.docstring.value = "\n".join([cls.docstring.value.rstrip(), "", "Attributes:", *lines])


def _help(value: str) -> str:
    """Return the help in ``parameter(default, help)`` or ``flag(default, help, ...)``; nothing of other values."""
    call = ast.parse(value, mode="eval").body
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in DECLARING):
        return ""
    return str(ast.literal_eval(call.args[1]))


def _rewrite(docstring: Docstring | None, names: Iterable[str]) -> None:
    known = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    if docstring is None or not known:
        return
    start = re.compile(rf"(?:^|(?<=[.;?)]) )((?:{known})(?:, (?:{known}))*): ")
    docstring.value = SECTION.sub(lambda found: _split(found, start), docstring.value)


def _split(section: re.Match[str], start: re.Pattern[str]) -> str:
    head = section[0].partition("\n")[0]
    if head not in ("Args:", "Attributes:"):
        return section[0]
    lines = [f"    {line}" for entry in _entries(section[1]) for line in _separate(entry, start)]
    return "\n".join([head, *lines]) + "\n\n"


def _entries(text: str) -> list[str]:
    """Join the lines that go on with an entry to its first one."""
    entries: list[str] = []
    for line in filter(str.strip, text.splitlines()):
        if line.startswith("     ") and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line.strip())
    return entries


def _separate(entry: str, start: re.Pattern[str]) -> Iterator[str]:
    found = list(start.finditer(entry))
    if not found or found[0].start():
        yield entry
        return
    ends = [match.start() for match in found[1:]] + [len(entry)]
    for match, end in zip(found, ends, strict=True):
        for name in match[1].split(", "):
            yield f"{name}: {entry[match.end() : end].strip()}"
