"""Estimates laid out for reading: grouped by unit, each group on one shared axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from didlearn.report.numbers import Said, number, say
from didlearn.report.provenance import title
from didlearn.report.scale import Bar, Scale, Tick
from didlearn.result import AuditResult, Estimate


@dataclass(frozen=True)
class Row:
    """One estimate in words, with its place on its axis; ``role`` says whose colour it has."""

    name: str
    said: Said
    bar: Bar
    basis: str
    role: str


@dataclass(frozen=True)
class Group:
    """Estimates that share a unit and an axis; pure numbers share nothing and have an axis each."""

    unit: str
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    log: bool


@dataclass(frozen=True)
class Across:
    """One quantity in several models, on one axis; ``cells`` has ``None`` where a model's audit lacks it."""

    name: str
    unit: str
    cells: tuple[Row | None, ...]
    ticks: tuple[Tick, ...]
    log: bool


def groups(estimates: Mapping[str, Estimate]) -> list[Group]:
    """Group estimates by unit, in order of first appearance."""
    units = dict.fromkeys(e.unit for e in estimates.values())
    return [group for unit in units for group in _group(unit, {n: e for n, e in estimates.items() if e.unit == unit})]


def across(results: Sequence[AuditResult], check: str) -> list[Across]:
    """Line up what one check estimated in each of several audits."""
    found = [next((c.estimates for c in r.checks if c.check == check), {}) for r in results]
    names = dict.fromkeys(name for estimates in found for name in estimates)
    return [_across(name, [estimates.get(name) for estimates in found]) for name in names]


def _across(name: str, estimates: list[Estimate | None]) -> Across:
    present = [e for e in estimates if e is not None]
    scale = Scale.covering(present)
    cells = tuple(None if e is None else _row(name, e, scale) for e in estimates)
    return Across(title(name), present[0].unit, cells, scale.ticks(), scale.log)


def _group(unit: str, estimates: Mapping[str, Estimate]) -> list[Group]:
    if not unit:
        return [_on_one_axis("", {name: e}) for name, e in estimates.items()]
    return [_on_one_axis(unit, estimates)]


def _on_one_axis(unit: str, estimates: Mapping[str, Estimate]) -> Group:
    scale = Scale.covering(estimates.values())
    rows = tuple(_row(name, e, scale) for name, e in estimates.items())
    return Group(unit, rows, scale.ticks(), scale.log)


def _row(name: str, estimate: Estimate, scale: Scale) -> Row:
    basis = f"{estimate.method}; n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{number(estimate.n)}"
    role = next((role for role in ("heldout", "train") if role in name), "generated")
    return Row(title(name), say(estimate), scale.bar(estimate), basis, role)
