"""A check of another package, the one that the docs show: announced, it needs nothing of didlearn changed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import didlearn as dl

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
HOW = "<p>Dark images are <em>not</em> night.</p>"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder on the path, as an installer leaves one: the page's package, its text, and what announces it."""
    site = tmp_path_factory.mktemp("site")
    page = PAGE.read_text(encoding="utf-8")
    code, announced = (re.search(rf"```{kind}\n(.*?)```", page, re.S)[1] for kind in ("python", "ini"))
    assert len(code.splitlines()) <= 40, "the page promises about thirty lines"
    (site / "brightness_check").mkdir()
    (site / "brightness_check" / "__init__.py").write_text(code)
    (site / "brightness_check" / "how.html").write_text(HOW)
    name, target = re.search(r'^(\w+) = "(\S+)"$', announced, re.M).groups()
    dist = site / "brightness_check-1.0.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: brightness-check\nVersion: 1.0\n")
    (dist / "entry_points.txt").write_text(f"[didlearn.checks]\n{name} = {target}\n")
    return site


def run(site, *words, code="from didlearn.cli.app import main; main()"):
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", f"import sys\nsys.argv[0] = 'didlearn'\n{code}", *map(str, words)]
    env = os.environ | {"PYTHONPATH": path, "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=site, check=False)


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """Digits made darker, and beside them others as they are."""
    folder = tmp_path_factory.mktemp("bank")
    pictures = dl.open_images("digits").read_raw(range(600))[:, 0]
    np.savez(folder / "dark.npz", x=pictures[:300] // 2)
    np.savez(folder / "train.npz", x=pictures[300:])
    return folder / "dark.npz"


def test_it_has_a_command_with_its_own_flags_and_help(installed):
    assert re.search(r"brightness +Are its images as bright as real ones\?", run(installed, "--help").stdout)
    shown = run(installed, "brightness", "--help").stdout
    assert re.search(r"--tolerance .*Shift that is still no fault \(default 0.02\)", shown)
    assert re.search(r"--samples +-n .*Images drawn from the generator \(default 1000\)", shown)
    assert run(installed, "brightness", "--factor", "2").stderr.startswith("error: there is no flag --factor")


def test_its_declaration_loads_nothing_heavy(installed):
    code = "from didlearn.checks import CHECKS\nassert 'brightness' in CHECKS\n"
    assert run(installed, code=f"{code}assert not {{'torch', 'numpy'}} & set(sys.modules)").returncode == 0


TWO_COMMANDS = """
import contextlib, io, json
import didlearn.report.page
from didlearn.cli.app import main
didlearn.report.page.write_figures = lambda checks, run: []  # files that nothing here reads
done = []
for words in json.loads(sys.argv.pop()):
    sys.argv[1:] = words
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            main()
        except SystemExit as stopped:
            done.append((stopped.code or 0, out.getvalue()))
        else:
            done.append((0, out.getvalue()))
print(json.dumps(done))
"""


@pytest.fixture(scope="module")
def both(installed, bank, tmp_path_factory):
    """An audit of two checks, and its own command: what each exited with and said, and its run folder.

    One process runs them, one after the other, where the package is installed.
    """
    folders = [tmp_path_factory.mktemp(name) / "run" for name in ("audit", "alone")]
    data = ["--train", bank.parent / "train.npz", "--generator", bank, "-q"]
    few = ["--checks", "brightness,support", "--set", "brightness.samples=200", "--set", "support.samples=200"]
    commands = [
        ["audit", *data, *few, "-o", folders[0]],
        ["brightness", *data, "--tolerance", "0.9", "--json", "-o", folders[1]],
    ]
    done = run(installed, json.dumps([[str(word) for word in words] for words in commands]), code=TWO_COMMANDS)
    assert done.returncode == 0, done.stderr
    return [(code, said, folder) for (code, said), folder in zip(json.loads(done.stdout), folders, strict=True)]


def test_it_runs_in_an_audit_and_has_its_place_on_the_page(both):
    code, _, folder = both[0]
    assert code == 1
    found = {check["check"]: check for check in json.loads((folder / "audit.json").read_text())["checks"]}
    assert found["brightness"]["verdict"] == "fail"
    assert found["brightness"]["params"] == {"samples": 200, "tolerance": 0.02}
    assert found["brightness"]["estimates"]["brightness_shift"]["high"] < -0.1
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Are its images as bright as real ones?" in page
    assert HOW in page
    assert "The mean brightness of generated and of held-out images was compared." in page


def test_its_flags_reach_it(both):
    code, said, _ = both[1]
    assert code == 0
    (check,) = json.loads(said)["checks"]
    assert (check["verdict"], check["params"]["tolerance"]) == ("pass", 0.9)


def test_a_page_takes_no_text_from_a_check_that_is_not_installed(both, tmp_path):
    """Where the package is gone, the run's section stays, and neither its HTML nor any of the run folder's is taken."""
    shutil.copytree(both[1][2], tmp_path / "run")
    (tmp_path / "run" / "how.html").write_text(HOW)
    saved = tmp_path / "run" / "audit.json"
    saved.write_text(saved.read_text().replace("Are its images as bright", HOW.replace('"', "")))
    from didlearn.report import write_report

    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert "Brightness" in page
    assert HOW not in page


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise RuntimeError('broken')", "broken"),
        ("Brightness = 3", "3 is no check"),
        (
            "from didlearn.checks.support.check import Support\nclass Brightness(Support): pass",
            "two checks are called 'support'",
        ),
    ],
)
def test_a_faulty_package_is_left_out_with_a_warning(installed, tmp_path, code, why):
    for path in installed.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = tmp_path / path.relative_to(installed)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "brightness_check" / "__init__.py").write_text(code)
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    assert "UserWarning: the check 'brightness' of another package cannot be used" in done.stderr
    assert why in done.stderr
    assert "brightness" not in done.stdout
