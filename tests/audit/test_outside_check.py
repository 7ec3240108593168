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
    path = tmp_path_factory.mktemp("bank") / "dark.npz"
    np.savez(path, x=dl.open_images("digits").read_raw(range(300))[:, 0] // 2)
    return path


def test_it_has_a_command_with_its_own_flags_and_help(installed):
    assert re.search(r"brightness +Are its images as bright as real ones\?", run(installed, "--help").stdout)
    shown = run(installed, "brightness", "--help").stdout
    assert re.search(r"--tolerance .*Shift that is still no fault \(default 0.02\)", shown)
    assert re.search(r"--samples +-n .*Images drawn from the generator \(default 1000\)", shown)
    assert run(installed, "brightness", "--factor", "2").stderr.startswith("error: there is no flag --factor")


def test_its_declaration_loads_nothing_heavy(installed):
    code = "from didlearn.checks import CHECKS\nassert 'brightness' in CHECKS\n"
    assert run(installed, code=f"{code}assert not {{'torch', 'numpy'}} & set(sys.modules)").returncode == 0


def test_it_runs_in_an_audit_and_has_its_place_on_the_page(installed, bank, tmp_path):
    words = [
        "--train",
        "digits",
        "--generator",
        bank,
        "--checks",
        "brightness,support",
        "--set",
        "brightness.samples=200",
        "--set",
        "support.samples=200",
    ]
    done = run(installed, "audit", *words, "-q", "-o", tmp_path / "run")
    assert done.returncode == 1, done.stderr
    found = {check["check"]: check for check in json.loads((tmp_path / "run" / "audit.json").read_text())["checks"]}
    assert found["brightness"]["verdict"] == "fail"
    assert found["brightness"]["params"] == {"samples": 200, "tolerance": 0.02}
    assert found["brightness"]["estimates"]["brightness_shift"]["high"] < -0.1
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Are its images as bright as real ones?" in page
    assert HOW in page
    assert "The mean brightness of generated and of held-out images was compared." in page


@pytest.fixture(scope="module")
def alone(installed, bank, tmp_path_factory):
    """Its command, and the run folder that it wrote."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    words = ["--train", "digits", "--generator", bank, "--tolerance", "0.9", "--json", "-q", "-o", folder]
    return run(installed, "brightness", *words), folder


def test_its_flags_reach_it(alone):
    done, _ = alone
    assert done.returncode == 0, done.stderr
    (check,) = json.loads(done.stdout)["checks"]
    assert (check["verdict"], check["params"]["tolerance"]) == ("pass", 0.9)


def test_a_page_takes_no_text_from_a_check_that_is_not_installed(alone, tmp_path):
    """Where the package is gone, the run's section stays, and neither its HTML nor any of the run folder's is taken."""
    shutil.copytree(alone[1], tmp_path / "run")
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
