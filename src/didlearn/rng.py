"""Randomness derived from names, never from order.

``generator(seed, "support", "permutation")`` gives the same stream whatever ran before it, so a result does not
depend on which other checks ran, on the batch size, or on the number of workers. The names are hashed with SHA-256
into a 64-bit seed; nothing here touches the global generators, but for ``named_noise`` while others' code runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive_seed(seed: int, *names: str | int) -> int:
    """Hash a seed and names into a 63-bit integer (torch takes no more)."""
    text = "\x1f".join([str(int(seed)), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return numpy's generator of the stream called ``names``."""
    return np.random.default_rng(derive_seed(seed, *names))


def torch_generator(seed: int, *names: str | int) -> torch.Generator:
    """Return torch's CPU generator of the stream called ``names``.

    Always on the CPU: the same seed then gives the same latents on every device.
    """
    import torch

    return torch.Generator().manual_seed(derive_seed(seed, *names))


@dataclass(frozen=True)
class Stream:
    """A named place in the tree of random streams: what a check is handed to draw from."""

    seed: int
    names: tuple[str | int, ...] = ()

    def child(self, *names: str | int) -> Stream:
        """Return the stream below this one."""
        return Stream(self.seed, self.names + names)

    def numpy(self, *names: str | int) -> np.random.Generator:
        """Return a numpy generator for the unit ``names`` of this stream."""
        return generator(self.seed, *self.names, *names)

    def torch(self, *names: str | int) -> torch.Generator:
        """Return a torch CPU generator for the unit ``names`` of this stream."""
        return torch_generator(self.seed, *self.names, *names)


@contextmanager
def named_noise(rng: Stream, device: str | torch.device) -> Iterator[None]:
    """Let code that draws from torch's global generators draw from the stream ``rng``, and put their state back."""
    import torch

    place = torch.device(device)
    # torch.manual_seed also seeds GPUs, whose states would not be put back; where none is in use yet it writes the
    # whole stack down for each, which takes milliseconds.
    seeded = torch.default_generator.manual_seed if place.type == "cpu" else torch.manual_seed
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        seeded(derive_seed(rng.seed, *rng.names))
        yield
