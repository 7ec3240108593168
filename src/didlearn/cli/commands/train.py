"""``didlearn train``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from didlearn.audit.spec import DATA, MODEL, WORK
from didlearn.cli.options import declared, flag_option, read_settings
from didlearn.cli.progress import showing
from didlearn.cli.shown import shown
from didlearn.cli.stops import stopping
from didlearn.errors import UsageError

if TYPE_CHECKING:
    from didlearn.zoo.training.recipe import Recipe


def train(
    model: Annotated[
        str,
        typer.Argument(
            help="dcgan, mix-dcgan, bigan, ali, stacked-gan, wgan-gp, r3gan, vae, autoencoder, glo or diffusion.",
            show_default=False,
        ),
    ],
    data: Annotated[str | None, flag_option("--data", "Images to train on.", DATA)] = None,
    heldout: Annotated[
        str | None, flag_option("--heldout", "Images to measure against (else split off by seed).", DATA)
    ] = None,
    heldout_fraction: Annotated[float, declared("heldout_fraction")] = 0.2,
    size: Annotated[int | None, declared("size")] = None,
    crop: Annotated[int | None, declared("crop")] = None,
    channels: Annotated[int | None, declared("channels")] = None,
    megapixels: Annotated[int | None, declared("megapixels")] = None,
    steps: Annotated[int | None, flag_option("--steps", "Training steps.", MODEL)] = None,
    latent: Annotated[int | None, flag_option("--latent", "Dimension of the latent.", MODEL)] = None,
    width: Annotated[
        int | None, flag_option("--width", "Channels of the generator's last hidden layer.", MODEL)
    ] = None,
    batch: Annotated[int | None, flag_option("--batch", "Images of one step.", MODEL)] = None,
    set_: Annotated[
        list[str] | None, flag_option("--set", "NAME=VALUE: any other setting of the model. Repeatable.", MODEL)
    ] = None,
    output: Annotated[
        Path | None, flag_option("--output -o", "Model folder (default models/MODEL-DATA); a killed run goes on.", WORK)
    ] = None,
    seed: Annotated[int, declared("seed")] = 0,
    device: Annotated[str, declared("device")] = "cpu",
    precision: Annotated[
        str, flag_option("--precision", "float32, bf16, or auto: bf16 on a GPU that can (default).", WORK)
    ] = "auto",
    tensorboard: Annotated[bool, flag_option("--tensorboard", "Write TensorBoard's files too.", WORK)] = False,
    restart: Annotated[bool, flag_option("--restart", "Forget what the folder holds of an earlier run.", WORK)] = False,
    quiet: Annotated[bool, flag_option("--quiet -q", "No progress on stderr.", WORK)] = False,
) -> None:
    """Train one of the papers' models, and write it as a model folder."""
    from didlearn.images import open_images
    from didlearn.images.open import check_images
    from didlearn.images.split import split_heldout
    from didlearn.readiness.outputs import check_folder
    from didlearn.zoo.training.loop import Runner, train_model

    if data is None:
        raise UsageError("there is nothing to train on; give --data, as in --data digits")
    given = {"steps": steps, "latent": latent, "width": width, "batch": batch}
    recipe = make_recipe(model, read_settings(set_ or [], given))
    asked: dict[str, Any] = {"device": device, "precision": precision, "tensorboard": tensorboard}
    runner = Runner(**asked)
    folder = output or Path("models") / f"{model}-{Path(data).stem}"
    check_folder(folder)
    for source in (data, heldout):
        check_images(source)
    images = open_images(data, size=size, crop=crop, channels=channels, megapixels=megapixels)
    if heldout is None:
        images, held = split_heldout(images, seed, heldout_fraction)
    else:
        held = open_images(heldout, size=size, crop=crop, channels=channels, megapixels=megapixels)
    kept = f"what was trained is kept in {folder} up to its last checkpoint, and the same command goes on there"
    with showing(quiet) as progress, stopping(lambda: kept):
        runner = dataclasses.replace(runner, progress=progress)
        folder = train_model(recipe, images, held, folder, seed=seed, runner=runner, restart=restart)
    print(f"model: {shown(folder)}")


def make_recipe(model: str, settings: Mapping[str, Any]) -> Recipe:
    """Make the recipe called ``model`` from untyped settings.

    Raises:
        UsageError: there is no such model or setting, or a value cannot be read as what it is.
    """
    from didlearn.zoo.registry import RECIPES

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
