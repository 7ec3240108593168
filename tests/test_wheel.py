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


# The installed program, run by the environment's Python on two commands: each process loads for seconds what both need.
RUN = """
import runpy, sys
import didlearn
from didlearn.report import page
print(didlearn.__file__)
program, *commands = {commands!r}
write, page.write_figures = page.write_figures, lambda checks, run: []  # the audit's are enough
for words in commands:
    sys.argv = [program, *words]
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as stopped:
        assert not stopped.code, words
    page.write_figures = write
"""
FEW = ["--checks", "memorization", "-q", "--samples"]
DEMO = ["demo", *FEW, "300", "--output", "demo"]
AUDIT = ["audit", "--train", "digits", "--generator", "sound", *FEW, "200", "--fail-on", "never"]
AUDIT += ["--output", "run", "--markdown", "m.md"]


@pytest.fixture(scope="module")
def ran(wheel, installed, tmp_path_factory):
    """The folder in which the demonstration and an audit were run, and what they said."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "sound").symlink_to(ROOT / "examples" / "digits" / "sound")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    assert f"-{run(installed / 'didlearn', '--version', cwd=folder, env=clean).strip()}-" in wheel.name
    code = RUN.format(commands=[str(installed / "didlearn"), DEMO, AUDIT])
    return folder, run(installed / "python", "-c", code, cwd=folder, env=clean)


def test_every_file_of_the_package_is_in_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    package = ROOT / "src" / "didlearn"
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {f"didlearn/{path.relative_to(package).as_posix()}" for path in files} <= held
    assert not [name for name in held if not name.startswith(("didlearn/", "didlearn-"))]


def test_the_demonstration_s_models_are_in_it_and_their_runs_are_compared(ran):
    folder, said = ran
    assert (folder / "demo" / "compare.html").is_file(), said
    for name in ("sound", "collapsed", "memorised"):
        (found,) = json.loads((folder / "demo" / name / "audit.json").read_text(encoding="utf-8"))["checks"]
        assert (found["check"], found["verdict"] == "fail") == ("memorization", name == "memorised")


def test_it_audits_without_the_source(installed, ran):
    folder, said = ran
    assert Path(said.splitlines()[0]).is_relative_to(installed.parent)
    assert "report: run/report.html" in said
    assert "<style>" in (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert list((folder / "run" / "figures").iterdir())
