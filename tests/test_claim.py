"""A folder belongs to one piece of work."""

import json
import os

import pytest

from didlearn.claim import AT_WORK, at_work, claim, held
from didlearn.errors import ResultError, UsageError

WORK = {"model": "vae", "settings": {"beta": 1.0, "widths": (8, 16)}, "seed": 0}


def ask(path, identity=WORK, begun=True):
    claim(path, identity, begun=begun, work="run", otherwise="give another folder")


def test_the_first_to_come_owns_the_folder_and_may_go_on(tmp_path):
    path = tmp_path / "run.json"
    ask(path, begun=False)
    before = path.read_bytes()
    assert json.loads(before) == {"model": "vae", "settings": {"beta": 1.0, "widths": [8, 16]}, "seed": 0}
    ask(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 3}, r"holds another run: seed is 0 there and 3 now; give another folder$"),
        ({"settings": {"beta": 2.0, "widths": (8, 16)}}, r"beta is 1\.0 there and 2\.0 now"),
        ({"settings": {"beta": 1.0, "widths": (8,)}}, r"widths is \[8, 16\] there and \[8\] now"),
        ({"new": "x"}, r"new is None there and 'x' now"),
    ],
)
def test_other_work_is_refused_by_what_differs_first(tmp_path, change, said):
    ask(tmp_path / "run.json", begun=False)
    with pytest.raises(UsageError, match=said):
        ask(tmp_path / "run.json", WORK | change)


def test_a_folder_where_nothing_was_kept_is_free(tmp_path):
    path = tmp_path / "run.json"
    ask(path, begun=False)
    ask(path, WORK | {"seed": 3}, begun=False)
    assert json.loads(path.read_text())["seed"] == 3


@pytest.mark.parametrize("text", ['{"model": "vae"', "3", "[1]"])
def test_a_file_that_is_no_json_object_is_told(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ResultError, match=r"run\.json cannot be read as JSON .*; give another folder"):
        ask(path)


def test_two_at_work_in_one_folder_are_one_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr("didlearn.claim._PATIENCE", 0.1)
    said = pytest.raises(UsageError, match=r"another process is at work in .*; wait for its end, or give another")
    with held(tmp_path, ""), said, held(tmp_path, "give another folder"):
        pass
    with held(tmp_path, "give another folder"), held(tmp_path.parent, "give another folder"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_second_one_at_work_is_told_who_is(tmp_path, monkeypatch):
    """By the number of the first process; its end lets the folder go, and what it said is written over."""
    monkeypatch.setattr("didlearn.claim._PATIENCE", 0.1)
    first = rf"^process {os.getpid()} \(since .*\) is at work in .*; wait for its end, or give another"
    with at_work(tmp_path, ""), pytest.raises(UsageError, match=first), at_work(tmp_path, "give another folder"):
        pass
    (tmp_path / AT_WORK).write_text("process 1 (since yesterday)\n")
    with at_work(tmp_path, ""):
        assert (tmp_path / AT_WORK).read_text().startswith(f"process {os.getpid()} ")


def test_who_writes_in_a_folder_at_work_does_not_wait(tmp_path):
    with at_work(tmp_path, ""), held(tmp_path, ""):
        pass
