import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from didlearn.claim import held
from didlearn.errors import DataError, ModelError, ResultError, UsageError
from didlearn.images.fit import Fit
from didlearn.studies.runner import run_study
from tests.studies.toy import Toy

SCRIPT = """
from pathlib import Path
from didlearn.studies.runner import run_study
from tests.studies.toy import Toy
if __name__ == "__main__":
    run_study(Toy(), Path({folder!r}), seed=4, jobs=2)
"""


def rows(folder):
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def started(folder):
    return [line.split() for line in (folder / "cache" / "started").read_text().splitlines()]


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "toy"
    return folder, run_study(Toy(), folder, seed=4, jobs=1)


def test_every_cell_is_a_row_and_the_page_shows_them(whole):
    folder, result = whole
    assert [row["cell"] for row in rows(folder)] == Toy().cells()
    assert result.answer == "6 are."
    assert (folder / "numbers.csv").read_text(encoding="utf-8").startswith("width,seed,value")
    html = (folder / "report.html").read_text(encoding="utf-8")
    for text in ("Are these numbers drawn?", "6 are.", "All numbers", "A note."):
        assert text in html
    assert json.loads((folder / "result.json").read_text())["params"]["widths"] == [1, 2]
    values = [row["row"]["value"] for row in rows(folder)]
    assert len(set(values)) == 6
    assert rows(folder)[1]["row"]["deep"] == {"count": 2}


def test_a_finished_study_computes_nothing_again(whole, tmp_path):
    folder, result = whole
    before = (folder / "rows.jsonl").read_bytes(), len(started(folder))
    again = run_study(Toy(), folder, seed=4, jobs=1)
    assert again == result
    assert ((folder / "rows.jsonl").read_bytes(), len(started(folder))) == before
    other = run_study(Toy(), tmp_path / "seed", seed=5, jobs=1)
    assert {r[2] for r in other.tables[0].rows}.isdisjoint(r[2] for r in result.tables[0].rows)


def test_a_study_killed_with_its_workers_going_on_loses_the_cells_in_flight_and_no_number(whole, tmp_path):
    """SIGKILL to the parent alone: the workers must not go on computing beside the next run."""
    folder = tmp_path / "toy"
    environment = {**os.environ, "TOY_PAUSE": "1.0"}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT.format(folder=str(folder))], env=environment)
    while process.poll() is None and not ((folder / "rows.jsonl").exists() and len(rows(folder)) >= 2):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    workers = {int(line[0]) for line in started(folder)}
    assert os.getpid() not in workers
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, workers)), "workers outlived the study"
    done, begun = len(rows(folder)), len(started(folder))
    assert 2 <= done < 6
    assert begun <= done + 2 * 2  # what two workers had begun, and one more each before they saw that nobody waits
    result = run_study(Toy(), folder, seed=4, jobs=1)
    assert result == whole[1]
    assert len(started(folder)) == begun + 6 - done
    assert (folder / "result.json").read_bytes() == (whole[0] / "result.json").read_bytes()


def test_a_cut_last_line_is_computed_again(whole, tmp_path):
    folder = tmp_path / "toy"
    run_study(Toy(), folder, seed=4, jobs=1)
    content = (folder / "rows.jsonl").read_bytes()
    for cut in (1, 30, len(content) - 5):
        (folder / "rows.jsonl").write_bytes(content[:-cut])
        assert run_study(Toy(), folder, seed=4, jobs=1) == whole[1]
        assert sorted(map(str, rows(folder))) == sorted(map(str, rows(whole[0])))


def test_rows_that_are_none_are_told_with_their_line(tmp_path):
    run_study(Toy(), tmp_path, jobs=1)
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    for bad in ("{}", "[1]", "word", '{"cell": 3, "row": 4}', b"\xff\xfe".decode("latin-1")):
        (tmp_path / "rows.jsonl").write_bytes("\n".join([lines[0], bad, *lines[2:], ""]).encode("latin-1"))
        with pytest.raises(ResultError, match=r"rows\.jsonl, line 2, is no row of a study"):
            run_study(Toy(), tmp_path, jobs=1)


def test_another_study_s_folder_is_refused(tmp_path):
    run_study(Toy(), tmp_path, jobs=1)
    with pytest.raises(UsageError, match=r"another study: widths is \[1, 2\] there and \[1\] now"):
        run_study(Toy(widths=(1,)), tmp_path, jobs=1)
    with pytest.raises(UsageError, match="another study: seed is 0 there and 1 now"):
        run_study(Toy(), tmp_path, seed=1, jobs=1)
    for bad in ('{"study":', "[]", "3"):
        (tmp_path / "study.json").write_text(bad)
        with pytest.raises((ResultError, UsageError), match="give another folder"):
            run_study(Toy(), tmp_path, jobs=1)


def test_a_model_that_diverges_leaves_the_others_their_rows(tmp_path):
    result = run_study(Toy(diverging=(1,)), tmp_path / "a", jobs=1)
    assert result.answer == "4 are."
    assert sum("it diverged at 1" in note for note in result.notes) == 2
    assert '"seed": 1' in result.notes[0]
    assert result.notes[-1] == "A note."
    assert len(rows(tmp_path / "a")) == 4
    again = run_study(Toy(diverging=(1,)), tmp_path / "a", jobs=1)
    assert again == result
    with pytest.raises(ModelError, match="it diverged at 0"):
        run_study(Toy(diverging=(0, 1, 2)), tmp_path / "b", jobs=1)
    with pytest.raises(UsageError, match="cannot be asked"):
        run_study(Toy(refused=True), tmp_path / "c", jobs=1)


def test_there_must_be_cells_and_jobs(tmp_path):
    with pytest.raises(UsageError, match="0 cells"):
        run_study(Toy(count=0), tmp_path / "none")
    with pytest.raises(UsageError, match="0 jobs"):
        run_study(Toy(), tmp_path / "none", jobs=0)
    assert not (tmp_path / "none").exists()


def test_a_cell_given_twice_is_computed_once(tmp_path):
    result = run_study(Toy(widths=(2, 2), count=2), tmp_path, jobs=1)
    assert result.answer == "2 are."
    assert len(started(tmp_path)) == 2


def test_progress_counts_cells(tmp_path):
    told = []
    run_study(Toy(count=2), tmp_path, jobs=1, progress=lambda *now: told.append(now))
    assert told == [("toy", done, 4) for done in range(5)]


def test_two_of_one_study_are_one_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr("didlearn.claim._PATIENCE", 0.1)
    with held(tmp_path, ""), pytest.raises(UsageError, match="another process is at work in"):
        run_study(Toy(), tmp_path, jobs=1)


def test_data_that_unfold_too_far_are_not_told_of_an_option_that_a_study_lacks(tmp_path, monkeypatch):
    def unfolded(*_):
        Fit(megapixels=1).refuse_unfolding("x.zip", 3_000_000, 9)

    monkeypatch.setattr(Toy, "cells", lambda _: [{"width": 1, "seed": 0}])
    monkeypatch.setattr(Toy, "run_cell", unfolded)
    with pytest.raises(DataError, match=r"3 million pixels.*none was decoded: save the pixels as \.npz") as told:
        run_study(Toy(), tmp_path, jobs=1)
    assert "megapixels" not in str(told.value)


def test_cells_of_workers_are_those_of_this_process(tmp_path, monkeypatch):
    """Also where the folder is named from here, and workers are elsewhere."""
    here = run_study(Toy(count=2), tmp_path / "here", jobs=1)
    monkeypatch.chdir(tmp_path)
    there = run_study(Toy(count=2), Path("there"), jobs=1, backend="loky")
    assert there.model_dump() == here.model_dump()
    assert len(started(tmp_path / "there")) == 4
    assert str(os.getpid()) not in {line[0] for line in started(tmp_path / "there")}
