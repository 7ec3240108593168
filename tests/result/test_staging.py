"""A kill at any moment of saving leaves the old state or the new, whole."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from didlearn.result.files import AuditResult, tile_file
from didlearn.result.staging import commit, roll_forward, stage
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
        assert not (folder / ".next").exists()
        moment += 1
    assert moment > 10
    assert seen == ({2} if first else {1, 2})


def test_what_was_staged_for_another_state_is_left_aside(tmp_path):
    (tmp_path / "old.csv").write_text("old")
    (stage(tmp_path) / "old.csv").write_text("new")
    (tmp_path / ".next" / "belongs-to").write_text("something else")
    (tmp_path / "audit.json").write_text("{}")
    roll_forward(tmp_path, "audit.json")
    assert (tmp_path / "old.csv").read_text() == "old"
    (stage(tmp_path) / "old.csv").write_text("newer")
    commit(tmp_path, "audit.json", '{"é": 1}')
    assert (tmp_path / "old.csv").read_text() == "newer"
