"""What nobody declared about a network, found by running it on a few latents."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from didlearn.arrays import ImageShape
from didlearn.company import COARSE, Company
from didlearn.errors import DidlearnError, ModelError
from didlearn.models.interface import Interface, LabelsError, ValueRange
from didlearn.models.output import as_images, check_tensor, find_image_shape, find_row_shape
from didlearn.models.prior import sample_latents
from didlearn.naming import option
from didlearn.parallel import UNIT, single_threaded
from didlearn.rng import Stream, named_noise

_PROBES = 256
_TOLERANCE = 1e-3
_TRIALS = 48
_PROBE = Stream(0, ("probe",))
_KEPT = 2
_SEEN = 0.5 / 255  # of the value range: half a grey level, what rounding to 8 bits makes visible
_UNGOVERNED = (
    "the model draws noise of its own that no torch seed governs: "
    "its images differ from run to run, and so do the numbers"
)
_GOVERNED = "the model draws noise of its own; it was seeded per unit, so the images can be drawn again"
_BATCH_STATISTICS = (
    "an image depends on the latents decoded beside it (by up to {levels:.3g} of 255 grey levels), as where batch norm "
    "uses statistics of the batch: save the network in evaluation mode, with running statistics; here it sees {unit} "
    "latents at a time, whatever the batch size, so that image i is the same whenever it is drawn"
)
_UNTOUCHED = (
    "the running statistics of batch norm were never updated (means 0, variances 1): averaged (EMA) weights saved "
    "without their buffers look so, and then these are not the images that training showed; save running_mean and "
    "running_var with the weights"
)


class Call(Protocol):
    """From latents (n, *latent_shape), which are number ``at`` (n,) of those to try, to whatever the network gives."""

    def __call__(self, z: torch.Tensor, at: Sequence[int] | None = None) -> object:
        """Run the network; the class of latent i is i modulo the number of classes."""


@dataclass(frozen=True)
class Found:
    """What a probe settled: see ``LatentModel``."""

    latent_shape: tuple[int, ...]
    image_shape: ImageShape
    value_range: ValueRange
    stochastic: bool
    coupled: bool
    notes: tuple[str, ...]


def probe(module: nn.Module, call: Call, declared: Interface, name: str, device: str) -> Found:
    """Run ``call`` (latents to output) until nothing about its interface is open.

    Raises:
        ModelError: it fails, does not give images, or no latent shape fits it.
    """
    notes = []
    with torch.no_grad(), single_threaded(), named_noise(_PROBE, device):
        shape = declared.latent_shape
        if shape is None:
            shape = _find_latent_shape(module, call, declared.classes, name, device)
            notes.append(f"the latent shape {shape} was found from the weights by trying")
        latents = sample_latents(declared.prior, shape, _PROBES, _PROBE).to(device)
        output = check_tensor(call(latents[:4]), 4, name)
        if declared.points:
            image_shape, note = find_row_shape(output, name), None
        else:
            image_shape, note = find_image_shape(output, declared.image_shape, name)
        notes += [note] if note else []
        company = _company(call, latents)
        first = company.together()
        noise = _find_noise(company, first)
        notes += [noise] if noise else []
        value_range = declared.value_range
        if isinstance(value_range, str):
            outputs = (as_images(call(z), len(z), image_shape, name) for z in latents.split(UNIT))
            value_range, note = _infer_range(outputs)
            notes.append(note)
        levels = _find_coupling(company, first, value_range, noise)
        coupled = levels > 255 * _SEEN
        if coupled:
            notes.append(_BATCH_STATISTICS.format(levels=levels, unit=UNIT))
        elif _untouched(module):
            notes.append(_UNTOUCHED)
    return Found(shape, image_shape, value_range, noise is not None, coupled, tuple(notes))


def _find_latent_shape(module: nn.Module, call: Call, classes: int | None, name: str, device: str) -> tuple[int, ...]:
    """Try the shapes the weights suggest, and return the first that the network takes.

    Raises:
        ModelError: none fits.
    """
    telling: DidlearnError | None = None
    for shape in itertools.islice(dict.fromkeys(_suggested(module, classes)), _TRIALS):
        try:
            output = call(sample_latents("normal", shape, 2, _PROBE).to(device))
        except LabelsError as error:
            telling = telling or error
            continue
        except DidlearnError:  # the wrong shape, most often
            continue
        try:
            if check_tensor(output, 2, name).ndim in (2, 4):
                return shape
        except DidlearnError as error:
            telling = error if not isinstance(output, torch.Tensor) else telling
    if telling is not None:
        raise telling
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


def _company(call: Call, latents: torch.Tensor) -> Company:
    def run(indices: Sequence[int]) -> torch.Tensor:
        output = call(latents[indices], indices)
        assert isinstance(output, torch.Tensor), "checked before"
        return output

    return Company(run, _KEPT, 4 - _KEPT, _PROBE, str(latents.device))


def _find_noise(company: Company, first: torch.Tensor) -> str | None:
    """Return a note if the network draws noise of its own, that tells whether torch's seed governs it."""
    if not _same(first, company.together()):
        return _UNGOVERNED
    return None if _same(first, company.together("two")) else _GOVERNED


def _find_coupling(company: Company, first: torch.Tensor, value_range: ValueRange, noise: str | None) -> float:
    """Return by how many of 255 grey levels an image changes with its company.

    Noise of a seed falls alike on batches of one size, so it is no company; on another size it falls otherwise.
    """
    exchanged = company.exchanged()
    both = torch.cat([first, exchanged])
    low, high = value_range or (float(both.min()), float(both.max()))
    if low == high or noise == _UNGOVERNED:
        return 0.0
    kept = first[:_KEPT]
    changed = float(_changes(kept, exchanged[:_KEPT]).max())
    if noise is None and changed <= _SEEN * (high - low):
        changed = max(changed, _find_size(company, kept))
    return 255 * changed / (high - low) if math.isfinite(changed) else 0.0


def _find_size(company: Company, kept: torch.Tensor) -> float:
    """Return by how much images change in a smaller batch; 0 if by rounding alone, or if it takes no such batch."""
    try:
        alone = company.alone()
    except DidlearnError:
        return 0.0
    changes = _changes(kept, alone)
    return float(changes.max()) if float(changes.min()) > COARSE * float(kept.abs().max()) else 0.0


def _changes(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).abs().flatten(1).amax(dim=1)


def _untouched(module: nn.Module) -> bool:
    """Tell whether all batch norms with running statistics, one at least, hold those they began with."""
    state = module.state_dict()
    means = [name for name in state if name.endswith("running_mean")]
    began = [(state[name] == 0).all() and (state[name.removesuffix("mean") + "var"] == 1).all() for name in means]
    return bool(began) and all(map(bool, began))


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
