"""Which images of a long draw are in which part."""

from __future__ import annotations

import re
from typing import NamedTuple

from didlearn.errors import UsageError
from didlearn.naming import option
from didlearn.parallel import UNIT


class Shard(NamedTuple):
    """One part of several: the ``number``-th, from 1, of ``of``."""

    number: int
    of: int

    @property
    def name(self) -> str:
        """What its file is called, without a suffix: names in order are parts in order."""
        width = max(5, len(str(self.of)))
        return f"samples-{self.number:0{width}d}-of-{self.of:0{width}d}"

    def images(self, count: int) -> range:
        """Return which of ``count`` images are in it: whole units, as a network sees them.

        Raises:
            UsageError: there are too few images for so many parts.
        """
        units = -(-count // UNIT)
        if units < self.of:
            raise UsageError(
                f"{count} images are {units} times {UNIT}, too few for {self.of} shards; give at most {units}, or "
                f"{option('number', None)} above {UNIT * (self.of - 1)}"
            )
        start, stop = (units * part // self.of * UNIT for part in (self.number - 1, self.number))
        return range(start, min(stop, count))


WHOLE = Shard(1, 1)


def shard_of(text: str) -> Shard:
    """Read "3/16".

    Raises:
        UsageError: it is no such text, or names no part.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"{option('shard', None)} is {text!r}; give which of how many, as in 3/16")
    return Shard(int(match[1]), int(match[2]))
