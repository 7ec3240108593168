"""The command line as typed: flags, refusals, exit codes, what goes to stdout and what to stderr."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import didlearn as dl
from tests.typed import didlearn


def process(*args, cwd):
    """The same in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "didlearn", *map(str, args)], capture_output=True, text=True, cwd=cwd, check=False
    )


def halves(digits):
    """Two classes, low and high digits: of ten each takes several times the images and the time."""
    return digits // 5


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """Digits drawn from forty training images: a collapsed, memorising bank."""
    folder = tmp_path_factory.mktemp("bank")
    digits = dl.open_images("digits")
    index = np.random.default_rng(0).integers(0, 40, 600)
    np.savez(folder / "samples.npz", x=digits.read_raw(index), y=halves(digits.labels[index]))
    return folder / "samples.npz"


@pytest.fixture(scope="module")
def few(bank):
    """Some digits to be compared with: an eighth of them, in a file that takes no library of data sets to open."""
    np.savez(bank.parent / "few.npz", x=dl.open_images("digits").read_raw(range(240)))
    return bank.parent / "few.npz"


@pytest.fixture(scope="module")
def labelled(bank):
    """As many digits, with their classes, as it takes to compare class by class."""
    digits = dl.open_images("digits")
    np.savez(bank.parent / "labelled.npz", x=digits.read_raw(range(400)), y=halves(digits.labels[:400]))
    return bank.parent / "labelled.npz"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["audit", "--trian", "x"],
            "there is no flag --trian; did you mean --train? valid are --address, --architecture",
        ),
        (["audit", "--train", "digits", "--train", "digits"], "--train is given twice"),
        (
            ["audit", "--outside", "a=digits", "--outside", "a=digits", "--train", "digits"],
            "--outside a is given twice",
        ),
        (["audit", "--outside", "digits", "--train", "digits"], "give NAME=SPEC"),
        (["audit", "--train", "digits", "--outside", "held-out=digits"], "as in --outside other-held-out=..."),
        (["audit", "taken.toml"], "as in --outside other-generated=..."),
        (["audit"], "nothing to audit"),
        (["audit", "--train", "digits", "--checks", "suport"], "did you mean 'support'"),
        (["audit", "--train", "digits", "--samples", "many"], "give a whole number"),
        (["audit", "--train", "digits", "--set", "support=3"], "CHECK.PARAMETER=VALUE"),
        (["audit", "--train", "digits", "--set", "support.size=3"], "no parameter 'size'"),
        (["audit", "--train", "digits", "--latent-shape", "ten"], "give whole numbers"),
        (["audit", "--train", "digits", "--fail-on", "warn"], "valid are fail, inconclusive, never"),
        (["audit", "--train", "nowhere/"], "nowhere"),
        (["audit", "missing.toml"], "there is no file 'missing.toml'"),
        (["support", "--generator", "models.py:make", "--train", "digits"], "--trust-code"),
        (["report", "nowhere"], "holds no audit.json"),
        (["compare", "nowhere"], "holds no audit.json"),
    ],
)
def test_bad_input_gets_one_sentence(args, message, tmp_path):
    (tmp_path / "models.py").write_text("raise SystemExit('ran')\n")
    (tmp_path / "taken.toml").write_text('train = "digits"\n[outside]\ngenerated = "digits"\n')
    done = didlearn(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_process_exits_with_two_and_one_sentence_on_stderr(tmp_path):
    done = process("audit", "missing.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_an_audit_writes_a_run_and_fails_where_a_check_fails(bank, labelled, tmp_path, monkeypatch):
    args = ["--train", labelled, "--generator", bank, "--samples", "300", "--seed", "3", "-o", tmp_path / "run"]
    args += ["--threads", "1"]
    few = [
        "--set",
        "concentration.replicates=19",
        "--set",
        "fidelity.permutations=19",
        "--set",
        "gaussianity.dimension=8",
        "--set",
        "gaussianity.tested=100",
        "--set",
        "gaussianity.replicates=19",
        "--set",
        "gaussianity.alpha=0.2",
    ]
    done = didlearn("audit", *args, *few)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "support" in done.stdout
    assert "fail" in done.stdout
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"audit.json", "report.html", "pairs.csv", "classes.csv", "arrays.npz", "images", "figures"} <= files
    saved = json.loads((tmp_path / "run" / "audit.json").read_text())
    assert [check["check"] for check in saved["checks"]] == [
        "support",
        "memorization",
        "fidelity",
        "inversion",
        "manifold_classifier",
        "likelihood",
        "typicality",
        "gaussianity",
        "concentration",
        "interpolation",
    ]
    drawn = [check["params"]["samples"] for check in saved["checks"] if "samples" in check["params"]]
    assert drawn == [300] * 5
    assert any("split off" in note for note in saved["notes"])
    monkeypatch.setattr("didlearn.report.page.write_figures", lambda checks, run: [])  # they are there
    again = didlearn("report", tmp_path / "run")
    assert again.stdout.strip().endswith("report.html")


def test_json_on_stdout_and_quiet_stderr(bank, few, tmp_path):
    args = ["--generator", bank, "--train", few, "--json", "-q", "--fail-on", "never", "-o", tmp_path / "run"]
    args += ["-n", "200"]
    done = process("support", *args, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    data = json.loads(done.stdout)
    assert data == json.loads((tmp_path / "run" / "audit.json").read_text()) | {"checks": data["checks"]}
    assert [check["check"] for check in data["checks"]] == ["support"]


@pytest.mark.usefixtures("no_figure_files")
def test_flags_win_over_the_file(bank, few, tmp_path):
    (tmp_path / "audit.toml").write_text(
        f'generator = "{bank}"\ntrain = "{few}"\nseed = 5\nchecks = ["support"]\n'
        "[support]\nsamples = 200\nfactor = 3.0\n"
    )
    done = didlearn("audit", "audit.toml", "--samples", "300", "--fail-on", "never", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    check = json.loads(done.stdout)["checks"][0]
    assert (check["params"]["samples"], check["params"]["factor"]) == (300, 3.0)
    assert json.loads(done.stdout)["environment"]["seed"] == 5
    assert (tmp_path / "runs" / "samples-npz" / "report.html").is_file()


def test_a_check_that_cannot_run_exits_with_two(tmp_path):
    np.savez(tmp_path / "big.npz", x=np.zeros((80, 16, 16, 1), np.uint8))
    wrong = didlearn("support", "--generator", tmp_path / "big.npz", "--train", "digits", "-o", tmp_path / "run")
    assert wrong.returncode == 2
    assert "--size 16" in wrong.stdout


@pytest.mark.usefixtures("no_figure_files")
def test_compare_writes_a_page(bank, few, tmp_path):
    args = ["support", "--generator", bank, "--train", few, "-n", "200", "--fail-on", "never", "-q"]
    assert didlearn(*args, "-o", tmp_path / "a").returncode == 0
    shutil.copytree(tmp_path / "a", tmp_path / "b")  # what the same command would write again
    done = didlearn("compare", tmp_path / "a", tmp_path / "b", "--output", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "page.html").stat().st_size > 10_000


def test_shells_complete_commands_and_flags(tmp_path):
    for typed, place, wanted in (("didlearn mem", 1, "memorization"), ("didlearn history --out", 2, "--output")):
        words = {"_DIDLEARN_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(place)}
        done = subprocess.run(
            [Path(sys.executable).parent / "didlearn"],
            env=os.environ | words,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert wanted in done.stdout.split(), done.stdout + done.stderr
