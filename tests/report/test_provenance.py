"""Where a result came from, in words."""

import math

import pytest

from didlearn.report.provenance import (
    called,
    command,
    data_name,
    date,
    model_name,
    setting_words,
    surroundings,
    title,
    version,
)
from didlearn.result.files import AuditResult


def audit(environment=None, **subject):
    return AuditResult(checks=(), subject=subject, environment=environment or {})


@pytest.mark.parametrize(
    ("record", "name"),
    [({"name": "gan", "path": "g.pt"}, "gan"), ({"path": "g.pt"}, "g.pt"), ("digits", "digits"), (None, ""), ({}, "")],
)
def test_a_record_is_called_by_its_name_else_by_where_it_is(record, name):
    assert called(record) == name


def test_a_model_without_a_name_is_a_generator():
    assert model_name(audit(model={"name": "gan"})) == "gan"
    assert model_name(audit()) == "a generator"
    assert data_name(audit(train={"spec": "mnist"})) == "mnist"


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"date": "2025-11-03T14:07:52+00:00"}, "2025-11-03 14:07 UTC"),
        ({"started": "2025-11-03T14:07:52"}, "2025-11-03 14:07"),
        ({"date": "in spring"}, "in spring"),
        ({}, ""),
    ],
)
def test_the_date_is_the_results_own_to_the_minute(environment, text):
    assert date(audit(environment)) == text


def test_the_version_is_told_wherever_it_stands():
    assert version(audit({"didlearn": "0.2"})) == version(audit({"versions": {"didlearn": "0.2"}})) == "0.2"
    assert version(audit()) == ""


def test_the_command_is_quoted_for_a_shell_and_has_a_place_of_its_own():
    given = audit({"command": ["didlearn", "audit", "-o", "my run"], "seed": 0})
    assert command(given) == "didlearn audit -o 'my run'"
    assert surroundings(given) == {"seed": 0}
    assert command(audit()) == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [("effective_support", "Effective support"), ("heldout_pvalue", "Held-out p-value"), ("", "")],
)
def test_names_become_words(name, words):
    assert title(name) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (True, "yes"),
        (0.25, "0.25"),
        (1e-7, "1.00\u202f×\u202f10⁻⁷"),
        (math.nan, "—"),
        (20_000, "20000"),
        ({"a": 1, "b": [2, False]}, "a: 1, b: 2, no"),
        ({}, "—"),
        ((), "—"),
        ("digits", "digits"),
    ],
)
def test_settings_are_written_as_a_person_would(value, text):
    assert setting_words(value) == text
