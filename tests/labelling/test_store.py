"""Every press is kept: history, undo, several people, and a kill at any moment."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from didlearn.errors import ResultError
from didlearn.labelling.database import Clock, connect
from didlearn.labelling.store import STORE_FILE, Store


@pytest.fixture
def store(tmp_path):
    store = Store.open(tmp_path, "abc")
    yield store
    store.close()


def history(folder):
    with sqlite3.connect(folder / STORE_FILE) as connection:
        return connection.execute("SELECT person, pair, answer, undoes FROM events ORDER BY id").fetchall()


def test_the_last_answer_stands_and_the_first_is_kept(store, tmp_path):
    ada = store.person("Ada")
    store.say(ada, 3, "d")
    store.say(ada, 3, "n")
    assert store.answers(ada) == {3: "n"}
    assert history(tmp_path) == [(ada, 3, "d", None), (ada, 3, "n", None)]


def test_undo_is_an_event_that_brings_the_answer_before_back(store, tmp_path):
    ada = store.person("Ada")
    for pair, answer in ((1, "d"), (2, "u"), (1, "n")):
        store.say(ada, pair, answer)
    assert [store.undo(ada) for _ in range(4)] == [1, 2, 1, None]
    assert store.answers(ada) == {}
    assert len(history(tmp_path)) == 6
    store.say(ada, 1, "u")
    assert store.answers(ada) == {1: "u"}


def test_undoing_a_change_leaves_the_answer_before(store):
    ada = store.person("Ada")
    store.say(ada, 1, "d")
    store.say(ada, 1, "n")
    store.undo(ada)
    assert store.answers(ada) == {1: "d"}


def test_people_are_kept_apart(store):
    ada, bob = store.person("Ada"), store.person("Bob'); DROP TABLE events; --")
    assert ada != bob
    assert store.person("Ada") == ada
    store.say(ada, 0, "d")
    store.say(bob, 0, "n")
    store.undo(ada)
    assert store.answers(bob) == {0: "n"}
    assert [(label.person, label.answer) for label in store.labels()] == [("Bob'); DROP TABLE events; --", "n")]
    assert store.name(99) is None


def test_labels_of_other_pairs_are_refused(store, tmp_path):
    with pytest.raises(ResultError, match="other pairs"):
        Store.open(tmp_path, "xyz")
    Store.open(tmp_path, "abc").close()


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / STORE_FILE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(ResultError, match="cannot be used"):
        Store.open(tmp_path, "abc")


def test_settings_that_survive_a_kill(store):
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)


KILLED = """
import sys
from pathlib import Path
from didlearn.labelling.store import Store
store = Store.open(Path(sys.argv[1]), "abc")
person = store.person("Ada")
for pair in range(10**6):
    store.say(person, pair, "d")
    print(pair, flush=True)
"""


def test_nothing_that_was_confirmed_is_lost_by_a_kill(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if int(line) == 57:
            break
    os.kill(child.pid, signal.SIGKILL)
    confirmed = [57, *map(int, child.stdout.read().split())][-1]
    child.wait()
    child.stdout.close()
    store = Store.open(tmp_path, "abc")
    answers = store.answers(store.person("Ada"))
    store.close()
    assert set(range(confirmed + 1)) <= set(answers)
    assert len(answers) <= confirmed + 2


@pytest.mark.parametrize("damage", ["pages", "answer", "pair"])
def test_a_damaged_file_ends_in_a_sentence(tmp_path, damage):
    store = Store.open(tmp_path, "abc")
    for pair in range(200):
        store.say(store.person("Ada"), pair, "d")
    store.close()
    path = tmp_path / STORE_FILE
    if damage == "pages":
        data = path.read_bytes()
        path.write_bytes(data[:8192] + bytes(b ^ 0x5A for b in data[8192:]))
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            connection.execute(f"UPDATE events SET {damage} = 'x'")
        connection.close()
    with pytest.raises(ResultError, match=r"labels\.sqlite cannot be used .*move it away"):
        Store.open(tmp_path, "abc").labels()


ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)"
FOREIGN = {
    "view 'sheet'": f"CREATE VIEW sheet AS {ENDLESS} SELECT 'a' AS fingerprint FROM r WHERE x < 0",
    "view 'people'": f"CREATE VIEW people AS {ENDLESS} SELECT x AS id, 'a' AS name FROM r WHERE x < 0",
    "trigger 'ours'": "CREATE TABLE sheet (fingerprint TEXT NOT NULL); CREATE TRIGGER ours AFTER INSERT ON sheet BEGIN "
    "INSERT INTO sheet SELECT a.fingerprint FROM sheet a, sheet b, sheet c; END",
    "index 'ours'": "CREATE TABLE sheet (fingerprint TEXT NOT NULL); CREATE INDEX ours ON sheet (fingerprint)",
    "table 'sheet'": "CREATE TABLE sheet (x, fingerprint TEXT AS (hex(zeroblob(x))))",
    "table 'else'": "CREATE TABLE 'else' (x)",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", FOREIGN)
def test_what_a_stranger_put_into_the_database_is_not_run(tmp_path, what):
    path = tmp_path / STORE_FILE
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.executescript(FOREIGN[what])
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ResultError, match=f"it holds a {what} that labels do not have.*move it away"):
        Store.open(tmp_path, "abc")
    assert path.read_bytes() == before


def test_a_question_that_takes_too_long_is_ended(tmp_path):
    clock = Clock(0.1)
    connection = connect(tmp_path / "x.sqlite", clock)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        connection.execute(f"{ENDLESS} SELECT x FROM r WHERE x < 0").fetchone()
    clock.wind()
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.close()


def test_labels_are_opened_again(tmp_path):
    for _ in range(2):
        store = Store.open(tmp_path, "abc")
        store.say(store.person("Ada"), 1, "d")
        store.close()
    assert len(history(tmp_path)) == 2
