"""``didlearn study``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from didlearn.audit.spec import DATA, MEASURE, WORK
from didlearn.cli.options import declared, flag_option, read_settings
from didlearn.cli.progress import showing
from didlearn.cli.shown import shown
from didlearn.cli.stops import stopping
from didlearn.errors import UsageError


def study(
    name: Annotated[
        str,
        typer.Argument(
            help="discriminator-size, encoder, per-class, latent-dimension, likelihood-and-fidelity or "
            "memorizing-bigan.",
            show_default=False,
        ),
    ],
    data: Annotated[str | None, flag_option("--data", "Images to train on (default digits).", DATA)] = None,
    size: Annotated[int | None, declared("size")] = None,
    crop: Annotated[
        int | None, flag_option("--crop", "Cut this square out of their middle first (Arora's studies).", DATA)
    ] = None,
    embedding: Annotated[
        str | None,
        flag_option(
            "--embedding", "Where images look alike: pixels, classifier, a file or factory (Arora's studies).", DATA
        ),
    ] = None,
    trust_code: Annotated[bool, declared("trust_code")] = False,
    full: Annotated[bool, flag_option("--full", "The full grid: hours, best on a GPU.", MEASURE)] = False,
    set_: Annotated[
        list[str] | None, flag_option("--set", "NAME=VALUE: a setting of the study. Repeatable.", MEASURE)
    ] = None,
    output: Annotated[
        Path | None, flag_option("--output -o", "Folder (default studies/NAME); a killed study goes on.", WORK)
    ] = None,
    seed: Annotated[int, declared("seed")] = 0,
    jobs: Annotated[int | None, flag_option("--jobs", "Cells at a time; changes no result.", WORK)] = None,
    device: Annotated[str, declared("device")] = "cpu",
    backend: Annotated[str | None, declared("backend")] = None,
    address: Annotated[str | None, declared("address")] = None,
    quiet: Annotated[bool, flag_option("--quiet -q", "No progress on stderr.", WORK)] = False,
) -> None:
    """Repeat one of the papers' experiments on your data."""
    from didlearn.images.open import check_images
    from didlearn.readiness.devices import check_device
    from didlearn.readiness.outputs import check_folder
    from didlearn.studies.registry import STUDIES
    from didlearn.studies.runner import run_study
    from didlearn.units.cluster import check_backend

    if name not in STUDIES:
        raise UsageError(f"there is no study {name!r}; choose one of {', '.join(STUDIES)}")
    check_device(device)
    check_backend(backend, address)
    given = {"data": data, "size": size, "crop": crop, "embedding": embedding}
    asked = STUDIES[name].make(read_settings(set_ or [], given), full)
    folder = output or Path("studies") / name
    check_folder(folder)
    if data is not None:
        check_images(data)
    kept = f"finished cells are kept in {folder}, and the same command goes on there"
    with showing(quiet) as progress, stopping(lambda: kept):
        result = run_study(
            asked,
            folder,
            seed=seed,
            jobs=jobs,
            device=device,
            backend=backend,
            address=address,
            trust_code=trust_code,
            progress=progress,
        )
    print(shown(result.answer))
    print(f"report: {shown(folder / 'report.html')}")
