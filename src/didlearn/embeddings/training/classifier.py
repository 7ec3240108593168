"""Training that ends in the same weights to the last bit on any number of threads.

Each step's batch is cut into ``_SHARDS`` shards of fixed size. A shard's gradient is computed on one thread, with the
batch statistics of that shard alone, and the gradients are summed in the order of the shards. So the threads share
the work and have no say in the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from didlearn.arrays import Bytes, Ints
from didlearn.embeddings.classifier_network import ClassifierNetwork, draw_weights
from didlearn.embeddings.training.optimizers import SGD
from didlearn.parallel import default_threads, single_threaded
from didlearn.progress import Progress
from didlearn.rng import Stream

_SHARDS = 4
_LARGEST_SHARD = 32  # images
_PASSES = 140_000  # images seen in all, however many there are
EPOCHS = (2, 25)  # but each at least and at most so often
_PEAK_RATE = 0.1
_CALIBRATION = 4096  # images whose statistics the batch normalisation keeps


@dataclass(frozen=True)
class Labelled:
    """Training images (N, C, H, W) uint8 with labels (N,) from 0 to ``classes`` - 1."""

    images: Bytes
    labels: Ints
    classes: int


def train_classifier(
    data: Labelled, rng: Stream, *, threads: int | None = None, progress: Progress | None = None
) -> ClassifierNetwork:
    """Train on the CPU by momentum SGD with a one-cycle schedule, on images moved by up to an eighth of their side.

    Colour images are also mirrored at random; gray ones (digits, characters) are not.

    Args:
        data: what to train on.
        rng: where the weights, the order and the augmentation are drawn from.
        threads: worker threads; they change the time it takes and nothing else.
        progress: told about the images seen.
    """
    with torch.random.fork_rng(devices=[]):  # building layers draws from the global generator, before we redraw
        network = ClassifierNetwork(data.images.shape[1:], data.classes)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # gradients take 0.6 of the time
    draw_weights(network, rng.torch("weights"))
    _standardise(network, data.images)
    batches = list(_batches(len(data.images), rng))
    with single_threaded(), ThreadPoolExecutor(min(_SHARDS, threads or default_threads())) as pool:
        _descend(network, data, batches, rng, pool, progress)
        _settle_statistics(network, data.images)
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def _standardise(network: ClassifierNetwork, images: Bytes) -> None:
    values = np.arange(256) / 255
    for channel in range(images.shape[1]):
        share = np.bincount(images[:, channel].ravel(), minlength=256) / images[:, channel].size
        mean = float(share @ values)
        network.mean[channel] = mean
        network.std[channel] = max(float(share @ (values - mean) ** 2) ** 0.5, 1e-2)


def _batches(count: int, rng: Stream) -> Iterator[Ints]:
    """Yield the indices (SHARDS, shard) of every step: each epoch a new order, its incomplete last batch left out."""
    shard = min(_LARGEST_SHARD, max(2, count // (2 * _SHARDS)))
    size = _SHARDS * shard
    epochs = min(max(round(_PASSES / count), EPOCHS[0]), EPOCHS[1])
    for epoch in range(epochs):
        order = rng.numpy("order", epoch).permutation(count)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size].reshape(_SHARDS, shard)


def _descend(
    network: ClassifierNetwork,
    data: Labelled,
    batches: list[Ints],
    rng: Stream,
    pool: ThreadPoolExecutor,
    progress: Progress | None,
) -> None:
    parameters = [*network.parameters()]
    optimiser = SGD(parameters, _PEAK_RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _PEAK_RATE, total_steps=len(batches) + 1)
    _track_statistics(network, False)
    total = sum(batch.size for batch in batches)

    def gradient(step: int, shard: int) -> tuple[torch.Tensor, ...]:
        chosen = batches[step][shard]
        images = augment(data.images[chosen], rng.numpy("augmentation", step, shard))
        logits = network(images.contiguous(memory_format=torch.channels_last))
        loss = functional.cross_entropy(logits, torch.from_numpy(data.labels[chosen]))
        return torch.autograd.grad(loss / _SHARDS, parameters)

    for step, batch in enumerate(batches):
        gradients = list(pool.map(gradient, [step] * _SHARDS, range(_SHARDS)))
        for parameter, *parts in zip(parameters, *gradients, strict=True):
            parameter.grad = sum(parts[1:], start=parts[0])
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress("training the classifier", (step + 1) * batch.size, total)


def augment(images: Bytes, rng: np.random.Generator) -> torch.Tensor:
    """Move uint8 images (n, C, H, W) together by up to an eighth of their side, and mirror colour ones at random.

    What comes in from outside repeats the edge. Returns float32 in [0, 1].
    """
    _, channels, height, width = images.shape
    down, right = (int(rng.integers(-(side // 8), side // 8 + 1)) for side in (height, width))
    rows = np.clip(np.arange(height) + down, 0, height - 1)
    columns = np.clip(np.arange(width) + right, 0, width - 1)
    moved = images[:, :, rows[:, None], columns]
    if channels == 3:
        mirrored = rng.random(len(images)) < 0.5
        moved[mirrored] = moved[mirrored][..., ::-1]
    return torch.from_numpy(moved).float().div_(255)


def _track_statistics(network: nn.Module, track: bool) -> None:
    """Switch between shards' own statistics, and running ones averaged over all that is seen from now on."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.track_running_stats, module.momentum = track, None


@torch.no_grad()
def _settle_statistics(network: ClassifierNetwork, images: Bytes) -> None:
    _track_statistics(network, True)
    count = min(len(images), _CALIBRATION)
    chosen = np.linspace(0, len(images) - 1, count).round().astype(np.int64)
    for part in np.array_split(chosen, max(1, count // 256)):
        network(torch.from_numpy(images[part]).float().div_(255))
