"""No number for absence: nowhere in the package is a missing estimate, or an open end, read as a number in passing."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src" / "didlearn"
FILES = sorted(ROOT.rglob("*.py"))
READ = {"value", "low", "high"}


def is_number(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def is_read(node):
    """Whether an expression reads a value or an end: ``e.value``, ``found[name].low``."""
    return isinstance(node, ast.Attribute) and node.attr in READ


def stands_in(node):
    """Whether a number stands in for what is not there: ``e.value or 0``, ``1.0 if e.high is None else e.high``."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return any(is_read(left) for left in node.values[:-1]) and is_number(node.values[-1])
    if isinstance(node, ast.IfExp) and isinstance(node.test, ast.Compare) and is_read(node.test.left):
        return is_number(node.body) or is_number(node.orelse)
    return False


def offences(text):
    found = [node for node in ast.walk(ast.parse(text)) if stands_in(node)]
    return [node.lineno for node in found if isinstance(node, ast.expr)]


@pytest.mark.parametrize(
    "text",
    [
        "x.value or 0",
        "found[name].low or 0.0",
        "min((e.high or 1.0), 2)",
        "1.0 if e.high is None else e.high",
        "e.value if e.value is not None else 0",
        "e.value or other or 0",
    ],
)
def test_the_scan_sees_every_way_to_write_it(text):
    assert offences(text) == [1]


@pytest.mark.parametrize("text", ["x.value", "x.low_or(0)", "series.low or blank", "x.count or 0", "x.value or ''"])
def test_the_scan_sees_nothing_else(text):
    assert offences(text) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_number_stands_in_for_an_absent_one(path):
    assert offences(path.read_text(encoding="utf-8")) == []
