"""``train_model``: the loop all recipes share, with checkpoints, resumption, and measurements on the way."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from didlearn import __version__
from didlearn.atomic import atomically
from didlearn.claim import claim, held
from didlearn.errors import MissingExtraError, ModelError, UsageError
from didlearn.foreign.files import refuse_outward_links
from didlearn.images.base import Images
from didlearn.models.formats.model_folder import JSON, WEIGHTS, save_model
from didlearn.naming import option, setting
from didlearn.progress import Progress, silent
from didlearn.readiness.devices import check_device
from didlearn.rng import Stream
from didlearn.zoo.training.checkpoint import load_checkpoint, save_checkpoint
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.recipe import Recipe, Training, doublings
from didlearn.zoo.training.watch import Watch, check_losses, finite_weights, write_sheet

Precision = Literal["auto", "float32", "bf16"]
_LOOK = 25  # steps between two looks at the losses
_MEASUREMENTS = 10
_RUN, CHECKPOINT, _PROGRESS = "run.json", "checkpoint.safetensors", "progress.jsonl"


@dataclass(frozen=True)
class Runner:
    """Where and how a model is trained. Nothing here but ``precision`` changes the weights.

    Attributes:
        device: torch device. precision: ``bf16`` computes in bfloat16 where torch knows it safe; ``auto`` does so on a
            GPU that can. checkpoint_seconds: between two checkpoints.
        measurements: how often the Fréchet distance is measured on the way. tensorboard: write TensorBoard's files.
        cache: folder for the classifier that distances are measured with, where several runs share it.
        progress: called with (what, steps done, steps in all).
    """

    device: str = "cpu"
    precision: Precision = "auto"
    checkpoint_seconds: float = 180.0
    measurements: int = _MEASUREMENTS
    tensorboard: bool = False
    cache: Path | None = None
    progress: Progress = silent

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise UsageError(f"the precision is {self.precision!r}; valid are {', '.join(get_args(Precision))}")
        check_device(self.device)

    @property
    def bf16(self) -> bool:
        """Whether to compute in bfloat16."""
        if self.precision == "auto":
            return self.device.startswith("cuda") and torch.cuda.is_bf16_supported()
        return self.precision == "bf16"


def train_model(
    recipe: Recipe,
    train: Images,
    heldout: Images,
    folder: Path,
    *,
    seed: int = 0,
    runner: Runner | None = None,
    restart: bool = False,
) -> Path:
    """Train a model and write it as a model folder that ``open_model`` reads; return the folder.

    Beside ``model.json`` and ``weights.safetensors``, which are there from the first checkpoint on, ``training/`` holds
    the checkpoint, ``progress.jsonl`` (a line per measurement: step, seconds, losses, Fréchet distance) and sheets of
    samples. A run that was killed goes on from its checkpoint, to the weights it would have had on the same device and
    number of threads.

    Args:
        recipe: what to train. train: the training images. heldout: images the Fréchet distance is measured against.
        folder: where to. seed: of everything random. runner: where and how.
        restart: forget an earlier run in this folder, and its model.

    Raises:
        UsageError: the images do not fit the recipe, or the folder holds another run, or another process is at
            work in it.
        ModelError: the training diverged; the sentence says when and what is kept.
    """
    runner = runner or Runner()
    _check(recipe, train, heldout)
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder, "give another folder"):
        return _train_here(recipe, train, heldout, folder, seed, runner, restart)


def _train_here(
    recipe: Recipe, train: Images, heldout: Images, folder: Path, seed: int, runner: Runner, restart: bool
) -> Path:
    home = folder / "training"
    if restart and (home / _RUN).is_file():
        shutil.rmtree(home)
        for name in (JSON, WEIGHTS):
            (folder / name).unlink(missing_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    _claim(home, _identity(recipe, train, heldout, seed, runner))
    data = TrainingSet(train, recipe.batch, Stream(seed, ("zoo", recipe.name)), runner.device)
    with torch.random.fork_rng(devices=[]):  # building layers draws from the global generator, before we redraw
        training = recipe.build(data, data.rng)
    training.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    watch = Watch(train, heldout, runner.cache or home, runner.device)
    _Run(recipe, training, data, watch, folder, runner, train.classes).go()
    return folder


def _check(recipe: Recipe, train: Images, heldout: Images) -> None:
    doublings(train.shape)
    if heldout.shape != train.shape:
        raise UsageError(
            f"training images are {train.shape} and held-out ones {heldout.shape} (channels, height, width); give "
            f"{option('size')} or {option('channels')}"
        )
    if len(heldout) < 2:
        raise UsageError(f"{heldout.name} has {len(heldout)} image; a distance to held-out images needs two or more")
    if len(np.unique(train.hashes)) < 2:
        raise UsageError(f"{train.name} holds one picture, {len(train)} times; there is no distribution to learn")
    if recipe.conditional and train.labels is None:
        raise UsageError(f"{recipe.name} is trained on labelled images, and {train.name} has no labels")


def _identity(recipe: Recipe, train: Images, heldout: Images, seed: int, runner: Runner) -> dict[str, object]:
    """Return what two runs must share for the one to go on where the other stopped."""
    return {
        "model": recipe.name,
        "settings": asdict(recipe),
        "data": train.fingerprint,
        "heldout": heldout.fingerprint,
        "seed": seed,
        "bf16": runner.bf16,
        "didlearn": __version__,
    }


def _claim(home: Path, identity: dict[str, object]) -> None:
    kept = (home / CHECKPOINT).exists() or (home.parent / JSON).exists()
    if not (kept and (home / _RUN).exists()):
        for stale in (CHECKPOINT, _PROGRESS):  # what is left where a restart was cut short, or nothing was saved
            (home / stale).unlink(missing_ok=True)
    refuse_outward_links(home.parent, (JSON, WEIGHTS, home.name))
    claim(home / _RUN, identity, begun=kept, work="run", otherwise=f"give another folder, or {option('restart', True)}")


class _Run:
    def __init__(
        self,
        recipe: Recipe,
        training: Training,
        data: TrainingSet,
        watch: Watch,
        folder: Path,
        runner: Runner,
        class_names: tuple[str, ...] | None,
    ) -> None:
        self.recipe, self.training, self.data, self.watch = recipe, training, data, watch
        self.folder, self.home, self.runner, self.class_names = folder, folder / "training", runner, class_names
        self.rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in training.optimizers.items()}
        self.every = max(1, recipe.steps // max(1, runner.measurements))
        self.losses: dict[str, float] = {}

    def go(self) -> None:
        """Take every step that is not taken yet."""
        step, before = self._resume()
        started = saved = time.perf_counter()
        with _writer(self.home, self.runner.tensorboard) as write:
            while step < self.recipe.steps:
                losses = self._step(step)
                step += 1
                last = step == self.recipe.steps
                measured = step % self.every == 0 or last
                if step % _LOOK == 0 or measured:
                    self._look(losses, step)
                seconds = before + time.perf_counter() - started
                if measured:
                    write(step, self._measure(step, seconds))
                if last or time.perf_counter() - saved > self.runner.checkpoint_seconds:
                    self._save(step, seconds)
                    saved = time.perf_counter()

    def _resume(self) -> tuple[int, float]:
        for part in (*self.home.glob(".*.safetensors"), *self.folder.glob(".*.safetensors")):  # a kill left them
            part.unlink()
        path = self.home / CHECKPOINT
        step, seconds = load_checkpoint(path, self.training) if path.is_file() else (0, 0.0)
        progress = self.home / _PROGRESS
        if progress.is_file():
            rows = [row for row in progress.read_text(encoding="utf-8").splitlines() if row]
            kept = "".join(f"{row}\n" for row in rows if _is_row(row) and json.loads(row)["step"] <= step)
            atomically(progress, lambda part: part.write_text(kept, encoding="utf-8"))
        return step, seconds

    def _step(self, step: int) -> dict[str, Tensor]:
        # From the middle on, every learning rate falls linearly to a twentieth.
        for name, optimizer in self.training.optimizers.items():
            share = min(1.0, 2 * (1 - step / self.recipe.steps) + 0.05)
            optimizer.param_groups[0]["lr"] = self.rates[name] * share
        source = StepData(self.data, step, self.recipe.steps, self.recipe.batches)
        kind = torch.device(self.runner.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.runner.bf16):
            return self.training.step(source)

    def _look(self, losses: dict[str, Tensor], step: int) -> None:
        self.losses = {name: float(value.detach()) for name, value in losses.items()}
        try:
            check_losses(self.losses, step, self.watch.variance)
        except ModelError as error:
            raise self._diverged(str(error), step) from None
        self.runner.progress(f"training {self.recipe.name}", step, self.recipe.steps)

    def _settle(self, step: int) -> None:
        if not finite_weights(self.training.networks):
            raise self._diverged("a weight is no number", step)
        self.training.settle(self.data)

    def _measure(self, step: int, seconds: float) -> dict[str, float]:
        self._settle(step)
        try:
            distance, images = self.watch.measure(self.training.product(), step)
        except ModelError as error:
            raise self._diverged(str(error), step) from None
        row = {"step": step, "seconds": round(seconds, 1), "frechet_distance": distance, **self.losses}
        with (self.home / _PROGRESS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        write_sheet(images, self.home / "samples" / f"step-{step:07d}.png")
        self.runner.progress(f"step {step}: Fréchet distance {distance:.4g}, {seconds:.0f} s", 0, 0)
        return row

    def _save(self, step: int, seconds: float) -> None:
        self._settle(step)
        product = self.training.product()
        names = self.class_names if product.classes else None
        # The checkpoint last: a kill before it repeats a few steps, one after it must not leave an older model behind.
        save_model(product, self.folder, class_names=names, name=self.folder.name)
        save_checkpoint(self.home / CHECKPOINT, self.training, step, seconds)

    def _diverged(self, what: str, step: int) -> ModelError:
        kept = "the last checkpoint before is kept" if (self.home / CHECKPOINT).is_file() else "no checkpoint was made"
        return ModelError(
            f"{self.recipe.name} diverged before step {step}: {what}; {kept}. Try a smaller learning rate "
            f"({setting('learning_rate')}) in another folder, or with {option('restart', True)}"
        )


def _is_row(text: str) -> bool:
    """Tell whether a line of the progress file was written to its end."""
    try:
        return "step" in json.loads(text)
    except ValueError:
        return False


@contextlib.contextmanager
def _writer(home: Path, wanted: bool) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """Give what writes a measurement for TensorBoard, or does nothing."""
    if not wanted:
        yield lambda *_: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError(
            f"{option('tensorboard', True)} needs the package tensorboard ({error}); pip install 'didlearn[track]'"
        ) from None
    with SummaryWriter(str(home / "tensorboard")) as writer:

        def write(step: int, row: dict[str, float]) -> None:
            for name, value in row.items():
                writer.add_scalar(name, value, step)

        yield write
