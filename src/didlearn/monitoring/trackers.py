"""Numbers handed to TensorBoard, Weights & Biases and MLflow, which the caller has set up: none is needed here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from didlearn.monitoring.monitor import Tracker

_NOT_MLFLOW = re.compile(r"[^\w\-. /]")


def to_tensorboard(writer: Any) -> Tracker:
    """Return what writes scalars with a ``torch.utils.tensorboard.SummaryWriter``, under ``didlearn/``."""

    def track(numbers: Mapping[str, float], step: int) -> None:
        for name, value in numbers.items():
            writer.add_scalar(f"didlearn/{name}", value, step)
        writer.flush()

    return track


def to_wandb(run: Any) -> Tracker:
    """Return what logs to a run of Weights & Biases (``wandb.init``), on an axis of its own: ``didlearn/step``.

    Its own step only ever grows, and other logging may be ahead of the monitor's.
    """
    run.define_metric("didlearn/step")
    run.define_metric("didlearn/*", step_metric="didlearn/step")

    def track(numbers: Mapping[str, float], step: int) -> None:
        run.log({f"didlearn/{name}": value for name, value in numbers.items()} | {"didlearn/step": step})

    return track


def to_mlflow(run_id: str | None = None) -> Tracker:
    """Return what logs to a run of MLflow, the active one where none is named.

    A metric's name may hold letters, digits, ``_ - . /`` and spaces there; others become ``_``.
    """

    def track(numbers: Mapping[str, float], step: int) -> None:
        import mlflow  # the caller's

        named = {f"didlearn/{_NOT_MLFLOW.sub('_', name)}": value for name, value in numbers.items()}
        mlflow.log_metrics(named, step=step, run_id=run_id)

    return track
