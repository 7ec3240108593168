"""Where a result came from, put into words: names, settings and nested records of any shape."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping

from didlearn.result.files import AuditResult
from didlearn.result.words import NOTHING, in_full

_NAMED = ("name", "spec", "source", "path")
_DATED = ("date", "started", "finished")


def model_name(result: AuditResult) -> str:
    """Return what the audited model is called."""
    return called(result.subject.get("model")) or "a generator"


def data_name(result: AuditResult) -> str:
    """Return what the training data are called."""
    return called(result.subject.get("train"))


def date(result: AuditResult) -> str:
    """Return when the audit ran, to the minute, as the result says; the page itself has no clock."""
    text = next((str(result.environment[key]) for key in _DATED if result.environment.get(key)), "")
    if text[10:11] != "T":
        return text
    return f"{text[:10]} {text[11:16]}" + (" UTC" if text.endswith(("Z", "+00:00")) else "")


def version(result: AuditResult) -> str:
    """Return the didlearn version that ran the audit."""
    versions = result.environment.get("versions")
    nested = versions.get("didlearn") if isinstance(versions, Mapping) else None
    return str(result.environment.get("didlearn") or nested or "")


def command(result: AuditResult) -> str:
    """Return the command that would run the audit again, quoted for a shell."""
    given = result.environment.get("command") or ""
    return shlex.join(map(str, given)) if isinstance(given, (list, tuple)) else str(given)


def surroundings(result: AuditResult) -> dict[str, object]:
    """Return the environment without the command, which has a place of its own."""
    return {key: value for key, value in result.environment.items() if key != "command"}


def called(record: object) -> str:
    """Return a record's name, or the record itself where it is one."""
    if isinstance(record, Mapping):
        return next((str(record[key]) for key in _NAMED if record.get(key)), "")
    return "" if record is None else str(record)


def title(name: str) -> str:
    """Turn a name from the result (``effective_support``) into words (``Effective support``)."""
    words = name.replace("_", " ").replace("heldout", "held-out").replace("pvalue", "p-value").strip()
    return words[:1].upper() + words[1:]


def setting_words(value: object) -> str:
    """Write a setting as a person would: no quotes, no braces, never NaN."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}" if math.isfinite(value) and 1e-3 <= abs(value) < 1e3 else in_full(value)
        case Mapping():
            return ", ".join(f"{key}: {setting_words(item)}" for key, item in value.items()) or NOTHING
        case list() | tuple():
            return ", ".join(map(setting_words, value)) or NOTHING
    return str(value)
