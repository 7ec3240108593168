"""What an audit writes beside its run folder, and the history of several, as typed."""

from xml.etree import ElementTree as ET

import pytest

import didlearn as dl
from didlearn.result.passed_on.history import read_history
from tests.typed import didlearn

QUICK = ("--train", "digits", "--checks", "fidelity", "-n", "400", "--set", "fidelity.permutations=19", "-q")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Digits as a bank of samples: quicker than any network."""
    import numpy as np

    file = tmp_path_factory.mktemp("samples") / "samples.npz"
    digits = dl.open_images("digits")
    np.savez(file, (digits.read_raw(range(len(digits)))))
    return file


@pytest.mark.usefixtures("no_figure_files")
def test_files_are_written_and_say_the_same(samples, tmp_path):
    named = [f"--{kind}={tmp_path / 'out' / name}" for kind, name in
             (("junit", "j.xml"), ("markdown", "m.md"), ("history", "h.jsonl"))]  # fmt: skip
    for step in ("7", "9"):
        done = didlearn("audit", *QUICK, "--generator", samples, "-o", tmp_path / "run", *named, "--step", step)
        assert done.returncode in (0, 1), done.stderr
    result = dl.AuditResult.load(tmp_path / "run")
    assert (tmp_path / "out" / "m.md").read_text(encoding="utf-8") == result.to_markdown()
    assert ET.parse(tmp_path / "out" / "j.xml").getroot()[0].get("failures") == str(int(done.returncode == 1))
    entries = read_history(tmp_path / "out" / "h.jsonl").entries
    assert [entry.step for entry in entries] == [7, 9]
    assert entries[1].checks["fidelity"].estimates == result["fidelity"].estimates
    shown = didlearn("history", tmp_path / "out" / "h.jsonl", "-o", tmp_path / "page.html")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("step 7: ")
    assert "step 9" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--junit", "."], "is a folder; give --junit"),
        (["--markdown", "taken/m.md"], "give --markdown"),
        (["--step", "3"], "give --history too"),
        (["--step", "-3", "--history", "h.jsonl"], "--step is -3"),
        (["--history", "taken"], "is no history"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_runs(samples, tmp_path, flags, words):
    (tmp_path / "taken").write_text("no history\n")
    done = didlearn("audit", *QUICK, "--generator", samples, "-o", "run", *flags, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr, done.stderr
    assert not (tmp_path / "run").exists()


def test_an_audit_in_python_writes_the_page_that_the_command_does(samples, tmp_path):
    from didlearn.report import render

    checks = [dl_check("fidelity")]
    dl.audit(train="digits", generator=samples, checks=checks, output=tmp_path / "run", threads=1)
    loaded = dl.AuditResult.load(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert page == render(loaded, tmp_path / "run", linked=True)
    assert (tmp_path / "run" / "figures").is_dir()


def dl_check(name):
    from didlearn.audit.spec import build_checks

    (check,) = build_checks([name], {name: {"samples": 400, "permutations": 19}})
    return check
