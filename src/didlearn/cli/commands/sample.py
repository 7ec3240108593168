"""``didlearn sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from didlearn.audit.spec import MODEL, WORK, make_spec, read_arguments
from didlearn.cli.options import declared, flag_option
from didlearn.cli.progress import showing
from didlearn.cli.shown import shown
from didlearn.cli.stops import heed_termination, stopping
from didlearn.errors import UsageError


def sample(
    model: Annotated[
        str, typer.Argument(help="A .pt2, .onnx, .pt, model folder, or file.py:factory.", show_default=False)
    ],
    number: Annotated[int | None, flag_option("--number -n", "Images of all shards together.", MODEL)] = None,
    shard: Annotated[str, flag_option("--shard", "Which part to draw here: 3/16 (default 1/1).", WORK)] = "1/1",
    output: Annotated[Path | None, flag_option("--output -o", "Folder (default samples/MODEL).", WORK)] = None,
    latent_shape: Annotated[str | None, declared("latent_shape")] = None,
    value_range: Annotated[tuple[float, float] | None, declared("value_range")] = None,
    prior: Annotated[str | None, declared("prior")] = None,
    classes: Annotated[int | None, declared("classes")] = None,
    architecture: Annotated[str | None, declared("architecture")] = None,
    architecture_arguments: Annotated[list[str] | None, declared("architecture_arguments")] = None,
    code_path: Annotated[str | None, declared("code_path")] = None,
    trust_code: Annotated[bool, declared("trust_code")] = False,
    seed: Annotated[int, declared("seed")] = 0,
    device: Annotated[str, declared("device")] = "cpu",
    batch_size: Annotated[int, declared("batch_size")] = 256,
    threads: Annotated[int | None, declared("threads")] = None,
    backend: Annotated[str | None, declared("backend")] = None,
    address: Annotated[str | None, declared("address")] = None,
    quiet: Annotated[bool, flag_option("--quiet -q", "No progress on stderr.", WORK)] = False,
) -> None:
    """Draw samples to disk, whole or in shards, for any other command to read."""
    from didlearn.models import open_model
    from didlearn.models.open import check_model
    from didlearn.parallel import default_threads
    from didlearn.readiness.devices import check_device
    from didlearn.readiness.outputs import check_folder
    from didlearn.sampling.shard import shard_of
    from didlearn.sampling.write import write_samples
    from didlearn.units.cluster import check_backend, placed

    if number is None or number < 1:
        raise UsageError("how many samples? give --number, as in -n 10000")
    part = shard_of(shard)
    part.images(number)
    check_device(device)
    check_backend(backend, address)
    given: dict[str, Any] = {
        "generator": model,
        "latent_shape": latent_shape,
        "value_range": value_range,
        "prior": prior,
        "classes": classes,
        "seed": seed,
        "batch_size": batch_size,
        "threads": threads,
    }
    asked = make_spec({name: value for name, value in given.items() if value is not None})
    folder = output or Path("samples") / (Path(model).name.replace(":", "-") or "model")
    check_folder(folder)
    code: dict[str, Any] = {
        "architecture": architecture,
        "architecture_arguments": read_arguments(architecture_arguments or ()),
        "code_path": code_path,
        "trust_code": trust_code,
    }
    check_model(model, **code)
    said = asked.model_dump(include={"latent_shape", "value_range", "prior", "classes"}, exclude_unset=True)
    heed_termination()
    kept = f"finished shards are kept in {folder}, and the same command begins this one again"
    with showing(quiet) as progress, stopping(lambda: kept), placed(backend, address, threads or default_threads()):
        opened = open_model(model, **said, **code, device=device)
        file = write_samples(
            opened, number, folder, shard=part, seed=asked.seed, device=device, batch_size=asked.batch_size,
            threads=asked.threads, progress=progress,
        )  # fmt: skip
    print(f"samples: {shown(file)}")
