"""Estimates laid out for reading: grouped by unit, each group on one shared axis."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from didlearn.audit.check import Better
from didlearn.report.comparison.direction import SAID, SHARE_SAID, direction, null_of
from didlearn.report.figures.scale import Bar, Scale, Tick
from didlearn.report.plain import plain_name
from didlearn.result.files import AuditResult
from didlearn.result.values import Estimate
from didlearn.result.words import Said, in_full, in_percent, say


@dataclass(frozen=True)
class EstimateRow:
    """One estimate in words, with its place on its axis.

    Attributes:
        role: says whose colour it has. null: what real images reach, in words; empty where that was not estimated.
    """

    name: str
    said: Said
    bar: Bar
    basis: str
    role: str
    null: str = ""


@dataclass(frozen=True)
class Panel:
    """Estimates that share a unit and an axis; pure numbers share nothing and have an axis each."""

    unit: str
    rows: tuple[EstimateRow, ...]
    ticks: tuple[Tick, ...]
    log: bool


@dataclass(frozen=True)
class Across:
    """One quantity in several models, on one axis.

    Attributes:
        cells: one per model; ``None`` where its audit lacks the quantity.
        keys: what to sort the models by: the value, else the end of the interval that is known, else empty.
        better: which values are better, in words; empty where neither are. key: the estimate's name in the result.
    """

    name: str
    unit: str
    cells: tuple[EstimateRow | None, ...]
    keys: tuple[str, ...]
    ticks: tuple[Tick, ...]
    log: bool
    better: str
    key: str


def panels(estimates: Mapping[str, Estimate], check: str = "") -> list[Panel]:
    """Put a check's estimates on axes that they share, by unit, in order of first appearance."""
    alike: dict[tuple[str, bool], dict[str, Estimate]] = {}
    for name, estimate in estimates.items():
        alike.setdefault(_axis_kind(estimate), {})[name] = estimate
    return [panel for some in alike.values() for panel in _panels_of(some, estimates, check)]


def across(results: Sequence[AuditResult], check: str) -> list[Across]:
    """Line up what one check estimated in each of several audits."""
    found = [next((c.estimates for c in r.checks if c.check == check), {}) for r in results]
    names = dict.fromkeys(name for estimates in found for name in estimates)
    return [_across(check, name, found, _role(name, names)) for name in names]


def _across(check: str, name: str, found: Sequence[Mapping[str, Estimate]], role: str) -> Across:
    estimates = [one.get(name) for one in found]
    present = [e for e in estimates if e is not None]
    scale, words = Scale.covering(present), plain_name(check, name)
    cells = tuple(
        None if e is None else _row(words, e, scale, role, _null(name, one))
        for e, one in zip(estimates, found, strict=True)
    )
    keys, better = tuple(_sort_key(e) for e in estimates), direction(check, name)
    return Across(words, present[0].unit, cells, keys, scale.ticks(), scale.log, _better(better, present[0].unit), name)


def _better(better: Better | None, unit: str) -> str:
    if better is None:
        return ""
    return SHARE_SAID.get(better, SAID[better]) if unit == "fraction" else SAID[better]


def _null(name: str, estimates: Mapping[str, Estimate]) -> str:
    null = null_of(name, estimates)
    return "" if null is None else f"{null.of}: {say(null.estimate).value}"


def _sort_key(estimate: Estimate | None) -> str:
    ends = () if estimate is None else (estimate.value, estimate.low, estimate.high)
    return next((repr(float(v)) for v in ends if v is not None), "")


def _axis_kind(estimate: Estimate) -> tuple[str, bool]:
    """What estimates on one axis share; fractions too small for percentages have an axis of their own."""
    return estimate.unit, in_percent(estimate)


def _panels_of(estimates: Mapping[str, Estimate], names: Container[str], check: str) -> list[Panel]:
    unit = next(iter(estimates.values())).unit
    shared = [estimates] if unit else [{name: e} for name, e in estimates.items()]
    return [_on_one_axis(unit, each, names, check) for each in shared]


def _on_one_axis(unit: str, estimates: Mapping[str, Estimate], names: Container[str], check: str) -> Panel:
    scale = Scale.covering(estimates.values())
    rows = tuple(_row(plain_name(check, name), e, scale, _role(name, names)) for name, e in estimates.items())
    return Panel(unit, rows, scale.ticks(), scale.log)


def _row(name: str, estimate: Estimate, scale: Scale, role: str, null: str = "") -> EstimateRow:
    basis = f"{estimate.method}; n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{in_full(estimate.n)}"
    return EstimateRow(name, say(estimate), scale.bar(estimate), basis, role, null)


def _role(name: str, names: Container[str]) -> str:
    """Real images' colour, where the number is their twin of another one: ``coverage_train`` of ``coverage``."""
    for ending, role in (("_heldout", "heldout"), ("_real", "heldout"), ("_train", "train")):
        twin = name.removesuffix(ending)
        if twin != name and twin in names:
            return role
    return "generated"
