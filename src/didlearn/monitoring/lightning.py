"""The monitor as a callback of Lightning, under either of its names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from didlearn.errors import MissingExtraError
from didlearn.monitoring.monitor import Monitor

if TYPE_CHECKING:
    from pytorch_lightning import Callback


def lightning_callback(monitor: Monitor, generator: Callable[[Any], Any] = lambda module: module) -> Callback:
    """Return a callback that asks the monitor after every training batch, in the first process alone.

    The numbers go to the trainer's loggers under ``didlearn/`` at its global step.

    Args:
        monitor: to ask. generator: which part of the LightningModule makes images; all of it by default.

    Raises:
        MissingExtraError: neither ``lightning`` nor ``pytorch_lightning`` is installed.
    """

    class MonitorCallback(_callback_class()):  # type: ignore[misc]
        """Asks the monitor after every training batch."""

        def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
            """Audit, if it is due at this step."""
            if not trainer.is_global_zero:
                return
            numbers = monitor(generator(module), trainer.global_step)
            if numbers:
                named = {f"didlearn/{name}": value for name, value in numbers.items()}
                for logger in trainer.loggers:
                    logger.log_metrics(named, step=trainer.global_step)

    return MonitorCallback()


def _callback_class() -> Any:
    try:
        from lightning.pytorch import Callback
    except ImportError:
        try:
            from pytorch_lightning import Callback
        except ImportError:
            raise MissingExtraError(
                "lightning_callback needs Lightning; install it with: pip install lightning"
            ) from None
    return Callback
