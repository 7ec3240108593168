"""Flags are made from what is declared: every field has one, with its help and its default, and nothing else does."""

import inspect
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import pytest
import typer

from didlearn.audit.check import Check, parameter
from didlearn.audit.run import audit
from didlearn.audit.spec import AuditSpec
from didlearn.checks import CHECKS
from didlearn.cli import app as app_module
from didlearn.cli.app import app
from didlearn.cli.commands.auditing import read_asked
from didlearn.cli.options import check_flags, spec_flags
from didlearn.errors import UsageError

COMMANDS = typer.main.get_group(app).commands
LIKE_NONE = {
    "value_range": "infer",
    "checks": None,
    "outside": None,
    "architecture_arguments": None,
}  # what audit takes where nothing is said


def given(*words, command="audit"):
    """What a command was asked, as a spec."""
    params = COMMANDS[command].make_context(command, list(words)).params
    return read_asked(params, None if command == "audit" else command)


def test_every_field_of_the_spec_is_a_flag_of_audit_and_every_check():
    for name, command in COMMANDS.items():
        if name == "audit" or name in CHECKS:
            missing = set(AuditSpec.model_fields) - {param.name for param in command.params}
            assert missing == (set() if name == "audit" else {"checks"}), name


def test_audit_takes_the_same_options_with_the_same_defaults():
    """What the command line and an audit file can say, Python can: by the same names, with the same defaults."""
    arguments = inspect.signature(audit).parameters
    assert set(AuditSpec.model_fields) - {"parameters"} == set(arguments) - {"output", "progress", "unknown"}
    for name, field in AuditSpec.model_fields.items():
        if name != "parameters":
            assert arguments[name].default == LIKE_NONE.get(name, field.default), name


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_check_s_command_has_its_parameters_as_flags_with_help_and_default(name):
    params = {param.name: param for param in COMMANDS[name].params}
    for key, field in CHECKS[name].parameters().items():
        help_ = vars(params[key])["help"]
        assert help_.startswith(field.metadata["description"].rstrip(".")), key
        shown = "yes" if field.default is True else f"{field.default:g}" if isinstance(field.default, float) else None
        shown = shown or str(field.default)
        silent = field.default is False or field.default in (None, ())
        assert silent or help_.endswith(f"(default {shown})."), help_


def test_defaults_of_zero_are_shown_too():
    assert {flag.name: flag.help for flag in spec_flags()}["seed"] == "Root of every random stream (default 0)."


def test_flags_of_a_check_reach_it():
    asked = given("--factor", "3", "-n", "20k", "--threshold", "0.5", command="support")
    assert (asked.checks, asked.parameters) == (
        ("support",),
        {"support": {"factor": 3, "samples": 20_000, "threshold": 0.5}},
    )
    assert given("--no-published", command="inversion").parameters == {"inversion": {"published": False}}
    asked = given("--embeddings", "a,b", "--embeddings", "c", command="gaussianity")
    (check,) = asked.arguments()["checks"]
    assert check.embeddings == ("a", "b", "c")


def test_a_parameter_is_no_flag_of_another_check():
    with pytest.raises(UsageError, match="there is no flag --factor; valid are "):
        given("--factor", "3", command="fidelity")
    with pytest.raises(UsageError, match="there is no flag --samples"):
        given("--samples", "3", command="inversion")


def test_set_wins_over_a_flag_and_a_flag_over_the_file(tmp_path):
    file = tmp_path / "audit.toml"
    file.write_text("[support]\nfactor = 5.0\ncandidates = 7\n[fidelity]\nneighbors = 3\n")
    asked = given(str(file), "--factor", "3", "--set", "support.factor=4", command="support")
    assert asked.parameters["support"] == {"factor": "4", "candidates": 7}
    assert given(str(file), "--factor", "3", command="support").parameters["support"]["factor"] == 3


def test_common_flags_are_spread_over_the_checks_that_have_them():
    asked = given("--samples", "300", "--level", "0.9", "--checks", "support,inversion")
    assert asked.parameters == {"support": {"samples": 300, "level": 0.9}, "inversion": {"level": 0.9}}


def test_values_of_several_parts_are_read():
    asked = given("--latent-shape", "128,1,1", "--value-range", "-1", "1", "--outside", "a=b", "--outside", "c=d=e")
    assert (asked.latent_shape, asked.value_range) == ((128, 1, 1), (-1.0, 1.0))
    assert asked.outside == {"a": "b", "c": "d=e"}
    assert given("--drop-shared").model_fields_set >= {"drop_shared"}
    assert "drop_shared" not in given().model_fields_set


@dataclass(frozen=True)
class Greedy(Check):
    """A check whose parameters have names that every audit's flags have already."""

    name: ClassVar[str] = "greedy"
    question: ClassVar[str] = "Is it greedy?"
    seed: int = parameter(7, "A seed of its own.")
    depth: int = parameter(2, "How deep.")

    def missing(self, subject):
        return None

    def run(self, subject, rng):
        raise NotImplementedError


def test_a_taken_name_is_left_to_set():
    assert [flag.written for flag in check_flags(Greedy, taken=["seed"])] == ["--depth"]


def test_one_command_s_help_makes_no_other_command(monkeypatch):
    made: list[str] = []
    monkeypatch.setattr(app_module, "_MADE", {name: partial(_noted, made, name) for name in ("support", "fidelity")})
    app_module._command.cache_clear()
    commands = typer.main.get_group(app).commands
    assert list(commands) == ["support", "fidelity"]
    assert made == []
    assert commands["fidelity"].name == "fidelity"
    assert commands["fidelity"] is commands["fidelity"]
    assert made == ["fidelity"]
    app_module._command.cache_clear()


def _noted(made, name):
    made.append(name)
    return lambda: None
