import pytest

from didlearn.cli import app, progress
from didlearn.cli.commands import auditing
from didlearn.cli.shown import shown
from didlearn.errors import UsageError
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult

TITLE = "a\x1b]0;owned\x07b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TITLE, r"a\x1b]0;owned\x07b"),
        ("\x9b31mred", r"\x9b31mred"),
        ("back\x08\r", r"back\x08\r"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\udcff", r"\udcff"),
        ("two\nlines\tand 1\u202f000, é, 猫, 👩\u200d🔬", "two\nlines\tand 1\u202f000, é, 猫, 👩\u200d🔬"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text, expected):
    assert shown(text) == expected


def test_errors_results_and_progress_are_shown_and_not_sent(monkeypatch, capsys, tmp_path):
    def fails():
        raise UsageError(f"there is no file {TITLE}")

    monkeypatch.setattr(app, "app", fails)
    with pytest.raises(SystemExit):
        app.main()
    check = CheckResult(check=TITLE, question="?", verdict="measured", answer=f"Class {TITLE} is missing.", params={})
    auditing._show(AuditResult(checks=(check,)), tmp_path / TITLE)
    with progress.showing(quiet=False) as advance:
        advance(f"reading {TITLE}", 0, 0)
    said = capsys.readouterr()
    assert "\x1b]" not in said.out + said.err
    assert said.out.count(r"\x1b]0;owned") >= 2
    assert said.err.count(r"\x1b]0;owned") == 2
