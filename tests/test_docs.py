"""Documentation is tested: what exists has its line, what is written runs."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import didlearn as dl
from didlearn.check import CHECKS
from didlearn.cli import app
from didlearn.spec import build_checks

ROOT = Path(__file__).parents[1]
DOCS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
PAGES = {path.stem: path for path in (ROOT / "docs" / "checks").glob("*.md")}


def test_every_exported_name_is_public_sorted_and_documented():
    assert list(dl.__all__) == sorted(dl.__all__)
    api = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in dl.__all__:
        assert getattr(dl, name) is not None
        assert re.search(rf"`{name}\b", api), f"{name} has no line in docs/api.md"


def test_every_check_has_its_page_and_every_page_its_check():
    import didlearn.checks  # noqa: F401

    assert set(PAGES) == set(CHECKS)


def test_every_parameter_is_on_its_check_s_page():
    for name, check in CHECKS.items():
        text = PAGES[name].read_text(encoding="utf-8")
        for field in dataclasses.fields(check):
            assert f"`{field.name}`" in text, f"{name}.{field.name}"


def test_every_command_and_flag_is_documented():
    import typer

    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for name, command in typer.main.get_command(app).commands.items():
        assert f"`didlearn {name}" in text, name
        for param in command.params:
            for flag in (f for f in param.opts if f.startswith("--")):
                assert f"`{flag}" in text or f"{flag} " in text, f"{name} {flag}"


@pytest.mark.parametrize("generator", ["collapsed", "sound"])
def test_every_estimate_is_on_its_check_s_page(generator):
    small = {"inversion": {"images": 8, "rounds": 1, "starts": 4}, "manifold_classifier": {"images": 8, "rounds": 1}}
    likely = {"images": 8, "chains": 2, "budget": 120}
    small |= {"likelihood": likely, "typicality": likely | {"drawn": 8}}
    checks = build_checks((), small)
    result = dl.audit(train="digits", generator=ROOT / "examples" / "digits" / generator, checks=checks, threads=1)
    for check in result.checks:
        text = PAGES[check.check].read_text(encoding="utf-8")
        for name in check.estimates:
            assert f"`{name}`" in text, f"docs/checks/{check.check}.md does not name the estimate {name}"


def blocks(language):
    for path in DOCS:
        for i, code in enumerate(re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.S)):
            yield pytest.param(path, code, id=f"{path.stem}-{i}")


@pytest.mark.parametrize(
    "path", [p for p in DOCS if "```python" in p.read_text(encoding="utf-8")], ids=lambda p: p.stem
)
def test_python_examples_run(path):
    """The blocks of one page, as one program."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.S))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("path", "text"), list(blocks("json")))
def test_json_examples_are_valid(path, text):
    assert json.loads(text)["format"] == dl.AuditResult.model_fields["format"].default


@pytest.mark.parametrize(("path", "text"), list(blocks("toml")))
def test_toml_examples_are_valid(path, text, tmp_path):
    from didlearn.spec import make_spec, read_toml

    file = tmp_path / "audit.toml"
    file.write_text(text, encoding="utf-8")
    assert make_spec(read_toml(file)).arguments()["checks"]


def test_links_lead_somewhere():
    for path in DOCS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_readme_has_exactly_two_set_up_commands():
    first = re.search(r"```\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
    assert [line.split("#")[0].strip() for line in first.strip().splitlines()] == ["make demo", "make test"]


@pytest.mark.parametrize("line", re.findall(r"^(didlearn .+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
def test_commands_of_the_readme_parse(line):
    """Every flag in them exists; the files do not, and that is the error one gets."""
    done = subprocess.run(
        [sys.executable, "-m", *line.split()], capture_output=True, text=True, cwd=ROOT / "docs", check=False
    )
    assert done.returncode == 2
    assert re.search(r"there is no (file|file or folder) ", done.stderr), done.stderr


def test_one_version_everywhere():
    for name in ("CITATION.cff", "CHANGELOG.md"):
        assert dl.__version__ in (ROOT / name).read_text(encoding="utf-8")
