"""The methods paragraph: what was done, with every number filled in from the result, to be pasted into a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from didlearn.audit.method import Paper
from didlearn.report import provenance
from didlearn.report.citations import PAPERS, bibtex, cite
from didlearn.report.declared import method_of
from didlearn.report.plain import plain_name
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate
from didlearn.result.words import THIN, in_full, say

_RAN: Final = ("pass", "fail", "inconclusive", "measured")
_SPACES: Final = {ord(THIN): " ", ord("\N{NO-BREAK SPACE}"): " "}  # LaTeX knows neither
_QUOTED: Final = 4  # estimates of each check that the paragraph quotes
_EMBEDDINGS: Final = {
    "inception": "szegedy2016",
    "dinov2": "oquab2023",
    "clip": "radford2021",
    "resnet50": "he2016",
    "vgg16": "simonyan2015",
    "densenet201": "huang2017",
}


@dataclass(frozen=True)
class Methods:
    """Text to paste: a paragraph per check, and the BibTeX of what it cites."""

    text: str
    bibtex: str


def methods(result: AuditResult) -> Methods:
    """Write the methods section of an audit: model, data, embedding, and each check that ran, with its numbers."""
    ran = [check for check in result.checks if check.verdict in _RAN]
    papers = {key: paper for check in ran for key, paper in _papers(check).items()} | _embedding_papers(result)
    paragraphs = [_opening(result), *(_paragraph(check) for check in ran)]
    text = "\n\n".join(paragraphs).translate(_SPACES)
    return Methods(text, bibtex(papers, provenance.version(result)))


def _opening(result: AuditResult) -> str:
    version = provenance.version(result)
    tool = f"didlearn {version}".strip()
    sentences = [f"The generator {provenance.model_name(result)} was audited with {tool}{_where(result)}."]
    named = (("train", "It was trained on"), ("heldout", "Images it was not trained on:"))
    for part, words in named:
        record = result.subject.get(part)
        if provenance.called(record):
            sentences.append(f"{words} {_data(record)}.")
    embedding = provenance.called(result.subject.get("embedding"))
    if embedding:
        cited = cite(_embedding_papers(result).values())
        sentences.append(f"Distances were measured in {embedding}{' ' + cited if cited else ''}.")
    return " ".join([*sentences, *result.notes])


def _where(result: AuditResult) -> str:
    parts = [(name, result.environment.get(name)) for name in ("seed", "torch", "device")]
    said = [f"{name} {value}" for name, value in parts if value is not None]
    return f" ({', '.join(said)})" if said else ""


def _data(record: object) -> str:
    if not isinstance(record, Mapping):
        return provenance.called(record)
    shape, images = record.get("shape"), record.get("images")
    size = f" of {'×'.join(map(str, shape))}" if isinstance(shape, (list, tuple)) else ""
    return provenance.called(record) + (f", {in_full(images)} images{size}" if isinstance(images, int) else "")


def _paragraph(check: CheckResult) -> str:
    method = method_of(check.check)
    did = method.did if method else f"The check {check.check} asked: {check.question.rstrip('?')}"
    cited = cite(_papers(check).values())
    sentences = [f"{did}{' ' + cited if cited else ''}."]
    if check.params:
        sentences.append(f"Parameters: {_settings(check.params)}.")
    quoted = [_quote(plain_name(check.check, name), e) for name, e in list(check.estimates.items())[:_QUOTED]]
    if quoted:
        sentences.append(f"Found: {'; '.join(quoted)}.")
    return f"{provenance.title(check.check)}. " + " ".join([*sentences, f"Verdict: {_verdict(check)}."])


def _settings(params: Mapping[str, object]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {provenance.setting_words(value)}"
        for key, value in params.items()
        if value is not None
    )


def _quote(words: str, estimate: Estimate) -> str:
    """Write an estimate with its interval, its sample and its method."""
    said = say(estimate)
    interval = f", {said.level} interval {said.interval}" if said.level and estimate.value is not None else ""
    level = f", {said.level} bound" if said.level and estimate.value is None else ""
    unit = "" if estimate.unit in ("", "fraction") or words.lower().endswith(estimate.unit) else f" {estimate.unit}"
    basis = f"({estimate.method}{interval}{level}, n = {in_full(estimate.n)})"
    return f"{words[:1].lower()}{words[1:]} {said.value}{unit} {basis}"


def _verdict(check: CheckResult) -> str:
    verdict = check.verdict.replace("_", " ")
    why = check.reason.rstrip(".") if check.verdict != "measured" else ""
    return f"{verdict} ({why})" if why else verdict


def _papers(check: CheckResult) -> dict[str, Paper]:
    method = method_of(check.check)
    if method is None:
        return {}
    found = [key for start, key in method.further.items() if any(name.startswith(start) for name in check.estimates)]
    known = {**PAPERS, **method.bibliography}
    return {key: known[key] for key in (*method.papers, *found)}


def _embedding_papers(result: AuditResult) -> dict[str, Paper]:
    name = provenance.called(result.subject.get("embedding"))
    return {key: PAPERS[key] for start, key in _EMBEDDINGS.items() if name.startswith(start)}
