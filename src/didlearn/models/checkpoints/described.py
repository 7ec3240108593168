"""``config.json`` beside weights: what folders of other programs say of their networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

CONFIG = "config.json"
_MOST_BYTES = 2**20


def config_of(folder: Path, name: str = CONFIG) -> Mapping[str, object]:
    """Return what the file says; nothing where there is none, or it is no JSON object of a usual size."""
    path = folder / name
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
