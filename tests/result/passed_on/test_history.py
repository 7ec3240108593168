"""A history only grows, keeps every number, says nothing twice, and survives a kill in the middle of a line."""

import multiprocessing
import os

import pytest

from didlearn.errors import ResultError
from didlearn.result.passed_on.history import append_entry, entry_of, read_history
from tests.result.passed_on.audits import audit


def test_what_is_appended_is_read_back(tmp_path):
    file = tmp_path / "new" / "history.jsonl"
    assert audit().append_history(file, step=100)
    first = file.read_bytes()
    assert audit().append_history(file, step=200)
    assert file.read_bytes().startswith(first)
    one, two = read_history(file).entries
    assert (one.step, two.step, one.seed, one.train, one.fingerprint) == (100, 200, 3, "digits", "0123456789abcdef")
    assert one.answer == audit().answer
    for check in audit().checks:
        assert one.checks[check.check].verdict == check.verdict
        assert one.checks[check.check].estimates == check.estimates


def test_the_same_audit_again_is_not_a_second_one(tmp_path):
    file = tmp_path / "history.jsonl"
    audit().append_history(file, step=1)
    later = audit().model_copy(update={"environment": audit().environment | {"date": "2026-12-01T00:00:00Z"}})
    assert not later.append_history(file, step=1)
    assert later.append_history(file, step=2)
    assert len(read_history(file).entries) == 2


def test_half_a_line_costs_itself_and_no_other(tmp_path):
    file = tmp_path / "history.jsonl"
    audit().append_history(file, step=1)
    whole = file.read_bytes()
    for size in (1, len(whole) // 2, len(whole) - 1):  # what a kill leaves
        file.write_bytes(whole + whole[:size])
        broken = size < len(whole) - 1  # all but its end: nothing is lost of it
        assert audit().append_history(file, step=2)
        found = read_history(file)
        assert [entry.step for entry in found.entries] == ([1, 2] if broken else [1, 1, 2])
        assert found.broken == broken


def append(file, number):
    for step in range(20):
        append_entry(file, entry_of(audit(), step=1000 * number + step))


def test_processes_that_append_at_once_lose_nothing(tmp_path):
    file = tmp_path / "history.jsonl"
    file.touch()
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append, args=(file, i)) for i in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = read_history(file)
    assert not found.broken
    assert sorted(e.step for e in found.entries) == [*range(20), *range(1000, 1020)]


@pytest.mark.parametrize("content", [b"not JSON\n", b'{"format": 2}\n', b"[" * 100_000, b"\x80\x81\n"])
def test_what_is_no_history_is_refused_and_left_alone(tmp_path, content):
    file = tmp_path / "history.jsonl"
    file.write_bytes(content)
    with pytest.raises(ResultError, match="is no history"):
        audit().append_history(file)
    assert file.read_bytes() == content


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(ResultError, match="cannot be read"):
        read_history(tmp_path / "absent.jsonl")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ResultError):
        read_history(tmp_path / "pipe")
