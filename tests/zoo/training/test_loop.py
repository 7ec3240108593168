import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import didlearn as dl
from didlearn.claim import held
from didlearn.errors import DidlearnError, MissingExtraError, ModelError, ResultError, UsageError
from didlearn.models import open_model
from didlearn.models.module import ModuleModel
from didlearn.parallel import single_threaded
from didlearn.rng import Stream
from didlearn.zoo.registry import RECIPES
from didlearn.zoo.training.loop import Runner
from tests.zoo.tiny import SMALL, digits, train

pytestmark = pytest.mark.usefixtures("quick_classifier")  # of a stacked GAN, and of the Fréchet distance


class Killed(Exception):  # noqa: N818 (it is no error)
    pass


def kill_at(step):
    """A progress callback that is the end of the run when this step is measured, before it is saved."""

    def progress(what, done, total):
        if what.startswith(f"step {step}:"):
            raise Killed

    return progress


def weights(folder):
    return load_file(folder / "weights.safetensors")


def progress(folder):
    rows = [json.loads(line) for line in (folder / "training" / "progress.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def same(one, other):
    left, right = weights(one), weights(other)
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)
    assert progress(one) == progress(other)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the folder of an uninterrupted run of each model."""
    folders = {}

    def made(name):
        if name not in folders:
            folders[name] = train(name, tmp_path_factory.mktemp(name) / "model")
        return folders[name]

    return made


@pytest.mark.parametrize("name", RECIPES)
def test_a_killed_run_goes_on_to_the_same_weights(name, whole, tmp_path):
    """Killed before and after the middle, where learning rates begin to fall."""
    folder = tmp_path / "model"
    for step in (4, 12):
        with pytest.raises(Killed):
            train(name, folder, checkpoint_seconds=0, progress=kill_at(step))
    train(name, folder)
    same(folder, whole(name))
    sheets = sorted(path.name for path in (folder / "training" / "samples").iterdir())
    assert sheets == ["step-0000004.png", "step-0000008.png", "step-0000012.png"]


@pytest.mark.parametrize("name", RECIPES)
def test_what_was_trained_opens_and_draws(name, whole):
    model = open_model(str(whole(name)))
    assert isinstance(model, ModuleModel)
    drawn = model.draw(40, Stream(1))
    assert drawn.images.shape == (40, 1, 8, 8)
    assert drawn.images.dtype == np.uint8
    assert drawn.finite.all()
    assert (model.classes == 10) == (name == "stacked-gan")
    if name == "stacked-gan":
        assert model.class_names == tuple("0123456789")
    if name in ("bigan", "ali", "vae", "autoencoder"):
        x = digits(0, 5).read(range(5)) * 2 - 1
        pair: Any = model.module
        mean, log_variance = pair.encode(x)
        assert mean.shape == log_variance.shape == (5, *model.latent_shape)
        assert pair.reconstruct(x).shape == x.shape
        # Encoding and decoding as a generator is what reconstructing is.
        torch.testing.assert_close(pair(mean), pair.reconstruct(x), rtol=1e-3, atol=1e-3)
    again = open_model(str(whole(name)))
    assert again.fingerprint == model.fingerprint


def test_training_learns(tmp_path):
    """In three hundred steps an autoencoder's error falls far below that of the mean image."""
    settings = {"steps": 300, "width": 8, "encoder_width": 8, "latent": 16, "learning_rate": 3e-3}
    folder = train("autoencoder", tmp_path / "model", images=digits(0, 400), settings=settings)
    rows = progress(folder)
    pixels = digits(0, 400).read(range(400))
    assert rows[-1]["error"] < 0.35 * float(pixels.var(dim=0).mean())
    assert rows[-1]["frechet_distance"] < rows[0]["frechet_distance"]
    model = open_model(str(folder))
    assert isinstance(model, ModuleModel)
    own = model.decode(model.sample_prior(4, Stream(0))).numpy()
    found = dl.invert(model, own, draws=64, starts=4, rounds=2, threads=1)
    assert found.error.max() < 1e-4


def test_the_seed_decides_and_nothing_else(whole, tmp_path):
    torch.manual_seed(17)
    np.random.seed(17)
    state = torch.get_rng_state()
    folder = train("dcgan", tmp_path / "same", checkpoint_seconds=0, measurements=3)
    same(folder, whole("dcgan"))
    assert torch.equal(torch.get_rng_state(), state)
    other = train("dcgan", tmp_path / "other", seed=1)
    assert any(not torch.equal(a, b) for a, b in zip(weights(folder).values(), weights(other).values(), strict=True))


def test_how_often_it_is_measured_changes_no_weight(whole, tmp_path):
    for name in ("dcgan", "autoencoder", "glo"):
        folder = train(name, tmp_path / name, measurements=12, checkpoint_seconds=0)
        assert all(
            torch.equal(a, b) for a, b in zip(weights(folder).values(), weights(whole(name)).values(), strict=True)
        )
        assert len(progress(folder)) == 12
        assert all(len(row) > 2 for row in progress(folder))


def test_learning_rates_fall_from_the_middle_on_also_after_a_kill(tmp_path, monkeypatch):
    from didlearn.zoo.vae import VaeTraining

    step = VaeTraining.step
    rates: dict[int, list[float]] = {}

    def recorded(self, source):
        rates.setdefault(source.step, []).append(self.optimizers["pair"].param_groups[0]["lr"])
        return step(self, source)

    monkeypatch.setattr(VaeTraining, "step", recorded)
    for end in (4, 8):
        with pytest.raises(Killed):
            train("vae", tmp_path / "model", checkpoint_seconds=0, progress=kill_at(end))
    train("vae", tmp_path / "model")
    wanted = {done: [1e-3 * min(1.0, 2 * (1 - done / 12) + 0.05)] * (2 if done in (3, 7) else 1) for done in range(12)}
    assert rates.keys() == wanted.keys()
    for done, found in rates.items():
        assert found == pytest.approx(wanted[done])


SCRIPT = """
from pathlib import Path
import torch
from tests.zoo.tiny import train
torch.set_num_threads(1)
train("r3gan", Path({folder!r}), settings={{"steps": 80, "average": 0.9}}, checkpoint_seconds=0.0, measurements=6)
"""


def test_sigkill_at_any_moment_loses_nothing(tmp_path):
    """Killed wherever it happens to be: writing the checkpoint is most of what it does."""
    folder = tmp_path / "killed" / "model"
    checkpoint = folder / "training" / "checkpoint.safetensors"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT.format(folder=str(folder))], env=environment)
    while process.poll() is None and not checkpoint.exists():
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    settings = {"steps": 80, "average": 0.9}
    with single_threaded():
        train("r3gan", folder, settings=settings, measurements=6)
        train("r3gan", tmp_path / "model", settings=settings, measurements=6)
    same(folder, tmp_path / "model")
    left = [path.name for path in (folder / "training").iterdir() if path.name.endswith("safetensors")]
    assert left == ["checkpoint.safetensors"]


def test_a_model_that_the_kill_kept_from_being_written_is_written(whole, tmp_path, monkeypatch):
    """The last steps are done, the model folder is not written: going on writes it."""
    from didlearn.zoo.training import loop as training

    def killed(*_args, **_more):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(training, "save_model", killed)
        with pytest.raises(Killed):
            train("vae", tmp_path / "model")
    train("vae", tmp_path / "model")
    same(tmp_path / "model", whole("vae"))


def test_a_cut_line_of_progress_is_forgotten(whole, tmp_path):
    folder = tmp_path / "model"
    with pytest.raises(Killed):
        train("vae", folder, checkpoint_seconds=0, progress=kill_at(8))
    with (folder / "training" / "progress.jsonl").open("a") as file:
        file.write('{"step": 9, "sec')
    train("vae", folder)
    same(folder, whole("vae"))


def test_going_on_with_a_finished_run_changes_nothing(whole, tmp_path):
    folder = train("glo", tmp_path / "model")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "samples" not in path.parts}
    train("glo", folder)
    assert {path: path.read_bytes() for path in before} == before
    same(folder, whole("glo"))


def test_another_run_s_folder_is_refused_and_restart_forgets_it(whole, tmp_path):
    folder = train("vae", tmp_path / "model", settings={"beta": 2.0})
    with pytest.raises(UsageError, match=r"holds another run: beta is 2\.0 there and 1\.0 now.*restart=True"):
        train("vae", folder)
    with pytest.raises(UsageError, match=r"holds another run: seed is 0 there and 3 now"):
        train("vae", folder, seed=3, settings={"beta": 2.0})
    with pytest.raises(UsageError, match="model is 'vae' there and 'autoencoder' now"):
        train("autoencoder", folder)
    with pytest.raises(UsageError, match="run: data is"):
        train("vae", folder, images=digits(1, 41), settings={"beta": 2.0})
    with pytest.raises(UsageError, match="run: heldout is"):
        train("vae", folder, heldout=digits(50, 60), settings={"beta": 2.0})
    (folder / "notes.txt").write_text("mine")
    train("vae", folder, restart=True)
    same(folder, whole("vae"))
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_restart_cut_short_leaves_no_old_weights_to_go_on_with(whole, tmp_path):
    folder = train("vae", tmp_path / "model", seed=1)
    (folder / "training" / "run.json").unlink()
    train("vae", folder)
    same(folder, whole("vae"))


def test_files_that_cannot_be_read_are_told(tmp_path):
    folder = train("glo", tmp_path / "model")
    checkpoint, run = folder / "training" / "checkpoint.safetensors", folder / "training" / "run.json"
    whole = checkpoint.read_bytes()
    for bad in (whole[: len(whole) // 2], b"", b"rubbish"):
        checkpoint.write_bytes(bad)
        with pytest.raises(ResultError, match=r"cannot be read as this run's checkpoint.*restart=True"):
            train("glo", folder)
    save_file({"networks.other": torch.zeros(2)}, checkpoint, metadata={"run": '{"step": 3, "seconds": 1.0}'})
    with pytest.raises(ResultError, match="checkpoint"):
        train("glo", folder)
    for bad in ('{"model": "glo"', "[1, 2]", "3"):
        run.write_text(bad)
        with pytest.raises(ResultError, match=r"run\.json cannot be read as JSON"):
            train("glo", folder)
    train("glo", folder, restart=True)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("wgan-gp", {"learning_rate": 1e4}),
        ("vae", {"learning_rate": 1e6}),
        ("dcgan", {"learning_rate": 1e3}),
        ("mix-dcgan", {"learning_rate": 1e3}),
        ("glo", {"learning_rate": 1e3}),
        ("autoencoder", {"learning_rate": 1e3}),
    ],
)
def test_a_run_that_diverges_stops_and_says_so(name, settings, tmp_path, monkeypatch):
    monkeypatch.setattr("didlearn.zoo.training.watch.FRESH", 40)
    with pytest.raises(ModelError, match=rf"{name} diverged before step \d+: .*no checkpoint was made.*learning rate"):
        train(name, tmp_path / "model", settings={"steps": 60, "width": 4, **settings})
    assert not (tmp_path / "model" / "model.json").exists()


def test_the_last_good_checkpoint_is_kept(tmp_path, monkeypatch):
    from didlearn.zoo.vae import VaeTraining

    step = VaeTraining.step

    def spoiled(self, source):
        losses = step(self, source)
        if source.step == 8:
            with torch.no_grad():
                self.networks["pair"].encoder[0].weight[0, 0, 0, 0] = float("nan")
        return losses

    monkeypatch.setattr(VaeTraining, "step", spoiled)
    folder = tmp_path / "model"
    with pytest.raises(
        ModelError, match="diverged before step 9: a weight is no number; the last checkpoint before is kept"
    ):
        train("vae", folder, checkpoint_seconds=0)
    assert open_model(str(folder)).draw(3, Stream(0)).finite.all()
    monkeypatch.setattr(VaeTraining, "step", step)
    train("vae", folder)


def test_a_generator_that_makes_one_image_is_told(tmp_path, monkeypatch):
    from didlearn.zoo.training import watch

    monkeypatch.setattr(watch, "FRESH", 3)
    with pytest.raises(ModelError, match="diverged before step 4: every image it makes is the same"):
        train("dcgan", tmp_path / "model", settings={"learning_rate": 1e-9})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": "constant"}, "one picture, 40 times"),
        ({"images": digits(0, 5)}, "has 5 images; a batch holds 8: give a smaller batch"),
        ({"heldout": digits(0, 1)}, "has 1 image"),
        ({"heldout": "large"}, "held-out ones .1, 16, 16.*size="),
        ({"images": "odd"}, "images are 7×7.*give size="),
        ({"name": "stacked-gan", "images": "unlabelled"}, "stacked-gan is trained on labelled images"),
    ],
)
def test_images_that_do_not_fit_are_refused_before_anything_is_written(arguments, message, tmp_path):
    rng = np.random.default_rng(0)
    known = {
        "constant": lambda: dl.open_images(np.full((40, 8, 8), 7, dtype=np.uint8)),
        "large": lambda: dl.open_images(rng.integers(0, 255, (20, 16, 16), dtype=np.uint8)),
        "odd": lambda: dl.open_images(rng.integers(0, 255, (40, 7, 7), dtype=np.uint8)),
        "unlabelled": lambda: dl.open_images(rng.integers(0, 255, (40, 8, 8), dtype=np.uint8)),
    }
    given = {
        key: known[value]() if isinstance(value, str) and value in known else value for key, value in arguments.items()
    }
    with pytest.raises(DidlearnError, match=message):
        train(given.pop("name", "dcgan"), tmp_path / "model", **given)


def test_runners_refuse_what_they_cannot_do():
    with pytest.raises(UsageError, match="precision is 'half'; valid are auto, float32, bf16"):
        Runner(precision="half")
    with pytest.raises(UsageError, match="device 'abacus' cannot be used"):
        Runner(device="abacus")


def test_classes_that_no_training_image_has_keep_their_names(tmp_path):
    labels = digits(0, 400).labels
    few = digits(0, 400).subset(np.flatnonzero(labels < 4)[:60])
    folder = train("stacked-gan", tmp_path / "model", images=few)
    assert open_model(str(folder)).class_names == tuple("0123456789")


def test_bf16_trains_and_is_another_run(tmp_path):
    folder = train("dcgan", tmp_path / "model", precision="bf16")
    assert open_model(str(folder)).draw(2, Stream(0)).finite.all()
    with pytest.raises(UsageError, match="bf16 is True there and False now"):
        train("dcgan", folder, precision="float32")


def test_sheets_show_the_samples(whole):
    path = whole("vae") / "training" / "samples" / "step-0000012.png"
    picture = np.asarray(Image.open(path))
    assert picture.ndim == 2
    assert picture.std() > 0


def test_tensorboard_files_are_written(tmp_path):
    pytest.importorskip("tensorboard")
    folder = train("glo", tmp_path / "model", tensorboard=True)
    assert list((folder / "training" / "tensorboard").iterdir())


def test_without_tensorboard_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"didlearn\[track\]"):
        train("glo", tmp_path / "model", tensorboard=True)


def test_settings_that_cannot_be_are_refused():
    for name, kind in RECIPES.items():
        for setting in ("latent", "width", "batch", "steps"):
            with pytest.raises(UsageError, match=f"{name}: {setting} is 0; give a number of at least"):
                kind(**{**{k: v for k, v in SMALL.items() if k in kind.__dataclass_fields__}, setting: 0})


def test_two_trainings_in_one_folder_are_one_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr("didlearn.claim._PATIENCE", 0.1)
    with held(tmp_path, ""), pytest.raises(UsageError, match=r"another process is at work in .*give another folder"):
        train("vae", tmp_path)
    assert not list(tmp_path.iterdir())
