"""``didlearn demo`` does what ``make demo`` does."""

import re
from pathlib import Path

import pytest

from didlearn.cli.commands import demo
from didlearn.errors import DataError

ROOT = Path(__file__).parents[2]


def test_its_audits_are_those_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    audit = makefile[makefile.index("AUDIT :=") : makefile.index(".PHONY")]
    settings = re.findall(r"--set (\w+)\.(\w+)=(\d+)", audit)
    assert {(check, name, int(value)) for check, name, value in settings} == {
        (check, name, value) for check, values in demo.SMALL.items() for name, value in values.items()
    }
    assert "--train digits --seed 0" in audit
    assert "--samples 10000" in audit
    assert set(re.findall(r"demo-(\w+)", makefile)) >= set(demo.GENERATORS)


def test_models_that_are_not_there_are_said(monkeypatch):
    assert (demo.generators_of_digits() / "sound" / "model.json").is_file()
    monkeypatch.setattr(demo, "GENERATORS", ("none",))
    with pytest.raises(DataError, match="are not beside"):
        demo.generators_of_digits()
