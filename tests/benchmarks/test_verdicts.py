"""The truth table in its small form: a few audits of digits whose truth is known, and how records are counted."""

import pytest
from counts import holds, table
from rows import PERFECT, ROWS
from verdicts import all_laws, audit_once

SIZES = (800, 500, 497)


def record(row, law="digits", verdict="fail", **found):
    return {
        "law": law,
        "row": row,
        "seed": 0,
        "answer": "open",
        "sentence": "",
        "verdicts": dict.fromkeys(("support", "memorization", "fidelity"), verdict),
        "failed": [],
    } | found


@pytest.mark.parametrize(
    ("row", "verdict", "said"),
    [
        ("copies, 50 %, mirrored", "fail", None),
        ("a leak of 50 %, exact, beside copies, 30 %", "fail", True),
        ("a tenth is held-out images", "inconclusive", True),
    ],
)
def test_copies_of_digits_are_told(row, verdict, said):
    audited = audit_once(None, "digits", row, seed=0, sizes=SIZES)
    assert audited["verdicts"] == {"memorization": verdict}
    assert audited["said"] is said
    assert holds(audited) in (True, None)
    assert (holds(audited) is None) == (audited["truth"] is None)


def test_digits_that_recur_are_no_copies():
    audited = audit_once(None, "digits", "perfect, 10 % recurring", seed=0, sizes=SIZES)
    assert audited["answer"] != "no"
    assert holds(audited)


def test_rows_have_names_of_their_own():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert sum(name.startswith("copies, 50 %") for name in names) == 17  # exact, and sixteen disguises
    assert sum(name.startswith("copies, 0.5 %") for name in names) == 5


def test_pictures_recur_in_banks_alone():
    bank, model = (all_laws(None)[name]() for name in ("digits", "digits' sound generator"))
    perfect = [row for row in ROWS if row.perfect]
    assert [row.applies_to(bank) for row in perfect] == [True] * 4
    assert [row.applies_to(model) for row in perfect] == [True, False, False, False]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"truth": 0.5, "low": 0.4, "high": 0.6}, True),
        ({"truth": 0.5, "low": 0.5, "high": 0.5}, True),
        ({"truth": 0.5, "low": 0.4, "high": 0.49}, False),
        ({"truth": 0.5, "low": 0.51, "high": None}, False),
        ({"truth": 0.5, "low": None, "high": 0.6}, True),
        ({"truth": 0.5, "low": None, "high": None}, None),
        ({"truth": None, "low": 0.4, "high": 0.6}, None),
        ({}, None),
    ],
)
def test_an_interval_holds_the_share_that_was_planted(found, expected):
    assert holds(record("copies, 50 %", **found)) is expected


def test_a_table_counts_old_and_new_records():
    records = [
        record(PERFECT, verdict="pass"),
        record("perfect, 2 % recurring", verdict="pass", truth=0.0, value=0.0, low=0.0, high=0.01),
        record("copies, 50 %"),
        record("copies, 50 %", truth=0.5, value=0.48, low=0.45, high=0.55),
        record("copies, 50 %", truth=0.5, value=0.4, low=0.35, high=0.45, verdict="pass"),
        record("the held-out images", verdict="inconclusive", said=True),
    ]
    text = table(records)
    assert "| digits | 0/1 (0–98 %) | 0/1 (0–98 %) | 0 / 1 | 0 / 1 | 0 / 1 | – |" in text
    assert "| digits, 2 % recurring | 0/1 (0–98 %) | 0/1 (0–98 %) | 0 / 1 | 0 / 1 | 0 / 1 | 1/1 (3–100 %) |" in text
    assert "| **all** | 0/2 " in text
    copies = "2/3 (9–99 %) | 1/2 (1–99 %) | 44 % (40–50 %) | – |"
    assert f"| copies, 50 % | digits | memorization | {copies}" in text
    assert "| the held-out images | digits | memorization | 0/1 (0–98 %) | – | – | 1/1 (3–100 %) |" in text
