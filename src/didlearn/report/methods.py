"""The methods paragraph: what was done, with every number filled in from the result, to be pasted into a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from didlearn.report import provenance
from didlearn.report.citations import bibtex, cite
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate
from didlearn.result.words import THIN, in_full, say

_RAN: Final = ("pass", "fail", "inconclusive", "measured")
_SPACES: Final = {ord(THIN): " ", ord("\N{NO-BREAK SPACE}"): " "}  # LaTeX knows neither
_QUOTED: Final = 4  # estimates of each check that the paragraph quotes


@dataclass(frozen=True)
class Method:
    """What a check does, as a clause, and the papers it rests on.

    Attributes:
        did: a sentence without its full stop.
        papers: keys of the papers cited whatever was found.
        further: keys of papers that stand behind an estimate, by the first letters of its name.
    """

    did: str
    papers: tuple[str, ...]
    further: Mapping[str, str]


_METHODS: Final = {
    "support": Method(
        "The effective support, one over the probability that two samples are duplicates, was estimated from all "
        "pairs of one sample by the birthday test with the corrected bounds, a duplicate being a pair below a "
        "calibrated distance",
        ("arora2018",),
        {"coverage": "good1953", "chao1": "chao1984", "richness": "valiant2017"},
    ),
    "labels": Method(
        "People judged candidate pairs blind, among planted duplicates and planted distinct pairs that measured "
        "their own sensitivity and false alarms",
        ("arora2018",),
        {"alpha": "hayes2007", "krippendorff": "hayes2007", "agreement": "hayes2007"},
    ),
    "memorization": Method(
        "Copying was tested by distances to the nearest training image, of generated against held-out images",
        ("meehan2020",),
        {"authenticity": "alaa2022", "closer_than": "delong1988"},
    ),
    "inversion": Method(
        "For each image the nearest one that the generator makes was searched over its latent space, and planted "
        "images told whether the search finds what is there",
        ("friedman2024", "pinetz2019"),
        {"recovery": "webster2019"},
    ),
    "manifold_classifier": Method(
        "Images were classified, and outside ones looked for, by their distance from what the generator makes",
        ("friedman2024",),
        {"auroc": "delong1988"},
    ),
    "likelihood": Method(
        "Log-likelihoods were bounded from below by annealed importance sampling with step sizes frozen after a "
        "pilot run, and on simulated images from both sides",
        ("friedman2024", "grosse2015", "neal2001", "wu2017"),
        {"mixture": "tipping1999"},
    ),
    "typicality": Method(
        "Typicality compares the mean log-likelihood of real images with that of the model's own noised samples",
        ("friedman2024", "nalisnick2019", "wu2017"),
        {},
    ),
    "gaussianity": Method(
        "The spectra of features, plain and whitened, were compared with those of a Gaussian mixture of the same "
        "moments, by rotations and by the F-matrix",
        ("langsrud2005", "mardia1970", "seddik2020", "wachter1980"),
        {},
    ),
    "concentration": Method(
        "The generator's Lipschitz constant was bounded from both sides, and fluctuations of its features were "
        "compared with a Gaussian's",
        ("seddik2020",),
        {"lipschitz": "sedghi2019"},
    ),
    "fidelity": Method(
        "Generated and real features were compared by distances and by nearest neighbours",
        (),
        {
            "frechet": "heusel2017",
            "kernel": "binkowski2018",
            "precision": "kynkaanniemi2019",
            "density": "naeem2020",
            "vendi": "friedman2023",
        },
    ),
}
_EMBEDDINGS: Final = {"inception": "szegedy2016", "dinov2": "oquab2023", "clip": "radford2021"}


@dataclass(frozen=True)
class Methods:
    """Text to paste: a paragraph per check, and the BibTeX of what it cites."""

    text: str
    bibtex: str


def methods(result: AuditResult) -> Methods:
    """Write the methods section of an audit: model, data, embedding, and each check that ran, with its numbers."""
    ran = [check for check in result.checks if check.verdict in _RAN]
    papers = {key for check in ran for key in _papers(check)} | set(_embedding_papers(result))
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
        cited = cite(_embedding_papers(result))
        sentences.append(f"Distances were measured in {embedding}{' ' + cited if cited else ''}.")
    return " ".join([*sentences, *result.notes])


def _where(result: AuditResult) -> str:
    parts = [(name, result.environment.get(name)) for name in ("seed", "torch", "device")]
    said = [f"{name} {value}" for name, value in parts if value is not None]
    return f" ({', '.join(said)})" if said else ""


def _data(record: Any) -> str:
    if not isinstance(record, Mapping):
        return provenance.called(record)
    shape, images = record.get("shape"), record.get("images")
    size = f" of {'×'.join(map(str, shape))}" if isinstance(shape, (list, tuple)) else ""
    return provenance.called(record) + (f", {in_full(images)} images{size}" if isinstance(images, int) else "")


def _paragraph(check: CheckResult) -> str:
    method = _METHODS.get(check.check)
    did = method.did if method else f"The check {check.check} asked: {check.question.rstrip('?')}"
    cited = cite(_papers(check))
    sentences = [f"{did}{' ' + cited if cited else ''}."]
    if check.params:
        sentences.append(f"Parameters: {_settings(check.params)}.")
    quoted = [_quote(name, e) for name, e in list(check.estimates.items())[:_QUOTED]]
    if quoted:
        sentences.append(f"Found: {'; '.join(quoted)}.")
    return f"{provenance.title(check.check)}. " + " ".join([*sentences, f"Verdict: {_verdict(check)}."])


def _settings(params: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {provenance.plain(value)}" for key, value in params.items() if value is not None
    )


def _quote(name: str, estimate: Estimate) -> str:
    """Write an estimate with its interval, its sample and its method."""
    said = say(estimate)
    words = provenance.title(name)
    interval = f", {said.level} interval {said.interval}" if said.level and estimate.value is not None else ""
    level = f", {said.level} bound" if said.level and estimate.value is None else ""
    unit = "" if estimate.unit in ("", "fraction") or words.lower().endswith(estimate.unit) else f" {estimate.unit}"
    basis = f"({estimate.method}{interval}{level}, n = {in_full(estimate.n)})"
    return f"{words[:1].lower()}{words[1:]} {said.value}{unit} {basis}"


def _verdict(check: CheckResult) -> str:
    verdict = check.verdict.replace("_", " ")
    why = check.reason.rstrip(".") if check.verdict != "measured" else ""
    return f"{verdict} ({why})" if why else verdict


def _papers(check: CheckResult) -> tuple[str, ...]:
    method = _METHODS.get(check.check)
    if method is None:
        return ()
    found = [key for start, key in method.further.items() if any(name.startswith(start) for name in check.estimates)]
    return tuple(dict.fromkeys((*method.papers, *found)))


def _embedding_papers(result: AuditResult) -> tuple[str, ...]:
    name = provenance.called(result.subject.get("embedding"))
    return tuple(key for start, key in _EMBEDDINGS.items() if name.startswith(start))
