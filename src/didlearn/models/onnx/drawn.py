"""A network that can be drawn from and no more: its images have no gradients of the latents."""

from __future__ import annotations

from didlearn.arrays import Array
from didlearn.models.base import Sampler, Samples
from didlearn.models.module import ModuleModel
from didlearn.progress import Progress, silent
from didlearn.rng import Stream


class DrawnModel(Sampler):
    """The samples of a latent model, without its latents: what needs these is not asked of it."""

    def __init__(self, model: ModuleModel) -> None:
        self._model = model
        self.name, self.kind, self.image_shape, self.notes = model.name, model.kind, model.image_shape, model.notes
        self.classes, self.class_names = model.classes, model.class_names

    @property
    def fingerprint(self) -> str:
        """That of the latent model."""
        return self._model.fingerprint

    def draw(
        self,
        count: int,
        rng: Stream,
        *,
        device: str = "cpu",
        batch_size: int = 256,
        threads: int | None = None,
        advance: Progress = silent,
        label_weights: Array | None = None,
    ) -> Samples:
        """Draw from the latent model.

        Raises:
            UsageError: an argument cannot be used. ModelError: the network failed.
        """
        return self._model.draw(
            count, rng, device=device, batch_size=batch_size, threads=threads, advance=advance,
            label_weights=label_weights,
        )  # fmt: skip
