"""What the ``train`` and ``study`` commands do once their flags are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from didlearn.cli.progress import showing
from didlearn.errors import UsageError
from didlearn.images import open_images
from didlearn.images.split import split_heldout
from didlearn.studies.registry import STUDIES
from didlearn.studies.runner import run_study
from didlearn.zoo.registry import RECIPES
from didlearn.zoo.training.data import check_device
from didlearn.zoo.training.loop import Runner, train_model
from didlearn.zoo.training.recipe import Recipe


def run_train(
    model: str,
    data: str | None,
    output: Path | None,
    *,
    heldout: str | None,
    heldout_fraction: float,
    size: int | None,
    channels: int | None,
    settings: Sequence[str],
    given: Mapping[str, Any],
    seed: int,
    restart: bool,
    runner: Mapping[str, Any],
    quiet: bool,
) -> Path:
    """Train a model of the zoo; return its folder.

    Raises:
        UsageError: a flag cannot be used. ModelError: the training diverged.
    """
    if data is None:
        raise UsageError("there is nothing to train on; give --data, as in --data digits")
    recipe = make_recipe(model, read_settings(settings, given))
    folder = output or Path("models") / f"{model}-{Path(data).stem}"
    work = Runner(**runner)
    train = open_images(data, size=size, channels=channels)
    if heldout is None:
        train, held = split_heldout(train, seed, heldout_fraction)
    else:
        held = open_images(heldout, size=size, channels=channels)
    with showing(quiet) as progress:
        work = dataclasses.replace(work, progress=progress)
        return train_model(recipe, train, held, folder, seed=seed, runner=work, restart=restart)


def make_recipe(model: str, settings: Mapping[str, Any]) -> Recipe:
    """Make the recipe called ``model`` from untyped settings.

    Raises:
        UsageError: there is no such model or setting, or a value cannot be read as what it is.
    """
    if model not in RECIPES:
        raise UsageError(f"there is no model {model!r}; choose one of {', '.join(RECIPES)}")
    kind = RECIPES[model]
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise UsageError(f"{model} has no setting {unknown[0]!r}; it has {', '.join(known)}")
    try:
        return TypeAdapter(kind).validate_python(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{model}: {place}: {first['msg']}; got {first['input']!r}") from None


def run_one_study(
    name: str,
    output: Path | None,
    *,
    data: str | None,
    size: int | None,
    full: bool,
    settings: Sequence[str],
    seed: int,
    jobs: int | None,
    device: str,
    quiet: bool,
) -> tuple[Path, str]:
    """Run a study; return its page and its answer.

    Raises:
        UsageError: a flag cannot be used.
    """
    if name not in STUDIES:
        raise UsageError(f"there is no study {name!r}; choose one of {', '.join(STUDIES)}")
    check_device(device)
    study = STUDIES[name].make(read_settings(settings, {"data": data, "size": size}), full)
    folder = output or Path("studies") / name
    with showing(quiet) as progress:
        result = run_study(study, folder, seed=seed, jobs=jobs, device=device, progress=progress)
    return folder / "report.html", result.answer


def read_settings(pairs: Sequence[str], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Read NAME=VALUE settings, beside those that have a flag of their own (``None``: not given).

    Raises:
        UsageError: one is no such pair, or a name is given twice.
    """
    settings = {name: value for name, value in flags.items() if value is not None}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (equals and name):
            raise UsageError(f"--set is {pair!r}; give NAME=VALUE, as in --set steps=1000")
        if name in settings:
            raise UsageError(f"{name} is given twice; give it once")
        settings[name] = value
    return settings
