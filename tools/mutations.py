"""Small faults to plant in a module, one at a time, on its syntax tree.

What is read by people or by the type checker alone is left as it is: texts, annotations, decorators, assertions,
messages of errors, and what only draws the page.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import NamedTuple

_NEIGHBOUR: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_NEGATION: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_ANYWHERE = {"min": "max", "max": "min", "any": "all", "all": "any"}
_OF_AN_ARRAY = {
    "argmin": "argmax", "argmax": "argmin", "minimum": "maximum", "maximum": "minimum", "floor": "ceil",
    "ceil": "floor", "mean": "sum", "sum": "mean", "median": "mean", "zeros": "ones", "ones": "zeros",
}  # fmt: skip
_DROPPED = {"sqrt", "abs", "exp", "log", "log2", "log1p", "expm1", "square", "sort", "clip"}
_MODULES = {"np", "math", "torch"}
_WORDS = {"side": ("left", "right"), "alternative": ("greater", "less", "two-sided")}
_SHAPE = {"reshape", "view"}  # any negative number stands for the rest there
_PAGE = {"Figure", "Gallery", "Mark", "Tile", "progress", "cast"}
_SKIPPED = (ast.JoinedStr, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom)
_UNREAD = {"annotation", "returns", "decorator_list", "type_params", "x_log"}
_GUARD = 1e-6  # smaller numbers only keep a quotient finite


class Place(NamedTuple):
    """Where an expression hangs in the tree: ``parent.field``, or ``parent.field[position]``."""

    parent: ast.AST
    field: str
    position: int | None
    function: str

    def put(self, node: ast.AST) -> None:
        """Hang another expression there."""
        if self.position is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.position] = node


@dataclass(frozen=True, eq=False)
class Mutant:
    """One fault: ``replacement`` where ``node`` was.

    Attributes:
        line: where, counted from 1. function: the function or method, or ``<module>``.
        original: the expression, with its surroundings if it is short. mutated: the same with the fault.
    """

    line: int
    function: str
    original: str
    mutated: str
    node: ast.AST
    replacement: ast.AST
    place: Place

    @property
    def within(self) -> str:
        """The function that a test must enter to meet the fault; a class body is met like the module."""
        return "<module>" if self.function.endswith(".") else self.function

    def compile(self, tree: ast.Module, path: str) -> CodeType:
        """Return the module's code with the fault; the tree stays as it was."""
        self.place.put(self.replacement)
        try:
            return compile(tree, path, "exec")
        finally:
            self.place.put(self.node)


def find_mutants(tree: ast.Module) -> list[Mutant]:
    """Return every fault that can be planted in a module, in the order of its text."""
    return [_mutant(node, other, place) for node, place in list(_walk(tree)) for other in _faults(node, place)]


def _mutant(node: ast.AST, other: ast.AST, place: Place) -> Mutant:
    ast.fix_missing_locations(ast.copy_location(other, node))
    shown = place.parent if isinstance(place.parent, ast.expr | ast.keyword | ast.AugAssign) else node
    original = ast.unparse(shown)
    place.put(other)
    mutated = ast.unparse(other if shown is node else shown)
    place.put(node)
    line = int(getattr(node, "lineno", 0) or getattr(place.parent, "lineno", 0))
    return Mutant(line, place.function, original, mutated, node, other, place)


def _walk(node: ast.AST, function: str = "<module>") -> Iterator[tuple[ast.AST, Place]]:
    """Yield every expression that decides something, and what ``+=`` and its kin do, outer before inner."""
    for field, index, child in _children(node):
        if isinstance(child, _SKIPPED) or _only_shown(child) or _rest_of_shape(child, node):
            continue
        if isinstance(child, ast.expr | ast.operator):
            yield child, Place(node, field, index, function)
        if not (isinstance(child, ast.Call) and _called(child) == "isinstance"):
            yield from _walk(child, _inside(child, function))


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if field in _UNREAD:
            continue
        if isinstance(value, ast.AST):
            yield field, None, value
        elif isinstance(value, list):
            yield from ((field, i, child) for i, child in enumerate(value) if isinstance(child, ast.AST))


def _inside(node: ast.AST, function: str) -> str:
    """Return the name of the outermost function; those within it share its name, and a class leads its methods'."""
    if isinstance(node, ast.ClassDef) and function == "<module>":
        return f"{node.name}."
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (function == "<module>" or function.endswith(".")):
        return function.removeprefix("<module>") + node.name
    return function


def _only_shown(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in _UNREAD
    if isinstance(node, ast.Subscript):
        return getattr(node.value, "id", "") == "Literal"
    return isinstance(node, ast.Call) and _called(node) in _PAGE


def _rest_of_shape(node: ast.AST, parent: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(parent, ast.Call) and _called(parent) in _SHAPE


def _called(node: ast.Call) -> str:
    """Return the last part of the called name."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _faults(node: ast.AST, place: Place) -> Iterator[ast.AST]:
    if isinstance(node, ast.expr):
        yield from _expressions(node, place)
    elif isinstance(place.parent, ast.AugAssign) and isinstance(node, ast.operator) and type(node) in _ARITHMETIC:
        yield from [_ARITHMETIC[type(node)]()] if _of_numbers([place.parent.value], node, place) else []


def _expressions(node: ast.expr, place: Place) -> Iterator[ast.expr]:
    match node:
        case ast.Constant(value):
            yield from (ast.Constant(other) for other in _constants(value, place.parent))
        case ast.Compare(left, ops, rights):
            for i, op in enumerate(ops):
                for other in (table[type(op)] for table in (_NEIGHBOUR, _NEGATION) if type(op) in table):
                    yield ast.Compare(left, [*ops[:i], other(), *ops[i + 1 :]], rights)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC and _of_numbers([left, right], op, place):
            yield ast.BinOp(left, _ARITHMETIC[type(op)](), right)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.Call():
            yield from _calls(node)
    if _condition(place) and not isinstance(node, ast.Compare | ast.UnaryOp):
        yield ast.UnaryOp(ast.Not(), node)
    if isinstance(place.parent, ast.Slice) and not isinstance(node, ast.Constant):
        step = ast.Add() if place.field == "lower" else ast.Sub()
        yield ast.BinOp(node, step, ast.Constant(1))


def _condition(place: Place) -> bool:
    return place.field == "test" or (place.field == "ifs" and isinstance(place.parent, ast.comprehension))


def _constants(value: object, parent: ast.AST) -> Sequence[str | float]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, *([value * 2, value // 2] if value > 3 else [])]
    if isinstance(value, float) and (value == 0 or value >= _GUARD):
        level = [1 - 5 * (1 - value)] if 0.8 < value < 1 else []
        return [value * 2, value / 2, *level] if value else [1.0]
    if isinstance(value, str) and isinstance(parent, ast.keyword) and parent.arg in _WORDS:
        return [word for word in _WORDS[parent.arg] if word != value][:1]
    return []


def _of_numbers(ends: list[ast.expr], op: ast.operator, place: Place) -> bool:
    """Whether an operation may be one of numbers; joined texts and tuples and united types are not."""
    if isinstance(op, ast.BitOr | ast.BitAnd) and (place.function == "<module>" or place.function.endswith(".")):
        return False
    texts = (ast.JoinedStr, ast.Tuple, ast.List, ast.Dict)
    return not any(isinstance(e, texts) or (isinstance(e, ast.Constant) and isinstance(e.value, str)) for e in ends)


def _calls(node: ast.Call) -> Iterator[ast.expr]:
    """Another function of the same kind, an argument that skips the function, one round fewer."""
    name, func = _called(node), node.func
    if isinstance(func, ast.Name) and name in _ANYWHERE:
        yield ast.Call(ast.Name(_ANYWHERE[name], ast.Load()), node.args, node.keywords)
    if isinstance(func, ast.Attribute) and name in _ANYWHERE | _OF_AN_ARRAY:
        other = (_ANYWHERE | _OF_AN_ARRAY)[name]
        yield ast.Call(ast.Attribute(func.value, other, ast.Load()), node.args, node.keywords)
    if name in _DROPPED:
        of_array = isinstance(func, ast.Attribute) and getattr(func.value, "id", "") not in _MODULES
        yield from [func.value] if of_array and isinstance(func, ast.Attribute) else node.args[:1]
    if name == "range" and node.args and not isinstance(node.args[-1], ast.Constant):
        fewer = ast.BinOp(node.args[-1], ast.Sub(), ast.Constant(1))
        yield ast.Call(func, [*node.args[:-1], fewer], node.keywords)
