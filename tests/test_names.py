"""Sizes, types and names: what keeps the package readable, held by a scan of its source."""

import ast
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "didlearn"
FILES = sorted(ROOT.rglob("*.py"))
FOLDERS = [ROOT, *sorted(path for path in ROOT.rglob("*") if path.is_dir() and path.name != "__pycache__")]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if said else 0)


def targets(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Tuple):
        return [name for element in node.elts for name in targets(element)]
    return [node.id] if isinstance(node, ast.Name) else []


def defined(node: ast.stmt) -> list[str]:
    """Public names that a statement at the top of a module defines; type variables are local by nature."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        names = [node.name]
    elif isinstance(node, ast.Assign):
        called = node.value.func if isinstance(node.value, ast.Call) else None
        variable = isinstance(called, ast.Name) and called.id == "TypeVar"
        names = [] if variable else [name for target in node.targets for name in targets(target)]
    else:
        names = targets(node.target) if isinstance(node, ast.AnnAssign) else []
    return [name for name in names if not name.startswith("_")]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_holds_at_most_fourteen_files(folder):
    assert len([path for path in folder.iterdir() if path.is_file()]) <= 14


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_at_most_three_hundred_lines(path):
    assert path.read_text(encoding="utf-8").count("\n") <= 300


def test_functions_are_short():
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = sorted(lines_of(node) for path in FILES for node in ast.walk(tree(path)) if isinstance(node, kinds))
    assert statistics.median(lengths) <= 8
    assert lengths[int(0.9 * len(lengths))] <= 22


def test_any_stays_at_the_boundary():
    lines = sum(path.read_text(encoding="utf-8").count("\n") for path in FILES)
    nodes = (node for path in FILES for node in ast.walk(tree(path)))
    assert 1000 * sum(isinstance(node, ast.Name) and node.id == "Any" for node in nodes) <= 6 * lines


def test_a_public_name_stands_for_one_thing():
    homes = defaultdict(set)
    for path in FILES:
        for node in tree(path).body:
            for name in defined(node):
                homes[name].add(path.relative_to(ROOT))
    assert not {name: sorted(map(str, paths)) for name, paths in homes.items() if len(paths) > 1}
