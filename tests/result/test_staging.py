"""A kill at any moment of saving leaves the old state or the new, whole."""

import contextlib
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from didlearn import claim
from didlearn.claim import alone
from didlearn.errors import ResultError
from didlearn.result import files
from didlearn.result.arrays_file import read_arrays
from didlearn.result.files import AuditResult, tile_file
from didlearn.result.staging import STAGED, commit, roll_forward, staging
from didlearn.result.values import CheckResult, Gallery, Table, Tile


class Killed(BaseException):
    """What no handler of ours catches: as good as a kill, but for ``finally``."""


def state(level, pictures=2):
    tiles = tuple((Tile(pixels=np.full((4, 4), level, np.uint8)),) for _ in range(pictures))
    check = CheckResult(
        check="support",
        question="?",
        verdict="measured",
        answer=f"{level}",
        params={},
        arrays={"a": np.full(5, level)},
        tables=(Table(name="t", title="t", columns=("n",), rows=((level,),), csv="pairs.csv"),),
        galleries=(Gallery(name="g", title="g", rows=tiles),),
    )
    return AuditResult(checks=(check,))


def read(folder):
    """Return every number of a saved state; one state has one."""
    found = AuditResult.load(folder)["support"]
    numbers = {int(found.answer), *map(int, found.arrays["a"]), int(found.tables[0].rows[0][0])}
    numbers.add(int((folder / "pairs.csv").read_text().splitlines()[1]))
    for gallery in found.galleries:
        for (tile,) in gallery.rows:
            numbers |= set(np.asarray(Image.open(tile_file(folder, tile))).ravel().tolist())
    return numbers


WRITES = [(Path, "replace"), (Path, "write_text"), (Path, "mkdir"), (Path, "unlink"), (os, "mkdir"), (os, "rmdir"),
          (os, "unlink"), (np, "savez_compressed"), (Image.Image, "save"), (shutil, "rmtree")]  # fmt: skip


def killed_at(moment, monkeypatch):
    """Let the program die before its write number ``moment``; every later write, of ``finally`` say, is dropped."""
    count = [0]

    def dying(function):
        def run(*args, **kwargs):
            count[0] += 1
            if count[0] > moment:
                raise Killed
            return function(*args, **kwargs)

        return run

    for owner, name in WRITES:
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))


@pytest.mark.parametrize("first", [True, False])
def test_a_kill_at_any_moment_leaves_one_whole_state(tmp_path, monkeypatch, first):
    seen: set[int] = set()
    moment, finished = 0, False
    while not finished:
        folder = tmp_path / str(moment)
        if not first:
            state(1, pictures=3).save(folder)
        with monkeypatch.context() as patched:
            killed_at(moment, patched)
            try:
                state(2).save(folder)
                finished = True
            except Killed:
                pass
        found = read(folder) if (folder / "audit.json").exists() else set()
        assert len(found) == 1 or (first and not found)
        seen |= found
        state(3).save(folder)
        assert read(folder) == {3}
        assert not list(folder.glob(STAGED))
        moment += 1
    assert moment > 10
    assert seen == ({2} if first else {1, 2})


def staged_for(root, text, **files):
    """Leave files staged for a state, as a kill does before any of them is moved; return their folder."""
    with contextlib.suppress(Killed), pytest.MonkeyPatch.context() as patched, staging(root, "audit.json") as staged:
        for name, content in files.items():
            (staged / "images").mkdir(exist_ok=True)
            (staged / "images" / name).write_text(content)
        patched.setattr("didlearn.result.staging._move", dead)
        patched.setattr("didlearn.result.staging._remove", dead_unless_absent)
        commit(staged, "audit.json", text)
    (found,) = root.glob(STAGED)
    return found


def dead(*_):
    raise Killed


def dead_unless_absent(path):
    if path.exists() and not path.name.startswith(STAGED[:-1]):
        raise Killed


def test_twenty_real_kills_leave_one_whole_state_each(tmp_path):
    """A process saves one state after the other; SIGKILL falls wherever it is, and the next one goes on from there."""
    rng, folder = np.random.default_rng(0), tmp_path / "run"
    state(0, pictures=20).save(folder)
    inside = []
    for kill in range(20):
        child = os.fork()
        if not child:
            try:
                for level in range(1 + kill, 250):
                    state(level, pictures=20).save(folder)
            finally:
                os._exit(1)
        time.sleep(rng.uniform(0.01, 0.15))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        inside.append(any(folder.glob(STAGED)))
        assert len(read(folder)) == 1
    assert any(inside)  # a kill did fall into a save


def test_what_was_staged_for_another_state_is_left_aside(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "old").write_text("old")
    staged_for(tmp_path, "{}", old="new")
    (tmp_path / "audit.json").write_text("another")
    roll_forward(tmp_path, "audit.json")
    assert (tmp_path / "images" / "old").read_text() == "old"
    with staging(tmp_path, "audit.json") as staged:
        assert list(tmp_path.glob(STAGED)) == [staged]
        (staged / "old.csv").write_text("newer")
        commit(staged, "audit.json", '{"é": 1}')
    assert (tmp_path / "old.csv").read_text() == "newer"
    assert not list(tmp_path.glob(STAGED))


@pytest.mark.parametrize("held", [True, False])
def test_two_that_move_the_same_files_lose_none(tmp_path, monkeypatch, held):
    if not held:
        monkeypatch.setattr(claim, "_locked", lambda *_: True)
    staged_for(tmp_path, "{}", **{f"f{i}": str(i) for i in range(6)})
    real, main = Path.replace, threading.get_ident()
    seen: list[Path] = []
    moved, resume = threading.Event(), threading.Event()
    other = threading.Thread(target=roll_forward, args=(tmp_path, "audit.json"))

    def slow(path, target):
        if threading.get_ident() != main:
            out = real(path, target)
            if path.name == "f2":
                moved.set()
                resume.wait(5)
            return out
        if not seen:  # the other comes in between listing and moving
            seen.append(path)
            other.start()
            moved.wait(5 if not held else 0.1)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", slow)
    roll_forward(tmp_path, "audit.json")
    resume.set()
    other.join()
    assert sorted(p.name for p in (tmp_path / "images").iterdir()) == [f"f{i}" for i in range(6)]


@pytest.mark.parametrize("held", [True, False])
def test_readers_do_not_disturb_whoever_saves(tmp_path, monkeypatch, held):
    if not held:
        monkeypatch.setattr(claim, "_locked", lambda *_: True)
    stop = threading.Event()
    rounds: list[int] = []
    ended: list[int] = []

    def reader():
        while not stop.is_set():
            roll_forward(tmp_path, "audit.json")
            rounds.append(1)
        ended.append(1)

    threads = [threading.Thread(target=reader) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for save in range(30):
            with staging(tmp_path, "audit.json") as staged:
                for i in range(20):
                    (staged / f"{save}-{i}").write_text("x")
                commit(staged, "audit.json", str(save))
            assert all((tmp_path / f"{save}-{i}").exists() for i in range(20))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(ended) == 2  # none died
    assert rounds


@pytest.mark.skipif(os.name == "nt", reason="there are no locks of folders")
def test_one_holds_the_folder_and_whoever_waits_in_vain_takes_nothing_away(tmp_path, monkeypatch):
    with alone(tmp_path, 1) as sole:
        assert sole
        started = time.monotonic()
        with alone(tmp_path, 0.05) as second:
            assert not second
        assert time.monotonic() - started < 5
    with alone(tmp_path, 1) as again, alone(tmp_path / "absent", 1) as absent:
        assert again
        assert absent
    with staging(tmp_path, "audit.json") as first:
        monkeypatch.setattr(claim, "_locked", lambda *_: False)
        with staging(tmp_path, "audit.json") as second:
            assert {first, second} == set(tmp_path.glob(STAGED))


@pytest.mark.parametrize("what", ["a link", "a file"])
def test_something_else_in_the_place_of_the_staged_files_is_taken_away(tmp_path, what):
    state(1).save(tmp_path)
    place = tmp_path / staged_for(tmp_path, "{}").name
    shutil.rmtree(place)
    state(1).save(tmp_path)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "x").write_text("kept")
    for name in (place.name, STAGED.replace("*", "other")):
        if what == "a link":
            (tmp_path / name).symlink_to("kept")
        else:
            (tmp_path / name).write_text("x")
    state(2).save(tmp_path)
    assert read(tmp_path) == {2}
    assert not list(tmp_path.glob(STAGED))
    assert (tmp_path / "kept" / "x").read_text() == "kept"


def test_a_folder_of_the_users_called_next_is_left_alone(tmp_path):
    (tmp_path / ".next").mkdir()
    (tmp_path / ".next" / "build").write_text("kept")
    state(1).save(tmp_path)
    AuditResult.load(tmp_path)
    assert (tmp_path / ".next" / "build").read_text() == "kept"


def test_arrays_are_those_of_the_state_that_is_read(tmp_path, monkeypatch):
    state(1).save(tmp_path)
    real = read_arrays
    saved: list[Path] = []

    def late(path):
        if not saved:  # a save comes between the JSON and the arrays
            saved.append(state(2).save(tmp_path))
        return real(path)

    monkeypatch.setattr(files, "read_arrays", late)
    assert read(tmp_path) == {2}
    levels = iter(range(3, 99))
    monkeypatch.setattr(files, "read_arrays", lambda path: (state(next(levels)).save(tmp_path), real(path))[1])
    with pytest.raises(ResultError, match="changes faster"):
        AuditResult.load(tmp_path)
