"""Messages name options as their reader gives them: keywords in Python, flags on the command line."""

import pytest

from didlearn import naming
from didlearn.audit.subject import Subject
from didlearn.checks.support.check import Support
from didlearn.cli.app import app
from didlearn.errors import UsageError


@pytest.fixture
def typed():
    naming.name_as("flag")
    yield
    naming.name_as("keyword")


NAMED = [
    (("generator",), "generator=...", "--generator"),
    (("size", 16), "size=16", "--size 16"),
    (("size", None), "size", "--size"),
    (("trust_code", True), "trust_code=True", "--trust-code"),
    (("latent_shape", "(100,)", "100"), "latent_shape=(100,)", "--latent-shape 100"),
    (("outside", "{NAME: SPEC}", "NAME=SPEC"), "outside={NAME: SPEC}", "--outside NAME=SPEC"),
]


@pytest.mark.parametrize(("given", "keyword", "flag"), NAMED)
def test_an_option_in_python(given, keyword, flag):
    assert naming.option(*given) == keyword


@pytest.mark.parametrize(("given", "keyword", "flag"), NAMED)
def test_an_option_on_the_command_line(given, keyword, flag, typed):
    assert naming.option(*given) == flag


def test_a_setting():
    assert naming.setting("learning_rate") == "learning_rate=..."
    naming.name_as("flag")
    try:
        assert naming.setting("learning_rate", 0.1) == "--set learning_rate=0.1"
    finally:
        naming.name_as("keyword")


def test_a_check_names_what_it_lacks_to_either_reader(typed):
    assert Support().missing(Subject(None)).endswith("give one with --generator")
    naming.name_as("keyword")
    assert Support().missing(Subject(None)).endswith("give one with generator=...")


def test_a_command_names_flags_while_it_runs_and_not_after(tmp_path):
    (tmp_path / "models.py").write_text("raise SystemExit\n")
    with pytest.raises(UsageError, match="give --trust-code"):
        app(["support", "--generator", f"{tmp_path}/models.py:make"], standalone_mode=False)
    assert naming.naming_style() == "keyword"
