"""The settings of ``memorizing-bigan``."""

from __future__ import annotations

from dataclasses import dataclass

from didlearn.errors import UsageError
from didlearn.studies.memorizing_bigan.discriminators import DiscriminatorTraining
from didlearn.zoo.bigan import BiganRecipe

STUDY_NAME = "memorizing-bigan"


@dataclass(frozen=True)
class MemorizingBigan:
    """The settings of the study.

    Attributes:
        data: what x̃ is drawn from, smoothed: anything ``open_images`` takes. size: resized to, or ``None``.
        latent: d̃. supports: the m. widths: of the discriminators' hidden layers, 0 for a linear one.
        seeds: repetitions, each with other memorised images, another trained BiGAN and another discriminator.
        delta: bound on the generator network's total variation error.
        shift, noise: of the smoothed law, in pixels and in units of the range [0, 1].
        steps, batch, validation, test: how a discriminator is trained and judged (see ``DiscriminatorTraining``).
        sets: sizes of a training set and a set of seeds that discriminators see nothing beside; so many images are
            memorised, and so many are the cells that the lemmas are measured on.
        memories: generators that the concentration over their choice is measured on, fewer where these would be
            millions of images, and none of more than 65 536.
        checked: codes that the network and the cycles are checked on, fewer where m of them would take minutes.
        probed: images that independence is tested on; ten times as many fit and test the probe.
        bigan_latent, bigan_width, bigan_batch, bigan_steps, bigan_learning_rate: of the trained BiGAN; its
            discriminator and its encoder are as wide as its generator.
        bigan_images: draws from the law that it is trained on.
    """

    data: str = "digits"
    size: int | None = None
    latent: int = 4
    supports: tuple[int, ...] = (4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144)
    widths: tuple[int, ...] = (0, 8, 32, 128)
    seeds: int = 3
    delta: float = 1e-3
    shift: float = 1.0
    noise: float = 0.1
    steps: int = 1000
    batch: int = 256
    validation: int = 4_000
    test: int = 20_000
    sets: tuple[int, ...] = (256, 4096, 65536, 262144)
    memories: int = 200
    checked: int = 65_536
    probed: int = 500
    bigan_latent: int = 8
    bigan_width: int = 8
    bigan_batch: int = 64
    bigan_steps: int = 2_000
    bigan_learning_rate: float = 2e-3
    bigan_images: int = 20_000

    def __post_init__(self) -> None:
        if min((*self.sets, self.memories), default=2) < 2:
            raise UsageError(
                f"{STUDY_NAME} takes sets of at least two and two memories; got {self.sets} and {self.memories}"
            )
        if not self.supports or not self.widths or min(self.widths) < 0 or self.seeds < 1:
            raise UsageError(
                f"{STUDY_NAME} takes at least one support, one width from 0 up and one seed; "
                f"got {self.supports}, {self.widths} and {self.seeds}"
            )

    @property
    def training(self) -> DiscriminatorTraining:
        """How discriminators are trained."""
        return DiscriminatorTraining(steps=self.steps, batch=self.batch, validation=self.validation, test=self.test)

    @property
    def recipe(self) -> BiganRecipe:
        """How a BiGAN is trained."""
        return BiganRecipe(
            latent=self.bigan_latent,
            width=self.bigan_width,
            encoder_width=self.bigan_width,
            discriminator_width=self.bigan_width,
            batch=self.bigan_batch,
            steps=self.bigan_steps,
            learning_rate=self.bigan_learning_rate,
        )
