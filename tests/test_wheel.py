"""What is released: the wheel, installed where the source is not, audits and writes its page."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*words, **more):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    settings = os.environ | {"PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, env=settings)
    (built,) = folder.glob("didlearn-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment of its own, which borrows the dependencies and not the editable install beside them.

    A path that a ``.pth`` file adds is searched, and the ``.pth`` files in it are not read.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "lib" / version / "site-packages" / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    program = folder / "bin" / "python"
    install = ("install", "--quiet", "--no-compile", "--no-deps", "--force-reinstall", wheel)
    run(sys.executable, "-m", "pip", "--python", program, *install)
    return folder / "bin"


def test_every_file_of_the_package_is_in_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    package = ROOT / "src" / "didlearn"
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {f"didlearn/{path.relative_to(package).as_posix()}" for path in files} <= held
    assert not [name for name in held if not name.startswith(("didlearn/", "didlearn-"))]


def test_the_demonstration_s_models_are_in_it_and_their_runs_are_compared(installed, tmp_path):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    few = ["--samples", "300", "--checks", "memorization", "--output", "demo", "-q"]
    said = run(installed / "didlearn", "demo", *few, cwd=tmp_path, env=clean)
    assert (tmp_path / "demo" / "compare.html").is_file(), said
    for name in ("sound", "collapsed", "memorised"):
        (found,) = json.loads((tmp_path / "demo" / name / "audit.json").read_text(encoding="utf-8"))["checks"]
        assert (found["check"], found["verdict"] == "fail") == ("memorization", name == "memorised")


def test_it_audits_without_the_source(installed, tmp_path):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    where = run(installed / "python", "-c", "import didlearn; print(didlearn.__file__)", cwd=tmp_path, env=clean)
    assert Path(where).is_relative_to(installed.parent)
    (tmp_path / "sound").symlink_to(ROOT / "examples" / "digits" / "sound")
    asked = [
        "--checks",
        "memorization",
        "--samples",
        "200",
        "--fail-on",
        "never",
        "--output",
        "run",
        "--markdown",
        "m.md",
        "-q",
    ]
    said = run(
        installed / "didlearn", "audit", "--train", "digits", "--generator", "sound", *asked, cwd=tmp_path, env=clean
    )
    assert "report: run/report.html" in said
    assert "<style>" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
