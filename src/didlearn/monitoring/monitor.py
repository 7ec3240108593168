"""``Monitor``: a light audit every so many steps of a training, which goes on as if there were none."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import nn

from didlearn.audit.check import Check
from didlearn.audit.run import audit
from didlearn.audit.spec import build_checks
from didlearn.checks import CHECKS
from didlearn.embeddings import Embedding, open_embedding
from didlearn.errors import UsageError
from didlearn.images import open_images
from didlearn.monitoring.numbers import flat_numbers
from didlearn.result.files import AuditResult

Tracker = Callable[[Mapping[str, float], int], object]
"""Told the numbers of an audit and the step of the training."""
SAMPLES: Final = 2_000
_LIGHT: Final[Mapping[str, Mapping[str, object]]] = {
    "memorization": {"aligned": 500},
    "fidelity": {"permutations": 99},
}


class Monitor:
    """Audits the model that trains every ``every`` steps: ``numbers = monitor(model, step)``.

    Args:
        train, heldout: images the model is and is not trained on, as ``open_images`` takes them.
        checks: names, which take ``samples`` and light parameters, or checks with parameters of their own.
        every: steps between two audits.
        samples: drawn for each check that is named.
        budget: share of the time since the first call that audits may take: one that is due waits until they have taken
            less. 1 never waits.
        embedding: what ``open_embedding`` takes, or an ``Embedding``. trust_code: whether its code may run.
        seed: root of every random stream: the same latents at every step, so that what changes is the model.
        device, threads: of the audit.
        history: file of JSON lines that each audit is appended to, for ``didlearn history``.
        trackers: told the numbers of each audit.
        model: further keywords of ``didlearn.audit``: latent_shape, value_range, prior, classes, points.

    Attributes:
        result: of the last audit, or ``None``. numbers: its numbers, empty before the first.

    Raises:
        UsageError, DataError: something cannot be used as given.
    """

    def __init__(
        self,
        train: Any,
        heldout: Any,
        checks: Iterable[str | Check] = ("support", "memorization", "fidelity"),
        every: int = 1_000,
        *,
        samples: int = SAMPLES,
        budget: float = 1.0,
        embedding: str | Embedding = "pixels",
        trust_code: bool = False,
        seed: int = 0,
        device: str = "cpu",
        threads: int | None = None,
        history: str | os.PathLike[str] | None = None,
        trackers: Iterable[Tracker] = (),
        **model: Any,
    ) -> None:
        if every < 1 or not 0 < budget <= 1:
            raise UsageError(
                f"every is {every} and budget {budget:g}; give a number of steps from 1, and a share in (0, 1]"
            )
        points = bool(model.get("points", False))
        self.train = open_images(train, points=points)
        self.heldout = open_images(heldout, points=points)
        self.checks = [check if isinstance(check, Check) else _light(check, samples) for check in checks]
        self.every, self.budget, self.history = every, budget, history
        self.trackers = list(trackers)
        self.result: AuditResult | None = None
        self.numbers: dict[str, float] = {}
        self._given = model | {"seed": seed, "device": device, "threads": threads}
        if not points:
            self._given["embedding"] = self._opened(embedding, trust_code, seed, device)
        self._clock: Callable[[], float] = time.monotonic
        self._begun: float | None = None
        self._taken = 0.0

    def _opened(self, embedding: str | Embedding, trust_code: bool, seed: int, device: str) -> Embedding:
        if isinstance(embedding, Embedding):
            return embedding
        return open_embedding(
            embedding, train=self.train, heldout=self.heldout, trust_code=trust_code, seed=seed, device=device
        )

    def is_due(self, step: int) -> bool:
        """Whether an audit is due at a step, and affordable."""
        if self._begun is None:
            self._begun = self._clock()
        passed = self._clock() - self._begun
        return step % self.every == 0 and (self.budget == 1 or self._taken <= self.budget * passed)

    def __call__(self, model: Any, step: int) -> dict[str, float]:
        """Audit a model if it is due at this step.

        Args:
            model: what ``didlearn.audit`` takes as a generator: a module from latents to images, a ``Sampler``, or
                samples. A module is copied, and put into evaluation mode as a copy.
            step: of the training.

        Returns:
            The numbers (``flat_numbers``), also left in ``numbers``; empty where no audit was due.
        """
        return self.audit(model, step) if self.is_due(step) else {}

    def audit(self, model: Any, step: int) -> dict[str, float]:
        """Audit a model now, and return the numbers."""
        begun = self._clock()
        with _as_it_was(model):
            self.result = audit(
                train=self.train, heldout=self.heldout, generator=model, checks=self.checks, **self._given
            )
        self._taken += self._clock() - begun
        self.numbers = flat_numbers(self.result)
        if self.history is not None:
            self.result.append_history(self.history, step)
        for track in self.trackers:
            track(self.numbers, step)
        return self.numbers


def _light(name: str, samples: int) -> Check:
    known = CHECKS[name].parameters() if name in CHECKS else {}
    light = {**_LIGHT.get(name, {}), **({"samples": samples} if "samples" in known else {})}
    return build_checks([name], {name: light})[0]


@contextmanager
def _as_it_was(model: Any) -> Iterator[None]:
    """Leave a module's modes, and what it learns, as they are, also where it could not be copied."""
    if not isinstance(model, nn.Module):
        yield
        return
    modes = [(part, part.training) for part in model.modules()]
    learned = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    random = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(random)
        for part, training in modes:
            part.training = training
        for parameter, wanted in learned:
            parameter.requires_grad_(wanted)
