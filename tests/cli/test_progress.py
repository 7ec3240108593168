"""What a person, a log and another program are told of how far an audit is."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from didlearn.cli.progress import FILE, showing
from didlearn.progress import CHECKS_DONE
from tests.typed import didlearn

TERMINAL = Console


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes when it is told to."""
    now = [1000.0]
    monkeypatch.setattr("didlearn.cli.progress.time.monotonic", lambda: now[0])
    return now


def test_without_a_terminal_there_is_a_line_a_minute(clock, capsys):
    with showing(quiet=False) as advance:
        advance(CHECKS_DONE, 2, 9)
        advance("check: inversion", 0, 0)
        for done in range(181):
            advance("inverting training images", done, 180)
            clock[0] += 1
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "check: inversion"
    assert len(lines) == 1 + 3
    assert (
        lines[1]
        == "60 s: inverting training images, 60 of 180, about 2 min left of it (check 3 of 9, about 20 min left in all)"
    )
    assert lines[-1].startswith("3 min: inverting training images, 180 of 180, about 0 s left of it")


def test_a_terminal_shows_the_checks_and_one_thing_at_a_time(clock, monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda **_: TERMINAL(file=said, force_terminal=True, width=120))
    with showing(quiet=False) as advance:
        advance(CHECKS_DONE, 1, 4)
        advance("reading [red]", 3, 10)
        advance("inverting", 0, 10)
        clock[0] += 30
        advance("inverting", 5, 10)
        advance("a sentence", 0, 0)
    text = said.getvalue()
    shown = ("checks", "1/4", "inverting", "5/10", "a sentence", "about 30 s left", "about 2 min left in all")
    assert all(part in text for part in shown)


@pytest.mark.parametrize("quiet", [True, False])
def test_another_program_reads_how_far_an_audit_is(clock, tmp_path, quiet, capsys):
    run = tmp_path / "run"

    def state():
        return json.loads((run / FILE).read_text(encoding="utf-8"))

    with showing(quiet, run) as advance:
        advance("training the classifier", 1, 2)
        assert not run.exists()
        advance(CHECKS_DONE, 0, 3)
        assert (state()["checks_done"], state()["checks"], state()["finished"]) == (0, 3, False)
        clock[0] += 0.5
        advance("inverting", 1, 9)
        assert state()["what"] == "training the classifier"
        clock[0] += 2
        advance("inverting", 3, 9)
        found = state()
        assert (found["what"], found["done"], found["total"], found["seconds"]) == ("inverting", 3, 9, 2.5)
        assert found["seconds_left"] == pytest.approx(6)
        advance(CHECKS_DONE, 3, 3)
        assert (state()["finished"], state()["checks_seconds_left"]) == (True, 0)
    assert [path.name for path in run.iterdir()] == [FILE]


def test_a_state_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "run").write_text("a file")
    with showing(True, tmp_path / "run") as advance:
        advance(CHECKS_DONE, 1, 3)
    assert (tmp_path / "run").read_text() == "a file"


@pytest.mark.usefixtures("no_figure_files")
def test_an_audit_leaves_its_last_state_in_the_run_folder(tmp_path):
    bank = tmp_path / "bank.npz"
    np.savez(bank, np.random.default_rng(0).integers(0, 255, (80, 1, 8, 8), dtype=np.uint8))
    real = tmp_path / "real.npz"
    np.savez(real, np.random.default_rng(1).integers(0, 255, (300, 1, 8, 8), dtype=np.uint8))
    done = didlearn("support", "--train", real, "--generator", bank, "-q", "-o", tmp_path / "run", cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads((tmp_path / "run" / FILE).read_text(encoding="utf-8"))
    assert (found["checks_done"], found["checks"], found["finished"], found["what"]) == (1, 1, True, "support")
