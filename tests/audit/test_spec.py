import pytest

from didlearn.audit.spec import build_checks, make_spec, read_toml
from didlearn.checks.support.check import Support
from didlearn.errors import TrustError, UsageError


def test_later_sources_win_and_parameters_are_joined():
    spec = make_spec(
        {"train": "a", "seed": 1, "parameters": {"support": {"samples": 10, "factor": 3}}},
        {"seed": 2, "parameters": {"support": {"samples": 20}}},
    )
    assert (spec.train, spec.seed) == ("a", 2)
    assert spec.parameters == {"support": {"samples": 20, "factor": 3}}


def test_what_was_not_said_is_left_to_the_defaults():
    assert set(make_spec({"train": "a"}).arguments()) == {"train", "checks"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"trian": "x"}, "unknown key 'trian'; did you mean 'train'"),
        ({"seed": "many"}, "seed is 'many'"),
        ({"heldout_fraction": 1.5}, "heldout_fraction is 1.5"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_bad_fields_are_named(fields, message):
    with pytest.raises(UsageError, match=message):
        make_spec(fields)


@pytest.mark.parametrize(
    ("names", "parameters", "message"),
    [
        (["suport"], {}, "no check 'suport'; did you mean 'support'"),
        (["support", "support"], {}, "asked for twice"),
        (
            [],
            {"support": {"sample": 3}},
            "no parameter 'sample'; did you mean 'samples'.*valid are samples, candidates",
        ),
        ([], {"support": {"samples": "lots"}}, "samples is 'lots'"),
        ([], {"likeliness": {}}, "no check 'likeliness'"),
    ],
)
def test_bad_checks_are_named(names, parameters, message):
    with pytest.raises(UsageError, match=message):
        build_checks(names, parameters)


def test_text_becomes_the_field_s_type():
    assert build_checks(["support"], {"support": {"samples": "50", "factor": "3"}}) == [Support(samples=50, factor=3.0)]


def test_a_file_holds_it_all(tmp_path):
    path = tmp_path / "audit.toml"
    path.write_text('train = "digits"\nlatent_shape = [4]\n[outside]\nx = "y"\n[support]\nsamples = 7\n')
    spec = make_spec(read_toml(path))
    assert spec.outside == {"x": "y"}
    assert spec.latent_shape == (4,)
    assert spec.parameters == {"support": {"samples": 7}}


@pytest.mark.parametrize(("text", "message"), [(None, "there is no file"), ("a = = 1", "is not a TOML file")])
def test_unreadable_files_are_refused(tmp_path, text, message):
    path = tmp_path / "audit.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_toml(path)


def test_a_file_may_say_that_code_is_not_trusted(tmp_path):
    path = tmp_path / "audit.toml"
    path.write_text('generator = "models.py:make"\ntrust_code = false\n')
    assert make_spec(read_toml(path)).arguments()["trust_code"] is False
    assert make_spec(read_toml(path), {"trust_code": True}).trust_code


@pytest.mark.parametrize("said", ["true", "0", '"no"', "[]"])
def test_a_file_cannot_say_that_code_is_trusted(tmp_path, said):
    path = tmp_path / "audit.toml"
    path.write_text(f'generator = "models.py:make"\ntrust_code = {said}\n')
    with pytest.raises(
        TrustError, match=r"no file may say that code is trusted.*give trust_code=True where you run it"
    ):
        read_toml(path)
