"""Who may import whom (DESIGN): the layers, and what the command line may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "didlearn"
BASE = {
    "arrays",
    "atomic",
    "claim",
    "company",
    "errors",
    "exported",
    "foreign",
    "naming",
    "noise",
    "rng",
    "progress",
    "result",
    "parallel",
    "readiness",
    "units",
    "_version",
}
DATA = BASE | {"trusted", "statistics", "neighbors", "images"}
OPENED = BASE | {"statistics", "images", "models", "embeddings"}
ENGINES = {"derivatives", "inversion", "evidence"}
LAYERS = {
    "arrays": set(),
    "atomic": set(),
    "claim": {"atomic", "errors", "foreign"},
    "foreign": {"errors"},
    "progress": set(),
    "errors": set(),
    "_version": set(),
    "naming": set(),
    "rng": set(),
    "company": {"rng"},
    "parallel": set(),
    "readiness": {"errors", "naming"},
    "units": {"arrays", "atomic", "errors", "naming", "parallel", "readiness", "_version"},
    "trusted": {"errors", "naming", "readiness"},
    "exported": {"errors", "naming", "parallel", "units"},
    "result": {"arrays", "atomic", "claim", "errors", "foreign"},
    "statistics": BASE,
    "neighbors": BASE,
    "random_matrix": BASE | {"statistics"},
    "images": DATA,
    "models": DATA,
    "embeddings": DATA,
    "alignment": BASE | {"images"},
    "derivatives": OPENED,
    "inversion": OPENED | {"derivatives"},
    "evidence": OPENED | {"derivatives"},
    "checks": OPENED | ENGINES | {"neighbors", "random_matrix", "alignment", "audit"},
    "audit": OPENED | {"checks", "report"},
    "check": {"audit"},
    "report": {"arrays", "atomic", "errors", "readiness", "result", "_version", "audit", "checks"},
    "labelling": BASE | {"statistics"},
    "zoo": OPENED,
    "monitoring": OPENED | {"audit", "checks"},
    "sampling": BASE | {"images", "models"},
    "studies": OPENED | ENGINES | {"neighbors", "audit", "checks", "zoo", "report"},
    "cli": OPENED | {"audit", "checks", "report", "labelling", "zoo", "sampling", "studies"},
    "__main__": {"cli"},
}
# Within the flow: what a check may see of it, and what the report may see of either: declarations alone.
SEEN_BY_CHECKS = {"audit.check", "audit.method", "audit.subject"}
SEEN_BY_REPORT = {"audit.check", "audit.method", "checks"}


def imports(path: Path) -> set[str]:
    """Top-level parts of didlearn that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "didlearn":
            found |= {"_version" if alias.name == "__version__" else alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("didlearn."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("didlearn.")}
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"
    return found


FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert part in LAYERS, f"{part} has no place in the layers; give it one here and in docs/design.md"
    strangers = imports(path) - LAYERS[part] - {part}
    assert not strangers, f"{part} may not import {sorted(strangers)}"


def modules(path: Path) -> set[str]:
    """Modules of didlearn that a file imports, wherever in it, without the package's own name."""
    nodes = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)]
    return {n.module.removeprefix("didlearn.") for n in nodes if (n.module or "").startswith("didlearn.")}


FOLDERS = sorted(path.parent.name for path in (ROOT / "checks").glob("*/check.py"))


def test_a_check_never_imports_a_check():
    for path in (ROOT / "checks").rglob("*.py"):
        own = path.relative_to(ROOT / "checks").parts[0]
        others = {part for module in modules(path) for part in module.split(".")[1:2] if module.startswith("checks.")}
        assert not (others & set(FOLDERS)) - {own}, path


def test_a_check_sees_the_subject_and_not_the_flow():
    for path in (ROOT / "checks").rglob("*.py"):
        assert {module for module in modules(path) if module.split(".")[0] == "audit"} <= SEEN_BY_CHECKS, path


def test_the_report_sees_declarations_and_never_what_measures():
    for path in (ROOT / "report").rglob("*.py"):
        assert {module for module in modules(path) if module.split(".")[0] in ("audit", "checks")} <= SEEN_BY_REPORT, (
            path
        )


def test_every_folder_says_what_it_is():
    for path in ROOT.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_forbidden_names_are_absent():
    for path in ROOT.rglob("*"):
        assert path.stem not in {"utils", "helpers", "common", "manager"}, path


def test_of_the_flow_only_its_end_sees_the_report():
    seeing = [path.name for path in (ROOT / "audit").rglob("*.py") if "report" in imports(path)]
    assert seeing == ["run.py"]


COMMANDS = [
    "audit",
    *FOLDERS,
    "cache",
    "report",
    "compare",
    "history",
    "label",
    "sample",
    "statistics",
    "train",
    "study",
]
HEAVY = "{'torch', 'numpy', 'scipy', 'sklearn', 'matplotlib', 'PIL'} & set(sys.modules)"


def loaded(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, which may look at what it has loaded: ``heavy()``."""
    code = f"import sys\ndef heavy(): return {HEAVY}\n{code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


LINES = [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)]
REFUSED = [
    ["audit"],
    ["audit", "--fail-on", "often"],
    ["audit", "--train", "digits", "--trian", "x"],
    ["audit", "--train", "digits", "--checks", "suport"],
    ["audit", "--train", "digits", "--seed", "-1"],
    ["audit", "--train", "digits", "--set", "support.size=3"],
    ["audit", "--train", "digits", "--set", "support.factor=much"],
    ["audit", "--train", "digits", "--samples", "many"],
    ["audit", "--train", "digits", "--outside", "train=digits"],
    ["audit", "missing.toml"],
    ["support", "--train", "digits", "--factor", "much"],
]


def test_help_and_refused_flags_load_nothing_heavy():
    done = loaded(f"""
from didlearn.cli.app import main
for args in {[*LINES, *REFUSED]!r}:
    sys.argv[1:] = args
    try:
        main()
    except SystemExit as stopped:
        assert (stopped.code or 0) == 2 * (args in {REFUSED!r}), args
    assert not heavy(), (args, heavy())
""")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def told():
    """What a process has loaded that imported first the flow of an audit, then every likelihood."""
    names = ", ".join("didlearn." + ".".join(p.relative_to(ROOT).with_suffix("").parts) for p in LIKELIHOODS)
    done = loaded(f"""
import didlearn.audit.run
flow = sorted(heavy())
import {names}
print([flow, [m for m in sys.modules if m.startswith("didlearn.neighbors")]])
""")
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


def test_the_audit_loads_what_a_check_needs_only_when_it_runs(told):
    assert set(told[0]) == {"torch", "numpy", "PIL"}


def test_declarations_load_nothing_heavy():
    done = loaded(f"from didlearn.checks import CHECKS\nassert len(CHECKS) == {len(FOLDERS)}\nassert not heavy()")
    assert done.returncode == 0, done.stderr


LIKELIHOODS = [p for room in ("likelihood", "log_likelihood") for p in sorted((ROOT / "checks" / room).glob("*.py"))]


def test_likelihoods_know_no_neighbours(told):
    assert told[1] == []
