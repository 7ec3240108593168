"""``didlearn label``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from didlearn.cli.shown import shown


def label(
    run: Annotated[Path, typer.Argument(help="Run folder.", show_default=False)],
    labeller: Annotated[
        str | None, typer.Option("--labeller", help="Who labels (else the page asks).", show_default=False)
    ] = None,
    pairs: Annotated[
        int | None, typer.Option("--pairs", help="Pairs each person is asked (default: all).", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the order they come in.")] = 0,
    port: Annotated[int, typer.Option("--port", help="Port on this machine alone; 0: any free one.")] = 0,
    browse: Annotated[bool, typer.Option("--open", help="Open a browser at the page.")] = False,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write the labels there as CSV, and stop.", show_default=False)
    ] = None,
    finish: Annotated[bool, typer.Option("--finish", help="Write the estimate from the labels, and stop.")] = False,
) -> None:
    """Judge a run's closest pairs in the browser; the report takes it in."""
    from didlearn.labelling.serve import label_run

    label_run(
        run, port=port, labeller=labeller, pairs=pairs, seed=seed, export=export, finish=finish, browse=browse,
        say=lambda line: print(shown(line), flush=True),
    )  # fmt: skip
