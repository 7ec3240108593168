"""``didlearn train`` and ``didlearn study`` as typed, and what is behind them."""

import json
import re
import sys

import numpy as np
import pytest
import typer

import didlearn as dl
from didlearn.cli.app import app, main
from didlearn.cli.commands.train import make_recipe
from didlearn.cli.options import read_settings
from didlearn.cli.progress import showing
from didlearn.errors import UsageError
from didlearn.models import open_model
from didlearn.rng import Stream
from didlearn.studies.registry import STUDIES
from didlearn.zoo.registry import RECIPES
from didlearn.zoo.wgan_gp import WganGpRecipe
from tests.typed import didlearn

TINY = ["--steps", "6", "--latent", "3", "--width", "2", "--batch", "8", "-q"]

SMALL = {"seeds": 1, "steps": 6, "batch": 8, "latent": 4, "width": 2, "discriminator_width": 2, "samples": 100}
SMALL_STUDY = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]


def call(*args):
    """Run a command in this process: errors come out as they are."""
    app([str(arg) for arg in args], standalone_mode=False)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    digits = dl.open_images("digits")
    path = tmp_path_factory.mktemp("data") / "few.npz"
    np.savez(path, x=digits.read_raw(range(60))[:, 0], y=digits.labels[:60])
    return path


def test_train_writes_a_model_and_says_where(few, tmp_path):
    done = didlearn("train", "vae", "--data", few, *TINY[:-1], "--set", "beta=0.5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "models" / "vae-few"
    assert done.stdout == "model: models/vae-few\n"
    assert "step 6: Fréchet distance" in done.stderr
    run = json.loads((folder / "training" / "run.json").read_text())
    assert (run["settings"]["beta"], run["settings"]["steps"], run["settings"]["latent"], run["seed"]) == (0.5, 6, 3, 0)
    assert open_model(str(folder)).draw(2, Stream(0)).images.shape == (2, 1, 8, 8)


def test_a_diverged_training_exits_with_two_and_one_sentence(few, tmp_path, monkeypatch, capsys):
    args = ["train", "wgan-gp", "--data", few, *TINY, "--set", "learning_rate=1e12", "-o", tmp_path / "m"]
    monkeypatch.setattr(sys, "argv", ["didlearn", *map(str, args)])
    with pytest.raises(SystemExit) as stopped:
        main()
    out, err = capsys.readouterr()
    assert stopped.value.code == 2
    assert err.startswith("error: wgan-gp diverged before step")
    assert len(err.strip().splitlines()) == 1
    assert out == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "gan", "--data", "digits"], r"there is no model 'gan'; choose one of dcgan, mix-dcgan, bigan"),
        (["train", "dcgan"], r"nothing to train on; give --data, as in --data digits"),
        (
            ["train", "dcgan", "--data", "digits", "--set", "beta=1"],
            r"dcgan has no setting 'beta'; it has latent, width",
        ),
        (["train", "dcgan", "--data", "digits", "--set", "latent"], r"--set is 'latent'; give NAME=VALUE"),
        (["train", "dcgan", "--data", "digits", "--set", "latent=ten"], r"dcgan: latent: .*valid integer.*got 'ten'"),
        (["train", "dcgan", "--data", "digits", "--set", "latent=3", "--latent", "4"], r"latent is given twice"),
        (["train", "vae", "--data", "digits", "--set", "beta=1", "--set", "beta=2"], r"beta is given twice"),
        (["train", "dcgan", "--data", "digits", "--steps", "0"], r"dcgan: steps is 0; give a number of at least 1"),
        (["train", "dcgan", "--data", "digits", "--batch", "5000"], r"a batch holds 5000: give a smaller batch"),
        (["train", "dcgan", "--data", "digits", "--size", "30"], r"images are 30×30.*give --size"),
        (["train", "dcgan", "--data", "digits", "--heldout-fraction", "1.5"], r"lies between 0 and 1"),
        (["train", "dcgan", "--data", "nowhere/"], r"nowhere"),
        (["train", "dcgan", "--data", "digits", "--device", "abacus"], r"device 'abacus' cannot be used"),
        (["train", "dcgan", "--data", "digits", "--precision", "half"], r"precision is 'half'; valid are auto"),
        (["train", "dcgan", "--dta", "digits"], r"there is no flag --dta; did you mean --data?"),
        (["train", "dcgan", "--data", "digits", "--data", "digits"], r"--data is given twice"),
        (["study", "size"], r"there is no study 'size'; choose one of discriminator-size"),
        (["study", "encoder", "--set", "breadth=3"], r"the study encoder has no setting 'breadth'; it has data, size"),
        (["study", "encoder", "--set", "models=vae"], r"the study encoder compares dcgan"),
        (["study", "encoder", "--data", "nowhere/", "--jobs", "1"], r"nowhere"),
        (["study", "encoder", "--jobs", "0"], r"give at least one of each"),
        (["study", "encoder", "--device", "abacus"], r"device 'abacus' cannot be used"),
        (["study", "encoder", "--data", "digits", "--set", "data=digits"], r"data is given twice"),
        (["study", "encoder", "--set", "steps=0", "--jobs", "1"], r"steps is 0"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(args, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(dl.errors.DidlearnError, match=message) as caught:
        call(*args, "-q")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("models/*/model.json"))


def test_a_killed_run_goes_on_and_another_is_refused_until_restarted(few, tmp_path):
    folder = tmp_path / "m"
    train = ["train", "autoencoder", "--data", few, *TINY, "-o", folder]
    call(*train)
    first = (folder / "weights.safetensors").read_bytes()
    call(*train)
    assert (folder / "weights.safetensors").read_bytes() == first
    with pytest.raises(UsageError, match=r"holds another run: .* there and .* now.*--restart"):
        call(*train, "--seed", "1")
    with pytest.raises(dl.errors.DataError, match="nowhere"):
        call("train", "autoencoder", "--data", "nowhere.npz", *TINY, "-o", folder, "--restart")
    assert (folder / "weights.safetensors").read_bytes() == first, "a mistyped restart forgot the run"
    call(*train, "--seed", "1", "--restart")
    assert (folder / "weights.safetensors").read_bytes() != first
    call(*train, "--restart")
    assert (folder / "weights.safetensors").read_bytes() == first


def test_a_mistake_costs_no_folder(few, tmp_path):
    """What was refused, or diverged before anything was saved, does not keep its folder from the next try."""
    train = ["train", "wgan-gp", "--data", few, *TINY, "-o", tmp_path / "m"]
    with pytest.raises(dl.errors.ModelError, match="diverged"):
        call(*train, "--set", "learning_rate=1e12")
    call(*train)
    study = ["study", "per-class", *SMALL_STUDY, "--jobs", "1", "-o", tmp_path / "s", "-q"]
    with pytest.raises(dl.errors.DataError, match="nowhere"):
        call(*study, "--data", "nowhere/")
    call(*study, "--data", few)


def test_held_out_images_may_be_given(few, tmp_path):
    call("train", "glo", "--data", few, "--heldout", "digits", *TINY, "-o", tmp_path / "a")
    train = dl.open_images(str(few))
    assert json.loads((tmp_path / "a" / "training" / "run.json").read_text())["data"] == train.fingerprint
    np.save(tmp_path / "large.npy", np.random.default_rng(0).integers(0, 255, (20, 16, 16), dtype=np.uint8))
    with pytest.raises(UsageError, match=r"held-out ones .*give --size"):
        call("train", "glo", "--data", few, "--heldout", tmp_path / "large.npy", *TINY, "-o", tmp_path / "b")


def test_a_study_from_the_command_line(few, tmp_path, capsys):
    folder = tmp_path / "study"
    settings = {"widths": "2", "seeds": 1, "steps": 6, "batch": 8, "latent": 3, "width": 2, "samples": 100}
    flags = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    call("study", "discriminator-size", "--data", few, *flags, "--jobs", "1", "-o", folder, "-q")
    out, err = capsys.readouterr()
    assert err == ""
    answer, page = out.splitlines()
    assert answer == "Too few models are finished (1) to say."
    assert page == f"report: {folder / 'report.html'}"
    assert "Too few models are finished" in (folder / "report.html").read_text(encoding="utf-8")
    again = ["seeds=2" if flag == "seeds=1" else flag for flag in flags]
    with pytest.raises(UsageError, match="another study: seeds is 1 there and 2 now"):
        call("study", "discriminator-size", "--data", few, *again, "--jobs", "1", "-o", folder, "-q")


def test_settings_are_read_as_what_they_are():
    recipe = make_recipe("wgan-gp", {"steps": "70", "penalty": "2.5", "critic_steps": 3})
    assert recipe == WganGpRecipe(steps=70, penalty=2.5, critic_steps=3)
    assert read_settings(["a=b=c"], {"steps": None, "latent": 3}) == {"a": "b=c", "latent": 3}


def test_commands_name_every_model_and_study():
    commands = typer.main.get_group(app).commands
    for command, names in (("train", RECIPES), ("study", STUDIES)):
        argument = commands[command].params[0]
        assert set(re.findall(r"[\w-]+", vars(argument)["help"])) - {"or"} == set(names)


def test_quiet_shows_nothing_and_loud_shows_sentences(capsys):
    with showing(True) as advance:
        advance("training", 1, 2)
        advance("a sentence", 0, 0)
    assert capsys.readouterr() == ("", "")
    with showing(False) as advance:
        advance("step 3: [12]", 0, 0)
        advance("training", 1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "step 3: [12]" in err
