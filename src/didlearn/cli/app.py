"""The command line. torch and everything that needs it are imported only once a command really runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from didlearn.checks import CHECKS
from didlearn.cli.flags import OnceOnly, option
from didlearn.errors import DidlearnError

_DATA, _MODEL, _MEASURE, _WORK = "Data", "Model", "What to measure", "How to run"


app = typer.Typer(
    name="didlearn",
    help="Did the generative model learn its distribution? How many different images can it make, and are they copies?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from didlearn._version import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _command(check: str | None) -> Callable[..., None]:
    """Make the ``audit`` command, or that of one check: the same flags."""

    def command(
        spec: Annotated[Path | None, typer.Argument(help="A TOML file that says all this.", show_default=False)] = None,
        generator: Annotated[
            str | None,
            option("--generator", "Samples (folder, zip, npz), .pt, .pt2, model folder, or file.py:factory.", _MODEL),
        ] = None,
        train: Annotated[str | None, option("--train", "Images the generator was trained on.", _DATA)] = None,
        heldout: Annotated[
            str | None, option("--heldout", "Images it was not trained on (else split off by seed).", _DATA)
        ] = None,
        outside: Annotated[
            list[str] | None, option("--outside", "NAME=SPEC: another data set. Repeatable.", _DATA)
        ] = None,
        size: Annotated[int | None, option("--size", "Resize all images to this many pixels a side.", _DATA)] = None,
        channels: Annotated[int | None, option("--channels", "Turn all images to 1 or 3 channels.", _DATA)] = None,
        heldout_fraction: Annotated[
            float | None, option("--heldout-fraction", "Share split off for held-out (default 0.2).", _DATA)
        ] = None,
        drop_shared: Annotated[
            bool | None, option("--drop-shared", "Leave out held-out images that are in the training set.", _DATA)
        ] = None,
        skip_broken: Annotated[
            bool | None, option("--skip-broken", "Leave out files that cannot be read, and count them.", _DATA)
        ] = None,
        latent_shape: Annotated[
            str | None, option("--latent-shape", "Shape of one latent: 100, or 128,1,1.", _MODEL)
        ] = None,
        value_range: Annotated[
            tuple[float, float] | None, option("--value-range", "What the output spans: -1 1.", _MODEL)
        ] = None,
        prior: Annotated[str | None, option("--prior", "normal, or uniform on [-1, 1].", _MODEL)] = None,
        classes: Annotated[int | None, option("--classes", "Classes of a conditional model.", _MODEL)] = None,
        trust_code: Annotated[
            bool | None, option("--trust-code", "Let a factory given as a generator or embedding run its code.", _MODEL)
        ] = None,
        autoencoder: Annotated[
            str | None, option("--autoencoder", "To set beside it: a .pt file or file.py:factory.", _MODEL)
        ] = None,
        checks: Annotated[
            list[str] | None, option("--checks", "Names, comma-separated (default: all).", _MEASURE)
        ] = None,
        samples: Annotated[
            str | None, option("--samples -n", "Images drawn from the generator: 20000, 20k.", _MEASURE)
        ] = None,
        level: Annotated[float | None, option("--level", "Confidence level of intervals.", _MEASURE)] = None,
        embedding: Annotated[
            str | None,
            option(
                "--embedding", "pixels, classifier, inception, dinov2, clip, a .pt file, file.py:factory.", _MEASURE
            ),
        ] = None,
        weights: Annotated[
            Path | None, option("--weights", "Weights of inception, dinov2 or clip, without a network.", _MEASURE)
        ] = None,
        set_: Annotated[
            list[str] | None, option("--set", "CHECK.PARAMETER=VALUE, e.g. support.factor=3. Repeatable.", _MEASURE)
        ] = None,
        output: Annotated[Path | None, option("--output -o", "Run folder (default runs/GENERATOR).", _WORK)] = None,
        seed: Annotated[int | None, option("--seed", "Root of every random stream (default 0).", _WORK)] = None,
        device: Annotated[str | None, option("--device", "cpu, cuda, cuda:1.", _WORK)] = None,
        batch_size: Annotated[
            int | None, option("--batch-size -b", "Images in flight; changes no result.", _WORK)
        ] = None,
        threads: Annotated[int | None, option("--threads", "Worker threads; changes no result.", _WORK)] = None,
        fail_on: Annotated[str, option("--fail-on", "Exit with 1 on fail, inconclusive, or never.", _WORK)] = "fail",
        json: Annotated[bool, option("--json", "Print audit.json on stdout.", _WORK)] = False,
        quiet: Annotated[bool, option("--quiet -q", "No progress on stderr.", _WORK)] = False,
    ) -> None:
        flags = {key: value for key, value in locals().items() if key in _SPEC_FLAGS and value is not None}
        from didlearn.cli.auditing import run_audit

        wanted = ",".join(checks or []) if check is None else check
        raise typer.Exit(
            run_audit(
                spec, flags, outside=outside or [], checks=wanted, samples=samples, level=level, settings=set_ or [],
                output=output, fail_on=fail_on, json=json, quiet=quiet,
            )
        )  # fmt: skip

    return command


_SPEC_FLAGS = (
    "generator", "train", "heldout", "size", "channels", "heldout_fraction", "drop_shared", "skip_broken",
    "latent_shape", "value_range", "prior", "classes", "trust_code", "autoencoder", "embedding", "weights", "seed",
    "device", "batch_size", "threads",
)  # fmt: skip

app.command("audit", cls=OnceOnly, help="Run every check the inputs allow, and write a report.")(_command(None))
for _name, _check in CHECKS.items():
    app.command(_name, cls=OnceOnly, help=_check.summary or _check.question)(_command(_name))


@app.command("report", cls=OnceOnly, help="Render a run's report again, from its JSON.")
def report(run: Annotated[Path, typer.Argument(help="Run folder.", show_default=False)]) -> None:
    """Write ``report.html`` into a run folder."""
    from didlearn.report import write_report

    print(write_report(run))


@app.command("compare", cls=OnceOnly, help="Set several runs side by side on one page.")
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("compare.html"),
) -> None:
    """Write one page about several runs."""
    from didlearn.report import write_comparison

    print(write_comparison(runs, output))


@app.command("label", cls=OnceOnly, help="Judge a run's closest pairs in the browser; the report takes it in.")
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
    """Serve the labelling page of a run, or write out what was labelled."""
    from functools import partial

    from didlearn.labelling.serve import label_run

    label_run(
        run, port=port, labeller=labeller, pairs=pairs, seed=seed, export=export, finish=finish, browse=browse,
        say=partial(print, flush=True),
    )  # fmt: skip


@app.command("train", cls=OnceOnly, help="Train one of the papers' models, and write it as a model folder.")
def train(
    model: Annotated[
        str,
        typer.Argument(
            help="dcgan, mix-dcgan, bigan, stacked-gan, wgan-gp, r3gan, vae, autoencoder or glo.", show_default=False
        ),
    ],
    data: Annotated[str | None, option("--data", "Images to train on.", _DATA)] = None,
    heldout: Annotated[
        str | None, option("--heldout", "Images to measure against (else split off by seed).", _DATA)
    ] = None,
    heldout_fraction: Annotated[
        float, option("--heldout-fraction", "Share split off for held-out (default 0.2).", _DATA)
    ] = 0.2,
    size: Annotated[int | None, option("--size", "Resize all images to this many pixels a side.", _DATA)] = None,
    channels: Annotated[int | None, option("--channels", "Turn all images to 1 or 3 channels.", _DATA)] = None,
    steps: Annotated[int | None, option("--steps", "Training steps.", _MODEL)] = None,
    latent: Annotated[int | None, option("--latent", "Dimension of the latent.", _MODEL)] = None,
    width: Annotated[int | None, option("--width", "Channels of the generator's last hidden layer.", _MODEL)] = None,
    batch: Annotated[int | None, option("--batch", "Images of one step.", _MODEL)] = None,
    set_: Annotated[
        list[str] | None, option("--set", "NAME=VALUE: any other setting of the model. Repeatable.", _MODEL)
    ] = None,
    output: Annotated[
        Path | None, option("--output -o", "Model folder (default models/MODEL-DATA); a killed run goes on.", _WORK)
    ] = None,
    seed: Annotated[int, option("--seed", "Root of every random stream (default 0).", _WORK)] = 0,
    device: Annotated[str, option("--device", "cpu, cuda, cuda:1.", _WORK)] = "cpu",
    precision: Annotated[
        str, option("--precision", "float32, bf16, or auto: bf16 on a GPU that can (default).", _WORK)
    ] = "auto",
    tensorboard: Annotated[bool, option("--tensorboard", "Write TensorBoard's files too.", _WORK)] = False,
    restart: Annotated[bool, option("--restart", "Forget what the folder holds of an earlier run.", _WORK)] = False,
    quiet: Annotated[bool, option("--quiet -q", "No progress on stderr.", _WORK)] = False,
) -> None:
    """Train a model."""
    from didlearn.cli.experiments import run_train

    folder = run_train(
        model, data, output, heldout=heldout, heldout_fraction=heldout_fraction, size=size, channels=channels,
        settings=set_ or [], given={"steps": steps, "latent": latent, "width": width, "batch": batch}, seed=seed,
        restart=restart, quiet=quiet,
        runner={"device": device, "precision": precision, "tensorboard": tensorboard},
    )  # fmt: skip
    print(f"model: {folder}")


@app.command("study", cls=OnceOnly, help="Repeat one of the papers' experiments on your data.")
def study(
    name: Annotated[
        str,
        typer.Argument(
            help="discriminator-size, encoder, per-class, latent-dimension or memorizing-bigan.", show_default=False
        ),
    ],
    data: Annotated[str | None, option("--data", "Images to train on (default digits).", _DATA)] = None,
    size: Annotated[int | None, option("--size", "Resize all images to this many pixels a side.", _DATA)] = None,
    full: Annotated[bool, option("--full", "The full grid: hours, best on a GPU.", _MEASURE)] = False,
    set_: Annotated[
        list[str] | None, option("--set", "NAME=VALUE: a setting of the study. Repeatable.", _MEASURE)
    ] = None,
    output: Annotated[
        Path | None, option("--output -o", "Folder (default studies/NAME); a killed study goes on.", _WORK)
    ] = None,
    seed: Annotated[int, option("--seed", "Root of every random stream (default 0).", _WORK)] = 0,
    jobs: Annotated[int | None, option("--jobs", "Cells at a time; changes no result.", _WORK)] = None,
    device: Annotated[str, option("--device", "cpu, cuda, cuda:1.", _WORK)] = "cpu",
    quiet: Annotated[bool, option("--quiet -q", "No progress on stderr.", _WORK)] = False,
) -> None:
    """Run a study."""
    from didlearn.cli.experiments import run_one_study

    page, answer = run_one_study(
        name, output, data=data, size=size, full=full, settings=set_ or [], seed=seed, jobs=jobs, device=device,
        quiet=quiet,
    )  # fmt: skip
    print(answer)
    print(f"report: {page}")


def main() -> None:
    """Run the command line; exit with 2 and one sentence on an error."""
    # Threads that spin while they wait for one another slow a busy machine down by a factor of twenty and more.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except DidlearnError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("stopped; checks that were finished are saved in the run folder", file=sys.stderr)
        raise SystemExit(130) from None
