"""A classifier trained on the user's own labelled training set; its top hidden layer is the embedding.

The choice of Arora, Risteski & Zhang 2018 (section 3.1.2) for CIFAR-10: pixels call few pictures of objects alike, a
network that had to tell the classes apart calls those alike that show the same thing in the same way. It has seen the
training images and not the held-out ones, which a comparison of distances to the two should keep in mind.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from scipy.stats import binomtest

from didlearn.arrays import Bytes, Ints
from didlearn.atomic import atomically
from didlearn.embeddings.base import Embedding, Head
from didlearn.embeddings.classifier_network import ClassifierNetwork
from didlearn.embeddings.extract import embed
from didlearn.embeddings.module import weights_digest
from didlearn.embeddings.training.classifier import Labelled, train_classifier
from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.naming import option
from didlearn.progress import Progress
from didlearn.result.values import Estimate
from didlearn.rng import Stream, generator

RECIPE = 1  # raise it whenever the same images would give other weights
FEWEST_IMAGES, MOST_IMAGES = 50, 50_000  # training images
MOST_MEASURED = 10_000
_VALIDATION = 0.1  # of the training images, where no labelled held-out ones were given
SMALLEST = 8  # pixels


class ClassifierEmbedding(Embedding):
    """The top hidden layer of a classifier: (n, C, H, W) -> (n, 128).

    Attributes:
        network: the classifier. accuracy: on labelled images it was not trained on.
    """

    probed = True

    def __init__(self, network: ClassifierNetwork, name: str) -> None:
        self.network = network.eval().requires_grad_(False)
        self.name = name
        self.head = Head.of(network.logits.weight, network.logits.bias)

    def to(self, device: str) -> Self:
        """Move the weights to a torch device and return the embedding."""
        self.network.to(device)
        return self

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the top hidden layer."""
        return self.network.features(images)


class _Logits(Embedding):
    def __init__(self, network: ClassifierNetwork) -> None:
        self.network, self.name = network, "the classifier"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images)


def open_classifier(
    train: Images,
    heldout: Images | None = None,
    *,
    cache: Path | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ClassifierEmbedding:
    """Train the classifier on ``train``, or read it from ``cache`` if the same images, recipe and seed made it.

    Args:
        train: labelled images. At most ``MOST_IMAGES`` of them, chosen by the seed, are used.
        heldout: labelled images to measure the accuracy on; without them a tenth of ``train`` is kept back for it.
        cache: folder the weights are kept in.
        seed: of everything random in the training.
        threads: worker threads; they do not change the weights.
        progress: told about the images seen.

    Raises:
        DataError: ``train`` has no labels, a single class, or too few images.
    """
    labels = _check(train)
    order = generator(seed, "classifier", "images").permutation(len(train))[:MOST_IMAGES]
    measured = _labelled_like(heldout, train)
    source = "held-out images"
    if measured is None:
        kept = max(1, round(_VALIDATION * len(order)))
        measured, order = train.subset(np.sort(order[:kept])), order[kept:]
        source = "training images kept back"
    chosen = train.subset(np.sort(order))
    network = _trained(chosen, labels, cache, seed, threads, progress)
    embedding = ClassifierEmbedding(network, f"classifier trained on {train.name} (weights {weights_digest(network)})")
    embedding.accuracy, chance = _accuracy(network, measured, train, labels, threads, seed)
    embedding.notes = _notes(embedding.accuracy, chance, source, f"{len(chosen)} images in {len(labels)} classes")
    return embedding


def _check(train: Images) -> Ints:
    """Return the labels that occur, ascending."""
    if train.labels is None:
        raise DataError(
            f"{train.name} has no labels, which the classifier embedding is trained on; {_without_labels()}"
        )
    labels = np.unique(train.labels)
    if len(labels) < 2:
        raise DataError(
            f"all images of {train.name} have one label, so no classifier can be trained; {_without_labels()}"
        )
    if len(train) < max(FEWEST_IMAGES, 2 * len(labels)):
        raise DataError(
            f"{train.name} has {len(train)} images in {len(labels)} classes; the classifier embedding wants at least "
            f"{FEWEST_IMAGES} and two per class; {_without_labels()}"
        )
    if min(train.shape[1:]) < SMALLEST:
        raise DataError(
            f"{train.name} has images of {train.shape[1]}×{train.shape[2]}; the classifier embedding wants at least "
            f"{SMALLEST}×{SMALLEST}; {_without_labels()}"
        )
    return labels


def _labelled_like(heldout: Images | None, train: Images) -> Images | None:
    """Return the held-out images where their labels mean what the training labels mean, else ``None``."""
    if heldout is None or heldout.labels is None or not len(heldout) or heldout.shape != train.shape:
        return None
    # Class folders are numbered by name: with a folder missing the same number is another class.
    return heldout if heldout.classes == train.classes else None


def _trained(
    images: Images,
    labels: Ints,
    cache: Path | None,
    seed: int,
    threads: int | None,
    progress: Progress | None,
) -> ClassifierNetwork:
    key = hashlib.sha256(f"{RECIPE} {seed} {len(labels)} {images.fingerprint}".encode()).hexdigest()[:16]
    path = None if cache is None else cache / f"classifier-{key}.safetensors"
    cached = _read_cached(path, images.shape, len(labels)) if path else None
    if cached is not None:
        return cached
    assert images.labels is not None
    data = Labelled(_bytes(images), np.searchsorted(labels, images.labels).astype(np.int64), len(labels))
    network = train_classifier(data, Stream(seed, ("classifier",)), threads=threads, progress=progress)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomically(path, lambda part: save_file(network.state_dict(), part))
    return network


def _bytes(images: Images) -> Bytes:
    """Read all images as uint8 (N, C, H, W): the same pixels the fingerprint is made of."""
    pixels = np.empty((len(images), *images.shape), dtype=np.uint8)
    start = 0
    for batch in images.batches():
        exact = batch if batch.dtype == np.uint8 else np.rint(batch * 255).astype(np.uint8)
        pixels[start : start + len(batch)] = exact
        start += len(batch)
    return pixels


def _read_cached(path: Path, shape: tuple[int, int, int], classes: int) -> ClassifierNetwork | None:
    """Return the network in the file, or ``None`` where there is none or it is damaged: it is then made again."""
    with torch.random.fork_rng(devices=[]):
        network = ClassifierNetwork(shape, classes)
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError):
        return None
    return network.eval().requires_grad_(False)


def _accuracy(
    network: ClassifierNetwork,
    images: Images,
    train: Images,
    labels: Ints,
    threads: int | None,
    seed: int,
) -> tuple[Estimate, float]:
    """Return the accuracy with its Clopper–Pearson interval, and that of always naming the commonest class."""
    if len(images) > MOST_MEASURED:
        chosen = generator(seed, "classifier", "measured").choice(len(images), MOST_MEASURED, replace=False)
        images = images.subset(np.sort(chosen))
    assert train.labels is not None
    assert images.labels is not None
    predicted = labels[embed(_Logits(network), images, threads=threads).argmax(axis=1)]
    right, count = int((predicted == images.labels).sum()), len(images)
    interval = binomtest(right, count).proportion_ci(0.95, method="exact")
    accuracy = Estimate(
        value=right / count,
        low=float(interval.low),
        high=float(interval.high),
        n=count,
        method="share of images classified right, Clopper–Pearson",
        unit="fraction",
    )
    commonest = labels[np.argmax([(train.labels == label).sum() for label in labels])]
    return accuracy, float((images.labels == commonest).mean())


def _notes(accuracy: Estimate, chance: float, source: str, trained_on: str) -> tuple[str, ...]:
    assert accuracy.value is not None
    assert accuracy.low is not None
    notes = [
        f"classifier trained on {trained_on}; accuracy {accuracy.value:.3f} (95 % interval {accuracy.low:.3f} to "
        f"{accuracy.high:.3f}) on {accuracy.n} {source}"
    ]
    if accuracy.low <= chance:
        notes.append(
            f"the classifier is not shown to be better than naming the commonest class ({chance:.3f}): distances in "
            "its features mean little; use another embedding"
        )
    return tuple(notes)


def _without_labels() -> str:
    """What would do where no classifier can be trained."""
    pixels = option("embedding", "'pixels'", "pixels")
    return f"`{pixels}` needs neither labels nor training"
