"""Documentation is tested: what exists has its line, what is written runs."""

import contextlib
import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
import typer
import yaml

import didlearn as dl
from didlearn.audit.spec import build_checks, make_spec, read_toml
from didlearn.checks import CHECKS
from didlearn.cli.app import app
from didlearn.studies.registry import STUDIES
from didlearn.zoo.registry import RECIPES
from tests.typed import Done, didlearn

ROOT = Path(__file__).parents[1]
DOCS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
PAGES = {path.stem: path for path in (ROOT / "docs" / "checks").glob("*.md") if path.stem != "index"}
PARTS = ("The question", "The method", "What is assumed", "The verdict", "How to read it", "How it fails")
VERDICTS = {"pass", "fail", "inconclusive", "measured", "not_run", "error"}
COMMANDS = typer.main.get_group(app).commands
# Samples that still find what the pages say: that less than 0.1 % are copies takes 3 / 0.001 of them.
FEWER = {"support": 1000, "memorization": 4000, "fidelity": 2000}


def test_every_exported_name_is_public_sorted_and_documented():
    assert list(dl.__all__) == sorted(dl.__all__)
    api = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in dl.__all__:
        assert getattr(dl, name) is not None
        assert re.search(rf"`{name}\b", api), f"{name} has no line in docs/api.md"


def test_every_check_has_its_page_and_every_page_its_check():
    assert set(PAGES) == set(CHECKS)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_check_s_page_has_every_part(name):
    text = PAGES[name].read_text(encoding="utf-8")
    found = re.findall(r"^## (.+)$", text, re.M)
    assert [part for part in PARTS if part not in found] == []
    assert "=" in section(text, "## The method") or "∑" in text, "a method is stated with formulas"
    index = (ROOT / "docs" / "checks" / "index.md").read_text(encoding="utf-8")
    assert f"[`{name}`]({name}.md) | {CHECKS[name].question}" in index


def section(text, heading):
    """Return what stands under a heading, up to the next of its level."""
    level = heading.split()[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^{level} |\Z)", text, re.S | re.M)
    assert found, f"there is no section {heading}"
    return found[1]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_model_has_its_section_with_its_settings(name):
    page = (ROOT / "docs" / "models-zoo.md").read_text(encoding="utf-8")
    own, shared = section(page, f"## `{name}`"), section(page, "## Training")
    assert f"didlearn train {name} " in own
    for field in dataclasses.fields(RECIPES[name]):
        said = f"`{field.name}` ({field.default})"
        assert said in own or (said in shared and f"`{field.name}` (" not in own), f"{name}: {said}"


@pytest.mark.parametrize("name", sorted(STUDIES))
def test_every_study_has_its_section_with_its_grids(name):
    study = STUDIES[name]
    own = section((ROOT / "docs" / "studies" / "index.md").read_text(encoding="utf-8"), f"## `{name}`")
    assert study.question in own
    assert f"didlearn study {name}" in own
    assert "**What it does not show" in own or "**What it shows, and what not" in own
    grid = dict(re.findall(r"^\| (.*?) \| (.*) \|$", own, re.M))
    for field in dataclasses.fields(study):
        row = [key for key in grid if f"`{field.name}`" in key]
        assert row or field.name in ("data", "size"), f"{name}: {field.name}"
        for value in (field.default, study.FULL.get(field.name)) if row else ():
            for part in value if isinstance(value, tuple) else (value,):
                told = grid[row[0]].replace("\u00a0", "").replace("the same", str(field.default))
                assert part is None or str(part) in re.sub(r"(?<=\d) (?=\d{3})", "", told), (
                    f"{name}: {field.name} {part}"
                )


def test_every_parameter_is_on_its_check_s_page():
    for name, check in CHECKS.items():
        text = PAGES[name].read_text(encoding="utf-8")
        for field in dataclasses.fields(check):
            assert f"`{field.name}`" in text, f"{name}.{field.name}"


def test_every_command_and_flag_is_documented():
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for name, command in COMMANDS.items():
        assert f"`didlearn {name}" in text, name
        for param in command.params:
            for flag in (f for f in param.opts if f.startswith("--")):
                assert f"`{flag}" in text or f"{flag} " in text, f"{name} {flag}"


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_check_s_own_flags_are_in_its_row(name):
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| \[`didlearn {name}`\]\(checks/{name}.md\) \| (.+) \|$", text, re.M)[1]
    flags = {flag for flag in re.findall(r"--[\w-]+", row) if not flag.startswith("--no-")}
    assert flags == {f"--{key.replace('_', '-')}" for key in CHECKS[name].parameters()}


@pytest.mark.usefixtures("short_race")
@pytest.mark.parametrize(
    ("generator", "names", "real"), [("sound", (), 700), ("collapsed", ("support", "fidelity"), 1797)]
)  # of one that repeats itself more can be estimated, if there are enough real images
def test_every_estimate_is_on_its_check_s_page(generator, names, real):
    """In an audit so small that every estimate is still there; curves that give none are left out."""
    small: dict[str, dict[str, Any]] = {
        "inversion": {"images": 8, "rounds": 0, "starts": 1, "draws": 20},
        "manifold_classifier": {"images": 8, "rounds": 0},
    }
    likely = {"images": 8, "chains": 2, "budget": 120}
    small |= {"likelihood": likely | {"sigma_curves": False}, "typicality": likely | {"drawn": 8}}
    small |= {
        "concentration": {"samples": 300, "replicates": 19},
        "fidelity": {"samples": 300, "permutations": 19},
        "gaussianity": {"samples": 500, "replicates": 19, "alpha": 0.2, "dimension": 16, "tested": 100},
    }
    small |= {"support": {"samples": 300}, "memorization": {"samples": 300, "aligned": 30}}
    checks = build_checks(names, {name: small[name] for name in names or small})
    train = dl.open_images("digits").subset(range(real))
    result = dl.audit(train=train, generator=ROOT / "examples" / "digits" / generator, checks=checks, threads=1)
    for check in result.checks:
        text = PAGES[check.check].read_text(encoding="utf-8")
        for name in check.estimates:
            told = re.sub(r"^class_share_.+", "class_share_NAME", name)  # a class is called as the data call it
            assert f"`{told}`" in text, f"docs/checks/{check.check}.md does not name the estimate {name}"
            assert declared(CHECKS[check.check], name), f"{check.check} does not declare the estimate {name}"


def declared(check, name):
    """Whether a check declares an estimate of this name."""
    return any(re.fullmatch(pattern(key), name) for key in check.estimates)


def pattern(key):
    """What a declared name matches: a group's name is anything, and what stands in brackets may be absent."""
    return re.sub(r"\\{\w+\\}", ".+", re.escape(key)).replace(r"\[", "(?:").replace(r"\]", ")?")


def names(key):
    """Every name that a declared one stands for, groups left open."""
    first, bracket, rest = key.partition("[")
    if not bracket:
        return [key]
    inside, _, after = rest.partition("]")
    return [name for middle in ("", inside) for name in names(first + middle + after)]


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_declared_estimates_and_the_page_s_are_the_same(name):
    """Each row of the page's tables is declared, and each declared name, its forms included, has its row."""
    rows = re.findall(r"^\| (`[^|]*`) \|", PAGES[name].read_text(encoding="utf-8"), re.M)
    shown = {shown for row in rows for shown in re.findall(r"`([^`]+)`", row)} - VERDICTS
    assert [shown for shown in sorted(shown) if not declared(CHECKS[name], shown)] == []
    text = PAGES[name].read_text(encoding="utf-8")
    written = set(re.findall(r"`([^`\s]+)`", text))
    for form in (form for key in CHECKS[name].estimates for form in names(key)):
        assert any(re.fullmatch(pattern(form), word) for word in written), f"{name}: {form} is not on its page"


def blocks(language):
    for path in DOCS:
        for i, code in enumerate(re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.S)):
            yield pytest.param(path, code, id=f"{path.stem}-{i}")


WITH_PYTHON = [path for path in DOCS if "```python" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_PYTHON, ids=lambda p: p.stem)
def test_python_examples_run(path, monkeypatch):
    """The blocks of one page, as one program on fewer samples, as their commands are."""
    fewer = on_fewer(dl.audit)
    monkeypatch.setattr(import_module("didlearn.audit.run"), "audit", fewer)  # `didlearn.audit` itself cannot be set
    assert dl.audit is fewer
    run_blocks(path, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("path", WITH_PYTHON, ids=lambda p: p.stem)
def test_python_examples_run_as_they_stand(path, monkeypatch):
    run_blocks(path, monkeypatch)


def on_fewer(audit):
    """An audit that draws fewer images for each of the checks that a page names; one thread gives the same for less."""

    def audited(*, checks=None, **asked):
        if checks and all(isinstance(check, str) for check in checks):
            checks = build_checks(checks, {name: {"samples": FEWER[name]} for name in FEWER if name in checks})
        return audit(checks=checks, **({"threads": 1} | asked))

    return audited


def run_blocks(path, monkeypatch):
    """The blocks of one page, as one program: a module of its own."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.S))
    page = ModuleType("page")
    monkeypatch.setitem(sys.modules, page.__name__, page)
    monkeypatch.chdir(ROOT)
    with mock.patch.dict(CHECKS):  # a page may register a check
        exec(compile(code, path, "exec"), vars(page))


WITH_COMMANDS = [path for path in DOCS if "```bash" in path.read_text(encoding="utf-8")]


@pytest.mark.usefixtures("quick_classifier", "no_figure_files")
@pytest.mark.parametrize("path", WITH_COMMANDS, ids=lambda p: p.stem if p.stem != "index" else p.parent.name)
def test_commands_run(path, tmp_path):
    """The commands of one page on fewer samples, with what the page says that they find."""
    run_commands(path, tmp_path, fewer)


@pytest.mark.slow
@pytest.mark.parametrize("path", WITH_COMMANDS, ids=lambda p: p.stem if p.stem != "index" else p.parent.name)
def test_commands_run_as_they_stand(path, tmp_path):
    run_commands(path, tmp_path, lambda words, folder: words)


def fewer(words, folder):
    """A command that draws fewer samples, on one thread, which gives the same for less."""
    words = ["1000" if before == "--samples" else word for before, word in zip(["", *words], words, strict=False)]
    if words[0] == "study":
        return [*words, "--jobs", "1"]
    if words[0] == "audit":
        named = (
            words[words.index("--checks") + 1].split(",")
            if "--checks" in words
            else read_toml(folder / words[1])["checks"]
        )
        words += [word for name in named for word in ("--set", f"{name}.samples={FEWER[name]}")]
    return [*words, "--threads", "1"] if words[0] in ("audit", *CHECKS) else words


def run_commands(path, tmp_path, asked):
    """Run the commands of one page, one after the other, beside the files that the page shows."""
    text = path.read_text(encoding="utf-8")
    for name, content in re.findall(r'```\w+ title="([\w.]+)"\n(.*?)```', text, re.S):
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for line in joined("".join(re.findall(r"```bash\n(.*?)```", text, re.S))).splitlines():
        done = in_shell(line, tmp_path, asked)
        # 1: a check found what the page says that it finds.
        assert done.returncode in (0, 1), f"{line}: {done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
    if path.stem == "tutorial":
        verdicts = [verdicts_of(tmp_path / "runs" / name) for name in ("collapsed", "memorised", "sound")]
        assert f"| verdicts | {' | '.join(verdicts)} |" in text


def in_shell(line, folder, asked):
    """Run a line as a shell would; Python and a command of ours run in this process, which has loaded everything."""
    program, *words = shlex.split(line)
    if [program, *words[:1]] == ["python", "-c"]:
        with contextlib.chdir(folder), mock.patch.object(sys, "path", [str(folder), *sys.path]):
            exec(compile(words[1], line, "exec"), {"__name__": "__main__"})
        for name, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").parent == folder:
                del sys.modules[name]  # another page's file may be called the same
        return Done(0, "", "")
    if program == "didlearn":
        return didlearn(*asked(words, folder), cwd=folder)
    here = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=folder, env=os.environ | here, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def joined(shell):
    """Take lines that a backslash carries on to one."""
    return re.sub(r"\\\n\s*", "", shell)


def verdicts_of(run):
    return ", ".join(check.verdict for check in dl.AuditResult.load(run).checks)


def commands():
    for path in DOCS:
        shown = "".join(re.findall(r"^```(?:bash)?\n(.*?)^```", path.read_text(encoding="utf-8"), re.S | re.M))
        for line in re.findall(r"^didlearn .+$", joined(shown), re.M):
            yield pytest.param(line, id=f"{path.stem}: {line}")


@pytest.mark.parametrize("line", list(commands()))
def test_commands_parse(line):
    """Every command, flag, model and study in them exists."""
    _, name, *words = shlex.split(line, comments=True)
    if name == "--version":
        return
    given = COMMANDS[name].make_context(name, words).params
    assert name != "train" or given["model"] in RECIPES
    assert name != "study" or given["name"] in STUDIES


@pytest.mark.parametrize(("path", "text"), list(blocks("json")))
def test_json_examples_are_valid(path, text):
    assert json.loads(text)["format"] == dl.AuditResult.model_fields["format"].default


@pytest.mark.parametrize(("path", "text"), list(blocks("toml")))
def test_toml_examples_are_valid(path, text, tmp_path):
    file = tmp_path / "audit.toml"
    file.write_text(text, encoding="utf-8")
    assert make_spec(read_toml(file)).arguments()["checks"]


def test_links_lead_somewhere():
    for path in DOCS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_site_leads_to_every_page():
    def pages(entry):
        if isinstance(entry, str):
            return [entry]
        return [page for part in (entry.values() if isinstance(entry, dict) else entry) for page in pages(part)]

    nav = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert len(nav) == len(set(nav))
    assert set(nav) == {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}


def test_the_reference_holds_every_exported_name_check_model_and_study():
    pages = (ROOT / "docs" / "reference").glob("*.md")
    there = set(re.findall(r"^::: (\S+)$", "\n".join(page.read_text(encoding="utf-8") for page in pages), re.M))
    public = [getattr(dl, name) for name in dl.__all__ if name != "__version__"]
    public += [*CHECKS.values(), *RECIPES.values(), *STUDIES.values()]
    assert [named(thing) for thing in public if named(thing) not in there] == []


def named(thing):
    return f"{thing.__module__}.{thing.__qualname__}"


def test_the_readme_has_exactly_two_set_up_commands():
    first = re.search(r"```\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
    assert [line.split("#")[0].strip() for line in first.strip().splitlines()] == ["make demo", "make test"]


@pytest.mark.parametrize("line", re.findall(r"^(didlearn .+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
def test_commands_of_the_readme_parse(line):
    """Every flag in them exists; the files do not, and that is the error one gets."""
    done = didlearn(*line.split()[1:], cwd=ROOT / "docs")
    assert done.returncode == 2
    assert re.search(r"there is no (file|file or folder|model) ", done.stderr), done.stderr


def test_every_package_has_its_row_in_the_design():
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    packages = [path.parent.name for path in (ROOT / "src" / "didlearn").glob("*/__init__.py")]
    assert [name for name in packages if f"`{name}/`" not in text] == []


def test_the_walk_in_the_design_goes_through_files_that_exist():
    walk = section((ROOT / "docs" / "design.md").read_text(encoding="utf-8"), "## One option, one image, one estimate")
    paths = re.findall(r"`([\w/]+\.(?:py|html))`", walk)
    homes = [ROOT / "src" / "didlearn", ROOT / "src" / "didlearn" / "report"]
    assert len(paths) > 20
    assert [path for path in paths if not any((home / path).is_file() for home in homes)] == []
    assert walk.count("step back") == 1


def test_one_version_everywhere():
    for name in ("CITATION.cff", "CHANGELOG.md"):
        assert dl.__version__ in (ROOT / name).read_text(encoding="utf-8")
