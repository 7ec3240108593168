import re
from typing import Any

import pytest

from didlearn.audit.method import Method, Paper
from didlearn.checks import CHECKS
from didlearn.report import methods as module
from didlearn.report.citations import PAPERS, bibtex, cite
from didlearn.report.declared import method_of
from didlearn.report.methods import methods
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate


def parse(text):
    """Read BibTeX: the entries by key, insisting that braces balance and that nothing is left over."""
    entries = {}
    for entry in re.split(r"\n\n", text):
        kind, key, body = re.fullmatch(r"@(\w+)\{([\w-]+),\n(.*)\n\}", entry, re.DOTALL).groups()
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},?$", body, re.MULTILINE))
        assert len(fields) == body.count("\n") + 1
        assert all(v.count("{") == v.count("}") for v in fields.values())
        assert key not in entries
        entries[key] = {"kind": kind} | fields
    return entries


def estimate(**fields):
    known: dict[str, Any] = {"value": 12.25, "low": 11.5, "high": None, "n": 4321, "method": "counting", "unit": "nats"}
    return Estimate(**known | fields)


def test_the_text_holds_this_run_s_numbers(collapsed):
    text = methods(collapsed).text
    for part in (
        "gan-collapsed",
        "didlearn 0.1.0",
        "seed 0",
        "torch 2.13.0",
        "digits, 1 257 images of 1×8×8",
        "digits, split off, 540 images",
        "samples 20000",
        "effective support 41.7 images",
        "95 % interval 38.9 to 44.6",
        "n = 20 000",
        "batches 50, 100, 200, 400, 800",
        "share of copies 0.0800 %",
        "Verdict: fail",
        "Arora et al., 2018",
        "The held-out set was split off by seed 0",
    ):
        assert part in text, part


def test_other_numbers_make_another_text():
    def text(**fields):
        check = CheckResult(
            check="support", verdict="pass", params={"samples": 77}, estimates={"a": estimate(**fields)}
        )
        return methods(AuditResult(checks=(check,), environment={"seed": 9})).text

    assert "a 12.2 nats (counting, 95 % interval 11.5 or more, n = 4 321)" in text()
    assert "a at least 3 nats (counting, 95 % bound, n = 4 321)" in text(value=None, low=3.0)
    assert "samples 77" in text()
    assert "seed 9" in text()


def test_the_embedding_is_named_and_cited():
    result = AuditResult(checks=(), subject={"embedding": "inception (weights 1a2b)"})
    found = methods(result)
    assert "Distances were measured in inception (weights 1a2b) (Szegedy et al., 2016)." in found.text
    assert "szegedy2016" in parse(found.bibtex)


def test_only_what_ran_is_described_and_cited(collapsed):
    found = methods(collapsed)
    assert "Inversion" not in found.text
    assert set(parse(found.bibtex)) == {"alaa2022", "arora2018", "good1953", "meehan2020", "valiant2017", "didlearn"}


def test_an_unknown_check_is_described_by_its_question():
    check = CheckResult(check="mine", question="Is it green?", verdict="measured", params={"k": 3, "none": None})
    text = methods(AuditResult(checks=(check,))).text
    assert "The check mine asked: Is it green. Parameters: k 3. Verdict: measured." in text


def test_every_paper_is_whole_and_every_method_s_papers_exist():
    entries = parse(bibtex(PAPERS, "1.2"))
    assert set(entries) == set(PAPERS) | {"didlearn"}
    for key, entry in entries.items():
        assert entry["author"], key
        assert entry["title"], key
        if key != "didlearn":
            assert re.fullmatch(r"(19|20)\d\d", entry["year"])
            assert key.endswith(entry["year"])
            assert {"booktitle", "journal", "eprint", "howpublished"} & set(entry)
    said = [check.method for check in CHECKS.values()] + [method_of("labels")]
    used = {key for method in said for key in (*method.papers, *method.further.values())}
    assert used | set(module._EMBEDDINGS.values()) == set(PAPERS)


def test_a_check_cites_papers_of_its_own(monkeypatch):
    own = Paper("misc", ("Doe, Jane", "Roe, Jo"), "On green", 2031, (("howpublished", "A talk"),))
    method = Method("Greenness was counted", ("arora2018",), {"green_": "doe2031"}, {"doe2031": own})
    monkeypatch.setitem(CHECKS, "green", type("Green", (), {"method": method, "named": {}}))
    results = [CheckResult(check="green", verdict="pass", estimates={name: estimate()}) for name in ("green_a", "red")]
    said = [methods(AuditResult(checks=(result,))) for result in results]
    assert "Greenness was counted (Arora et al., 2018; Doe and Roe, 2031)." in said[0].text
    assert parse(said[0].bibtex)["doe2031"]["title"] == "On green"
    assert "Greenness was counted (Arora et al., 2018)." in said[1].text
    assert set(parse(said[1].bibtex)) == {"arora2018", "didlearn"}


def test_citations_name_one_two_or_many():
    assert (
        cite([PAPERS[key] for key in ("good1953", "wu2017", "friedman2024", "good1953")])
        == "(Good, 1953; Wu et al., 2017; Friedman and Weiss, 2024)"
    )
    assert cite([PAPERS["radford2021"]]) == "(Radford et al., 2021)"
    assert cite([]) == ""


@pytest.mark.parametrize("version", ["0.1.0", "", "1}\n@evil{"])
def test_a_version_cannot_break_the_bibliography(version):
    assert list(parse(bibtex({}, version))) == ["didlearn"]


def test_the_text_can_be_pasted_into_latex(collapsed):
    assert not set(methods(collapsed).text) & {"\u202f", "\u00a0"}
