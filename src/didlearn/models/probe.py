"""What nobody declared about a network, found by running it on a few latents."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from didlearn.arrays import ImageShape
from didlearn.errors import DidlearnError, ModelError
from didlearn.models.drawing import named_noise
from didlearn.models.interface import Interface, ValueRange
from didlearn.models.output import as_images, check_tensor, find_image_shape
from didlearn.models.prior import sample_latents
from didlearn.naming import option
from didlearn.parallel import UNIT, single_threaded
from didlearn.rng import Stream

_PROBES = 256
_TOLERANCE = 1e-3
_TRIALS = 48
_PROBE = Stream(0, ("probe",))
Call = Callable[[torch.Tensor], object]


@dataclass(frozen=True)
class Found:
    """What a probe settled: see ``LatentModel``."""

    latent_shape: tuple[int, ...]
    image_shape: ImageShape
    value_range: ValueRange
    stochastic: bool
    notes: tuple[str, ...]


def probe(module: nn.Module, call: Call, declared: Interface, name: str, device: str) -> Found:
    """Run ``call`` (latents to output) until nothing about its interface is open.

    Raises:
        ModelError: it fails, does not give images, or no latent shape fits it.
    """
    notes = []
    with torch.no_grad(), single_threaded():
        shape = declared.latent_shape
        if shape is None:
            shape = _find_latent_shape(module, call, declared.classes, name, device)
            notes.append(f"the latent shape {shape} was found from the weights by trying")
        latents = sample_latents(declared.prior, shape, _PROBES, _PROBE).to(device)
        output = check_tensor(call(latents[:4]), 4, name)
        image_shape, note = find_image_shape(output, declared.image_shape, name)
        notes += [note] if note else []
        noisy, note = _find_noise(call, latents[:4])
        notes += [note] if note else []
        value_range = declared.value_range
        if isinstance(value_range, str):
            outputs = (as_images(call(z), len(z), image_shape, name) for z in latents.split(UNIT))
            value_range, note = _infer_range(outputs)
            notes.append(note)
    return Found(shape, image_shape, value_range, noisy, tuple(notes))


def _find_latent_shape(module: nn.Module, call: Call, classes: int | None, name: str, device: str) -> tuple[int, ...]:
    """Try the shapes the weights suggest, and return the first that the network takes.

    Raises:
        ModelError: none fits.
    """
    for shape in itertools.islice(dict.fromkeys(_suggested(module, classes)), _TRIALS):
        try:
            output = check_tensor(call(sample_latents("normal", shape, 2, _PROBE).to(device)), 2, name)
        except DidlearnError:
            continue
        if output.ndim in (2, 4):
            return shape
    given = option("latent_shape", "(100,)", "100")
    raise ModelError(f"the latent shape of {name} cannot be told from its weights; give it: {given}")


def _suggested(module: nn.Module, classes: int | None) -> Iterator[tuple[int, ...]]:
    weights = [tuple(p.shape) for p in itertools.chain(module.parameters(), module.buffers()) if p.ndim in (2, 4)]
    # A conditional network's first layer often sees the latent and the label (one-hot or embedded) side by side.
    label_widths = {0, classes or 0} | {shape[1] for shape in weights if len(shape) == 2 and shape[0] == classes}
    for shape in weights:
        widths = (shape[1],) if len(shape) == 2 else (shape[0], shape[1])
        for width, label_width in itertools.product(widths, sorted(label_widths)):
            if width > label_width:
                yield (width - label_width,)
                if len(shape) == 4:
                    yield (width - label_width, 1, 1)


def _find_noise(call: Call, latents: torch.Tensor) -> tuple[bool, str | None]:
    """Tell whether the network draws noise of its own, and whether torch's seed governs it."""
    first, again, other = (_seeded(call, latents, seed) for seed in ("one", "one", "two"))
    if not _same(first, again):
        return True, (
            "the model draws noise of its own that no torch seed governs: "
            "its images differ from run to run, and so do the numbers"
        )
    if not _same(first, other):
        return True, "the model draws noise of its own; it was seeded per unit, so the images can be drawn again"
    return False, None


def _seeded(call: Call, latents: torch.Tensor, seed: str) -> torch.Tensor:
    with named_noise(_PROBE.child("noise", seed), latents.device):
        output = call(latents)
    assert isinstance(output, torch.Tensor), "checked before"
    return output.float()


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    # Not bit for bit: a GPU may add in another order.
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-4, equal_nan=True)


def _infer_range(outputs: Iterable[torch.Tensor]) -> tuple[ValueRange, str]:
    """Return the smallest usual range that holds all finite values, and a note that says so."""
    low, high, whole = math.inf, -math.inf, False
    for output in outputs:
        whole = output.dtype == torch.uint8
        values = output.float()
        values = values[torch.isfinite(values)]
        if len(values):
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    said = f"inferred from {_PROBES} decoded latents"
    if low > high:
        return (0.0, 1.0), f"no finite pixel was found among {_PROBES} decoded latents"
    if whole:
        return (0.0, 255.0), f"the value range [0, 255] was {said} (8-bit output)"
    for lowest in (0.0, -1.0):
        if lowest - _TOLERANCE <= low and high <= 1 + _TOLERANCE:
            return (lowest, 1.0), f"the value range [{lowest:g}, 1] was {said}"
    spread = f"values from {low:.3g} to {high:.3g}"
    return None, f"no value range: {spread} were seen in {_PROBES} decoded latents, so pixels are used as they are"
