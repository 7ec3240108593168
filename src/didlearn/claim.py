"""A folder belongs to one piece of work: the same goes on where it stopped, and another is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from didlearn.atomic import atomically
from didlearn.errors import ResultError, UsageError
from didlearn.foreign.files import refuse_outward_links


def claim(path: Path, identity: Mapping[str, object], *, begun: bool, work: str, otherwise: str) -> None:
    """Write whose folder it is, or make sure that it is the same work that goes on.

    Args:
        path: the JSON file in the folder that says whose it is.
        identity: what two runs must share for the one to go on where the other stopped: JSON values by name, and by
            name within a mapping (``settings``).
        begun: whether anything was kept of the work that the file names; else the folder is free.
        work: what to call it in errors. otherwise: what would do.

    Raises:
        ResultError: the file cannot be read, or a link leads out of the folder.
        UsageError: the folder belongs to other work; the sentence names what differs first.
    """
    refuse_outward_links(path.parent)
    if not (path.exists() and begun):
        text = json.dumps(identity, indent=1) + "\n"
        atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
        return
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ResultError(f"{path} cannot be read as JSON ({error}); {otherwise}") from None
    for name, there, now in _differences(found, json.loads(json.dumps(identity))):
        raise UsageError(f"{path.parent} holds another {work}: {name} is {there!r} there and {now!r} now; {otherwise}")


def _differences(found: Mapping[str, object], wanted: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    for name, now in wanted.items():
        there = found.get(name)
        if isinstance(now, Mapping):
            yield from _differences(there if isinstance(there, Mapping) else {}, now)
        elif there != now:
            yield name, there, now
