"""What an earlier run of the same audit left in the run folder: checks that need not be run again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from PIL import Image

import didlearn
from didlearn.audit.check import Check
from didlearn.audit.running.budget import DRAWN, WITHIN, efforts_of
from didlearn.errors import ResultError, UsageError
from didlearn.naming import option
from didlearn.result.files import AuditResult, tile_file
from didlearn.result.values import CheckResult, Tile

_ASKED: Final = ("seed", "settings")
_PLACES: Final = ("didlearn", "code", "torch", "numpy", "machine", "device", *_ASKED)
"""What of the environment decides results; threads, batch sizes and the date do not."""
_EMBEDDING: Final = "embedding"
_UNITS: Final = Path("cache", "units")
_SAID: Final = 60  # characters of a value that differs
_AGAIN: Final = ("error", "not_run")


class Kept(NamedTuple):
    """Results by check, and why others are not taken: ``differs``, of the audit as a whole, or empty."""

    results: Mapping[str, CheckResult]
    differs: str

    def of(self, check: Check, budget: str | None = None) -> CheckResult | None:
        """Return what is kept of a check with the same parameters, if it came to an answer.

        Args:
            check: as it is asked. budget: the time that an effort was chosen for, any of those of the check.
        """
        known = self.results.get(check.name)
        if known is None or known.verdict in _AGAIN:
            return None
        same = any(not self.changed(effort, budget) for effort in (efforts_of(check) if budget else [check]))
        return known if same else None

    def changed(self, check: Check, budget: str | None = None) -> str:
        """Say which parameter of a check that is kept was another; empty where none was."""
        known = self.results.get(check.name)
        if known is None:
            return ""
        asked = check.params()
        if budget and (check.efforts or known.params.get(WITHIN) == budget):
            asked = {WITHIN: budget} | asked
        if not check.efforts and known.params.get(WITHIN) == budget:  # as many as could be drawn in that time
            asked |= {DRAWN: min(known.params[DRAWN], asked[DRAWN])}
        return next(_differences(known.params, _plain(asked)), "")


def kept_in(folder: Path | None, asked: AuditResult) -> Kept:
    """Return the results in a run folder that an audit of the same things left there.

    Args:
        folder: the run folder, if there is one. asked: the audit that begins: its subject and its environment.

    Raises:
        UsageError: the folder holds an audit of something else.
    """
    if folder is None or not (folder / AuditResult.JSON).is_file():
        return Kept({}, "")
    try:
        found = AuditResult.load(folder)
    except ResultError:  # of another version, or spoiled: nothing to go on from
        return Kept({}, "what it held cannot be read")
    there, now = _identity(found), _identity(asked)
    _refuse_another(folder, there, now)
    differs = next(_differences(there, now), "")
    return Kept({} if differs else {result.check: _with_pixels(result, folder) for result in found.checks}, differs)


def claim_run(folder: Path, subject: Mapping[str, Any], environment: Mapping[str, Any], *, restart: bool) -> Path:
    """Make a run folder that of this audit; return where its finished units are kept.

    Args:
        folder: the run folder. subject, environment: of the audit that begins. restart: forget the units there, and
            whatever audit the folder holds.

    Raises:
        UsageError: it holds an audit of other data, another model, seed or settings.
    """
    now = _identity_of(subject, environment)
    units = folder / _UNITS
    own = units / hashlib.blake2b(json.dumps(now, sort_keys=True).encode(), digest_size=12).hexdigest()
    if restart:
        shutil.rmtree(units, ignore_errors=True)
        return own
    if (folder / AuditResult.JSON).is_file():
        with suppress(ResultError):  # what cannot be read is nobody's
            _refuse_another(folder, _identity(AuditResult.load(folder)), now)
    for other in units.glob("*"):
        if other != own:
            shutil.rmtree(other, ignore_errors=True)
    return own


def _refuse_another(folder: Path, there: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to replace an audit of something else; of the same by another state of the code or a library is none.

    Args:
        there, now: who the audits are; what the one that begins does not know yet (its embedding) is left out.

    Raises:
        UsageError: it is one.
    """
    asked = [name for name in dict.fromkeys([*now, *there]) if name in _ASKED or name not in _PLACES]
    known = [name for name in asked if name in now or name != _EMBEDDING]
    differs = next(_differences({name: there.get(name) for name in known}, {name: now.get(name) for name in known}), "")
    if differs:
        raise UsageError(
            f"{folder} holds an audit of something else ({differs}); give another {option('output', None)}, or "
            f"{option('restart', True)} to replace it"
        )


@cache
def code_digest() -> str:
    """Return a hash of this package's own code: results of another state of it are not taken for its own."""
    digest, root = hashlib.blake2b(digest_size=6), Path(didlearn.__file__).parent
    for file in sorted(root.rglob("*.py")):
        digest.update(f"{file.relative_to(root)} ".encode() + file.read_bytes())
    return digest.hexdigest()


def settings_of(arguments: Mapping[str, Any], files: Iterable[Any]) -> str:
    """Return what was asked for beside data, model and seed, as one line.

    Args:
        arguments: by name; those that are their defaults are not said.
        files: sources; of a Python file, whose code no fingerprint of weights covers, the content counts, by its hash.
    """
    said = {name: value for name, value in arguments.items() if value not in (None, False, "infer")}
    for source in files:
        path = Path(str(source).rpartition(":")[0]) if isinstance(source, str | Path) else Path()
        if path.suffix == ".py" and path.is_file():
            said[path.name] = hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
    return ", ".join(f"{name}={value}" for name, value in said.items())


def _with_pixels(result: CheckResult, folder: Path) -> CheckResult:
    """Return a result with its pictures read, so that it can be saved elsewhere."""
    galleries = []
    for gallery in result.galleries:
        rows = tuple(tuple(_read(tile, folder) for tile in row) for row in gallery.rows)
        galleries.append(gallery.model_copy(update={"rows": rows}))
    return result.model_copy(update={"galleries": tuple(galleries)})


def _read(tile: Tile, folder: Path) -> Tile:
    file = tile_file(folder, tile)
    if file is None or not file.is_file():
        return tile
    with Image.open(file) as picture:
        return tile.model_copy(update={"pixels": np.asarray(picture)})


def _identity(result: AuditResult) -> dict[str, Any]:
    return _identity_of(result.subject, result.environment)


def _identity_of(subject: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    parts = {part: _without_notes(record) for part, record in subject.items()}
    return {**{name: environment.get(name) for name in _PLACES}, **_plain(parts)}


def _without_notes(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    return {key: _without_notes(value) for key, value in record.items() if key != "notes"}


def _plain(values: Any) -> Any:
    """Return values as JSON gives them back."""
    return json.loads(json.dumps(values, default=lambda value: np.asarray(value).tolist()))


def _differences(there: Any, now: Any, name: str = "") -> Iterator[str]:
    if isinstance(there, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*now, *there]):
            yield from _differences(there.get(key), now.get(key), f"{name} {key}".strip())
    elif there != now:
        yield f"{name} was {str(there)[:_SAID]} and is {str(now)[:_SAID]}"
