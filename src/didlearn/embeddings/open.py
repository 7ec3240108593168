"""One source, one embedding."""

from __future__ import annotations

from pathlib import Path

from didlearn.embeddings.base import Embedding
from didlearn.embeddings.hub import PRETRAINED, open_pretrained
from didlearn.embeddings.module import open_exported, open_factory, open_torchscript
from didlearn.embeddings.pixels import PixelEmbedding
from didlearn.embeddings.probe import probe_on
from didlearn.errors import UsageError
from didlearn.images.base import Images
from didlearn.naming import option
from didlearn.progress import Progress
from didlearn.readiness.paths import quoted, typed_path
from didlearn.trusted import check_factory, check_torchscript, is_factory, is_torchscript

TORCHSCRIPT_SUFFIXES = (".pt", ".pth", ".ts")


def open_embedding(
    source: str = "pixels",
    *,
    train: Images | None = None,
    heldout: Images | None = None,
    trust_code: bool = False,
    weights: Path | None = None,
    cache: Path | None = None,
    seed: int = 0,
    device: str = "cpu",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Embedding:
    """Open an embedding.

    Args:
        source: ``pixels``; ``classifier`` (trained on ``train``); ``inception``, ``dinov2``, ``clip``, ``resnet50``,
            ``vgg16`` or ``densenet201``; a ``torch.export`` file (.pt2) or a TorchScript file; ``file.py:factory`` or
            ``pkg.module:factory``.
        train: the training set: what a classifier is trained on, and what a network is tried on at once.
        heldout: labelled images to measure a classifier's accuracy on.
        trust_code: whether the code of a factory or TorchScript file may run.
        weights: file or folder with the weights of a pretrained network.
        cache: folder to keep a trained classifier in.
        seed: of a classifier's training.
        device: torch device of the result. A classifier is trained on the CPU, so that its weights are the same.
        threads: worker threads of the training; they do not change the weights.
        progress: told about the training.

    Raises:
        UsageError: the source names no embedding, or lacks what it needs.
        TrustError: the source is a factory or TorchScript, and ``trust_code`` is false.
        DataError: a classifier cannot be trained on ``train``.
        ModelError: the network cannot be read, fails on the images, or gives an image no features of its own.
        MissingExtraError: a package or weights are absent.
    """
    check_embedding(source, trust_code, weights)
    if source == "pixels":
        return PixelEmbedding()
    if source == "classifier":
        if train is None:
            raise UsageError(f"the classifier embedding is trained on the training set; give {option('train')}")
        from didlearn.embeddings.classifier import open_classifier  # with scipy.stats, which takes seconds to load

        trained = open_classifier(train, heldout, cache=cache, seed=seed, threads=threads, progress=progress)
        return trained.to(device)
    embedding = _open_network(source, trust_code, weights).to(device)
    sample = train if train is not None else heldout
    if sample is not None:
        probe_on(embedding, sample, device)  # what is wrong with it shows now, not after an hour
    return embedding


def check_embedding(source: str, trust_code: bool = False, weights: Path | None = None) -> None:
    """Refuse a text that names no embedding, before anything is read.

    Raises:
        UsageError: it names none. TrustError: it is a factory or TorchScript, and ``trust_code`` is false.
    """
    if weights is not None:
        check_weights(source, weights)
    if source in ("pixels", "classifier", *PRETRAINED):
        return
    path = typed_path(source)
    if is_factory(source):
        check_factory(source, trust_code)
    elif not path.is_file() or not (path.suffix.lower() == ".pt2" or _is_torchscript(path)):
        raise _no_embedding(source, path)
    elif path.suffix.lower() != ".pt2" and is_torchscript(path):  # else it is weights, and said to be
        check_torchscript(path, trust_code)


def check_weights(source: str, weights: Path) -> None:
    """Refuse weights that are not there, or go with no such embedding.

    Raises:
        UsageError: they are not.
    """
    if source not in PRETRAINED:
        raise UsageError(f"{option('weights', None)} goes with {', '.join(PRETRAINED)}; the embedding is {source!r}")
    if not typed_path(str(weights)).exists():
        given = option("weights", repr(str(weights)), quoted(str(weights)))
        raise UsageError(f"{given} does not exist; give the file or folder with the weights of {source}")


def _is_torchscript(path: Path) -> bool:
    return path.suffix in TORCHSCRIPT_SUFFIXES or is_torchscript(path)


def _open_network(source: str, trust_code: bool, weights: Path | None) -> Embedding:
    if source in PRETRAINED:
        return open_pretrained(source, weights)
    if is_factory(source):
        return open_factory(source, trust_code)
    path = typed_path(source)
    return open_exported(path, trust_code) if path.suffix.lower() == ".pt2" else open_torchscript(path, trust_code)


def _no_embedding(source: str, path: Path) -> UsageError:
    what = (
        "there is no such file"
        if path.suffix in (*TORCHSCRIPT_SUFFIXES, ".pt2") and not path.exists()
        else "it names no embedding"
    )
    named = option("embedding", quoted(source), quoted(source).strip("'"))
    return UsageError(
        f"{named}: {what}; give pixels, classifier, {', '.join(PRETRAINED)}, a .pt2 or TorchScript file, "
        "`file.py:factory` or `pkg.module:factory`"
    )
