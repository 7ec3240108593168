"""Who may import whom (DESIGN): the layers, and what the command line may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "didlearn"
BASE = {"atomic", "errors", "rng", "result", "parts", "parallel", "wording", "_version"}
LAYERS = {
    "atomic": set(),
    "errors": set(),
    "_version": set(),
    "rng": set(),
    "parallel": set(),
    "result": {"atomic", "errors"},
    "wording": {"result"},
    "parts": {"result"},
    "trusted": {"errors"},
    "statistics": BASE,
    "neighbors": BASE,
    "images": BASE | {"trusted", "statistics", "neighbors"},
    "models": BASE | {"trusted", "statistics", "neighbors", "images"},
    "embeddings": BASE | {"trusted", "statistics", "neighbors", "images"},
    "inference": BASE | {"statistics", "images", "models", "embeddings"},
    "random_matrix": BASE | {"statistics"},
    "duplicates": BASE | {"statistics", "neighbors", "images", "models", "embeddings"},
    "check": BASE | {"images", "models", "embeddings"},
    "manifold": BASE
    | {"statistics", "neighbors", "images", "models", "embeddings", "inference", "duplicates", "check"},
    "density": BASE | {"statistics", "neighbors", "images", "models", "embeddings", "inference", "manifold", "check"},
    "universality": BASE | {"statistics", "images", "models", "embeddings", "random_matrix", "check"},
    "fidelity": BASE | {"statistics", "neighbors", "images", "models", "embeddings", "check"},
    "checks": BASE
    | {"statistics", "neighbors", "images", "models", "embeddings", "inference", "random_matrix"}
    | {"duplicates", "manifold", "density", "universality", "fidelity", "check"},
    "spec": BASE | {"check"},
    "audit": BASE | {"images", "models", "embeddings", "check", "checks", "spec"},
    "report": {"atomic", "errors", "result", "wording", "_version"},
    "labelling": BASE | {"statistics"},
    "console": set(),
    "zoo": BASE | {"statistics", "images", "models", "embeddings"},
    "studies": BASE
    | {"statistics", "neighbors", "images", "models", "embeddings", "inference", "duplicates", "manifold", "check"}
    | {"checks", "zoo", "report"},
    "experiment": BASE | {"console", "images", "zoo", "studies"},
    "command": BASE | {"console", "audit", "spec", "report", "check", "models"},
    "flags": {"errors"},
    "cli": {"errors", "flags", "_version", "command", "experiment", "report", "labelling"},
    "__main__": {"cli"},
}


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


def test_a_check_never_imports_a_check():
    for path in (ROOT / "checks").glob("*.py"):
        assert "checks" not in imports(path), path


def test_every_folder_says_what_it_is():
    for path in ROOT.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_forbidden_names_are_absent():
    for path in ROOT.rglob("*"):
        assert path.stem not in {"utils", "helpers", "common", "manager"}, path


@pytest.mark.parametrize("args", [["--help"], ["audit", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(args):
    code = (
        "import sys\nfrom didlearn.cli import app\n"
        f"try:\n app({args!r})\nexcept SystemExit:\n pass\n"
        "heavy = {'torch', 'numpy', 'scipy', 'sklearn', 'matplotlib', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
