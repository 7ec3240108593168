"""What people said, in SQLite: every press of a key is an event that is on the disk before it is confirmed."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Self, cast, get_args

from didlearn.errors import ResultError
from didlearn.labelling.database import Clock, connect

Key = Literal["d", "n", "u"]
STORE_FILE: Final = Path("labels") / "labels.sqlite"


@dataclass(frozen=True)
class Label:
    """The answer that stands: d duplicate, n not, u unsure; ``at`` is UTC."""

    person: str
    pair: int
    answer: Key
    at: str


class Store:
    """``RUN/labels/labels.sqlite``: people, and an event for each press, nothing ever overwritten."""

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock) -> None:
        self._connection, self._path, self._clock = connection, path, clock
        self._lock = threading.Lock()

    @classmethod
    def open(cls, run: Path, fingerprint: str) -> Self:
        """Open the labels of a run, creating them.

        Raises:
            ResultError: they are of other pairs than these, or the file cannot be used.
        """
        path, clock = run / STORE_FILE, Clock()
        try:
            path.parent.mkdir(exist_ok=True)
            connection = connect(path, clock)
        except (OSError, sqlite3.Error, ValueError) as error:
            raise ResultError(f"{path} cannot be used ({error}); move it away to start afresh") from None
        try:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT 1 FROM sheet").fetchone() is None:
                connection.execute("INSERT INTO sheet VALUES (?)", (fingerprint,))
            (known,) = connection.execute("SELECT fingerprint FROM sheet").fetchone()
            connection.execute("COMMIT")
        except (OSError, sqlite3.Error, ValueError, TypeError) as error:
            connection.close()
            raise ResultError(f"{path} cannot be used ({error}); move it away to start afresh") from None
        if known != fingerprint:
            connection.close()
            raise ResultError(
                f"{path} holds labels of other pairs: the support check was run again since; move {path.parent} away "
                "to start afresh"
            )
        return cls(connection, path, clock)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def person(self, name: str) -> int:
        """Return the number of the person called ``name``, entering them."""
        with self._asking() as connection:
            connection.execute("INSERT OR IGNORE INTO people (name) VALUES (?)", (name,))
            (number,) = connection.execute("SELECT id FROM people WHERE name = ?", (name,)).fetchone()
            return int(number)

    def name(self, person: int) -> str | None:
        """Return what a person is called, or ``None`` where nobody has that number."""
        with self._asking() as connection:
            row = connection.execute("SELECT name FROM people WHERE id = ?", (person,)).fetchone()
        return None if row is None else str(row[0])

    def say(self, person: int, pair: int, answer: Key) -> None:
        """Append an answer; it is on the disk when this returns."""
        with self._asking() as connection:
            connection.execute(
                "INSERT INTO events (at, person, pair, answer) VALUES (?, ?, ?, ?)", (_now(), person, pair, answer)
            )

    def undo(self, person: int) -> int | None:
        """Take a person's last standing press back; return its pair, or ``None`` where there is none."""
        with self._asking() as connection:
            rows = connection.execute(
                "INSERT INTO events (at, person, pair, undoes) SELECT ?, person, pair, id FROM events "
                "WHERE person = ? AND answer IS NOT NULL "
                "AND id NOT IN (SELECT undoes FROM events WHERE undoes IS NOT NULL) "
                "ORDER BY id DESC LIMIT 1 RETURNING pair",
                (_now(), person),
            ).fetchall()
        return int(rows[0][0]) if rows else None

    def answers(self, person: int) -> dict[int, Key]:
        """Return a person's standing answer on each pair."""
        name = self.name(person)
        return {label.pair: label.answer for label in self.labels() if label.person == name}

    def labels(self) -> list[Label]:
        """Return every standing answer: of each person and pair the last one that was not undone."""
        with self._asking() as connection:
            rows = connection.execute(
                "SELECT name, pair, answer, at FROM events JOIN people ON people.id = person WHERE events.id IN ("
                " SELECT max(id) FROM events WHERE answer IS NOT NULL"
                " AND id NOT IN (SELECT undoes FROM events WHERE undoes IS NOT NULL) GROUP BY person, pair"
                ") ORDER BY person, pair"
            ).fetchall()
            return [Label(str(name), int(pair), _key(answer), str(at)) for name, pair, answer, at in rows]

    @contextmanager
    def _asking(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread at a time.

        Raises:
            ResultError: the file is damaged, or holds what labels are not.
        """
        with self._lock:
            self._clock.wind()
            try:
                yield self._connection
            except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
                raise ResultError(f"{self._path} cannot be used ({error}); move it away to start afresh") from None


def _key(answer: object) -> Key:
    if answer not in get_args(Key):
        raise ValueError(f"the answer {answer!r}")
    return cast(Key, answer)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
