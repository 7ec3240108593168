"""What a check says of itself for a paper: a clause about its method, and what it cites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Paper:
    """A paper: its kind of BibTeX entry, its authors ("Family, Given"), year and further fields."""

    kind: str
    authors: tuple[str, ...]
    title: str
    year: int
    fields: tuple[tuple[str, str], ...]

    @property
    def short(self) -> str:
        """Name and year: ``Arora et al., 2018``."""
        names = [author.split(",")[0] for author in self.authors]
        who = f"{names[0]} et al." if len(names) > 2 or names[-1] == "others" else " and ".join(names)
        return f"{who}, {self.year}"


@dataclass(frozen=True)
class Method:
    """What a check does, as a clause, and the papers it rests on.

    Attributes:
        did: a sentence without its full stop.
        papers: keys of the papers cited whatever was found.
        further: keys of papers that stand behind an estimate, by the first letters of its name.
        bibliography: by key, those of these papers that the report does not list for everyone.
    """

    did: str
    papers: tuple[str, ...] = ()
    further: Mapping[str, str] = field(default_factory=dict)
    bibliography: Mapping[str, Paper] = field(default_factory=dict)
