"""The database of labels, which somebody else may have made: nothing in it is run, and no question takes for ever."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS sheet (fingerprint TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS people (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    person INTEGER NOT NULL REFERENCES people (id),
    pair INTEGER NOT NULL,
    answer TEXT CHECK (answer IN ('d', 'n', 'u')),
    undoes INTEGER UNIQUE REFERENCES events (id),
    CHECK ((answer IS NULL) <> (undoes IS NULL))
);
"""
_SECONDS: Final = 20.0  # for one question: a thousand times what it takes
_STEPS: Final = 10_000  # of SQLite's machine between two looks at the clock


class Clock:
    """Ends what takes more than ``seconds`` since it was last wound."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self.seconds = seconds
        self.wind()

    def wind(self) -> None:
        """Begin again."""
        self.end = time.monotonic() + self.seconds

    def __call__(self) -> bool:
        """Tell SQLite whether to stop."""
        return time.monotonic() > self.end


def connect(path: Path, clock: Clock) -> sqlite3.Connection:
    """Open the database, with its tables made where they are missing.

    Args:
        path: of the file. clock: that ends what takes too long.

    Raises:
        sqlite3.Error: it cannot be opened, or is damaged. ValueError: it holds more than the tables of labels.
    """
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
    try:
        connection.set_progress_handler(clock, _STEPS)
        connection.execute("PRAGMA trusted_schema=OFF")
        _refuse_foreign(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_foreign(connection: sqlite3.Connection) -> None:
    """Refuse views, triggers and whatever else is not ours to the letter: a question to it may run anything."""
    ours = sqlite3.connect(":memory:")
    try:
        ours.executescript(_SCHEMA)
        known = set(_things(ours))
    finally:
        ours.close()
    for thing in _things(connection):
        if thing not in known:
            raise ValueError(f"it holds a {thing[0]} {thing[1]!r} that labels do not have")


def _things(connection: sqlite3.Connection) -> sqlite3.Cursor:
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
