"""The lowest versions that are tried are those that are promised."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_lowest_versions_are_the_promised_bounds():
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    bounds = {part[0]: part[1] for part in (line.split(">=") for line in promised)}
    lines = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    tried = {part[0]: part[1] for part in (line.split("==") for line in lines if not line.startswith("#"))}
    assert tried.keys() == bounds.keys()
    for name, version in tried.items():
        assert re.fullmatch(rf"{re.escape(bounds[name])}(\.0)*", version), name
