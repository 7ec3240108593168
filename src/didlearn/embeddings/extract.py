"""Features of many images, the same to the last bit whatever the batch size and the number of threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from didlearn.arrays import Array, BytePoints, Bytes, Singles
from didlearn.embeddings.base import Embedding
from didlearn.embeddings.module import ModuleEmbedding, weights_digest
from didlearn.embeddings.pixels import PixelEmbedding
from didlearn.embeddings.probe import TRIED, probe_embedding
from didlearn.errors import DataError, ModelError, UsageError
from didlearn.foreign.files import refuse_special
from didlearn.images.base import Images
from didlearn.images.classes import printable
from didlearn.images.formats.numpy_files import npy_header
from didlearn.images.points import Points, open_points
from didlearn.parallel import UNIT, map_units, units_in_flight
from didlearn.readiness.paths import quoted, typed_path
from didlearn.units.cluster import Cluster, current_cluster

Embeddable = Images | Array | torch.Tensor


def embed(
    embedding: Embedding,
    images: Embeddable,
    *,
    device: str = "cpu",
    batch_size: int = 256,
    threads: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> Singles:
    """Return the features of images as (N, D) float32.

    The network always sees ``UNIT`` images at once (the last unit is filled up and the filling cut off), so image
    ``i`` has the same features in every batch size, on any number of threads, and in any longer set it is a part of.
    A network that was not tried when it was opened is tried on the first images.

    Args:
        embedding: what to apply.
        images: a data set, or (N, C, H, W) as uint8 (0 to 255) or as floating point (used as it is); an embedding of
            volumes or films takes arrays of more axes, (N, ...).
        device: torch device to compute on.
        batch_size: images in flight at once; at least ``UNIT`` are.
        threads: worker threads, all the process may use if not given.
        advance: told the number of images done after each unit.

    Raises:
        UsageError: the array is no (N, C, H, W), or (N, ...) of more axes, of uint8 or floating point, or is empty.
        ModelError: the embedding returns something else than finite (n, D) features, or others for an image beside
            other images.
    """
    read = _reader(images)
    network = embedding.to(device)

    def features_of(batch: torch.Tensor) -> Singles:
        filling = batch[-1:].expand(UNIT - len(batch), *batch.shape[1:])
        with torch.inference_mode():
            features = network(torch.cat([batch, filling]).to(device))
        return _checked(embedding, features)[: len(batch)]

    def unit(indices: range) -> Singles:
        return features_of(read(indices))

    if isinstance(network, ModuleEmbedding) and not network.probed:
        unit(range(min(UNIT, len(images))))  # what fails on a whole unit is told of a whole unit
        probe_embedding(network, read(range(min(TRIED, len(images)))).to(device))
    cluster = current_cluster()
    if cluster is not None and not isinstance(embedding, PixelEmbedding):
        return _sent(features_of, _Batches(read, len(images)), cluster, advance)
    parts = map_units(unit, len(images), threads=units_in_flight(batch_size, threads), advance=advance)
    return np.concatenate(parts)


def embed_points(
    source: str | os.PathLike[str] | Array | torch.Tensor,
    embedding: Embedding | nn.Module,
    *,
    name: str | None = None,
    device: str = "cpu",
    batch_size: int = 256,
    threads: int | None = None,
) -> Points:
    """Take volumes, films or whatever else a network takes through it: what comes out is audited as points.

    Args:
        source: (N, ...) with three axes or more to each, uint8 (divided by 255) or floating point (used as it is):
            volumes (N, D, H, W) or (N, C, D, H, W), films (N, T, H, W, C), in the order that the network wants; an
            array, a tensor, or a ``.npy`` file, which stays on disk.
        embedding: an ``Embedding``, or a module (n, ...) -> (n, D) that gives each row features of its own.
        name: what to call the points. device, batch_size, threads: see ``embed``; the numbers do not depend on them.

    Raises:
        UsageError: there is no such array. DataError: the file cannot be read. ModelError: see ``embed``.
    """
    if isinstance(source, str | os.PathLike):
        path = typed_path(os.fspath(source))
        if path.suffix.lower() != ".npy" or not path.is_file():
            raise UsageError(f"there is no .npy file {quoted(os.fspath(source))}; give one, or an array (N, ...)")
        refuse_special(path, DataError)
        npy_header(path)
        array: Array | torch.Tensor = np.load(path, mmap_mode="r", allow_pickle=False)
        name = name or printable(os.fspath(path))
    else:
        array = source
    if isinstance(embedding, nn.Module):
        embedding = ModuleEmbedding(embedding, f"{type(embedding).__name__} (weights {weights_digest(embedding)})")
    features = embed(embedding, array, device=device, batch_size=batch_size, threads=threads)
    return open_points(features, name=name or f"{len(features)} through {embedding.name}")


class _Batches(Sequence[torch.Tensor]):
    """The images of each unit, read when they are asked for."""

    def __init__(self, read: Callable[[range], torch.Tensor], count: int) -> None:
        self.read, self.images = read, count

    def __len__(self) -> int:
        return -(-self.images // UNIT)

    def __getitem__(self, unit: Any) -> Any:
        return self.read(range(unit * UNIT, min((unit + 1) * UNIT, self.images)))


def _sent(
    features_of: Callable[[torch.Tensor], Singles],
    batches: _Batches,
    cluster: Cluster,
    advance: Callable[[int], None] | None,
) -> Singles:
    from didlearn.units.spread import send_units  # joblib, for those who have workers

    parts, done = dict[int, Singles](), 0
    for number, features in send_units(features_of, batches, cluster):
        parts[number] = features
        done += len(features)
        if advance is not None:
            advance(done)
    return np.concatenate([parts[number] for number in range(len(batches))])


def pixel_points(images: Embeddable, threads: int | None = None) -> Singles | None:
    """Return the pixels of images in 8 bits as features that stay bytes, ``BytePoints``; ``None`` of any others."""
    if not isinstance(images, Images):
        stored = images.numpy(force=True) if isinstance(images, torch.Tensor) else images
        if stored.dtype != np.uint8 or stored.ndim < 2:
            return None
    elif not len(images) or images.read_raw(range(1)).dtype != np.uint8:
        return None
    else:
        stored = np.empty((len(images), *images.shape), np.uint8)
        map_units(partial(_read_into, stored, images), len(images), threads=threads)
    return BytePoints.of(stored.reshape(len(stored), -1))


def _read_into(stored: Bytes, images: Images, indices: range) -> None:
    stored[indices.start : indices.stop] = images.read_raw(indices)


def _reader(images: Embeddable) -> Callable[[range], torch.Tensor]:
    if isinstance(images, Images):
        if not len(images):
            raise UsageError(f"{images.name} holds no images to embed; give at least one")
        return images.read
    shape, kind = tuple(images.shape), str(images.dtype).removeprefix("torch.")
    if len(shape) < 4 or not len(images) or not (kind == "uint8" or "float" in kind):
        raise UsageError(
            f"embed takes images (N, C, H, W) as uint8 or floating point, N at least 1; got {shape} of {kind}"
        )
    return lambda indices: _as_float(images[indices.start : indices.stop])


def _as_float(pixels: Array | torch.Tensor) -> torch.Tensor:
    if isinstance(pixels, np.ndarray):
        pixels = torch.from_numpy(np.array(pixels))  # a copy: torch warns about arrays that cannot be written to
    return pixels.float().div_(255) if pixels.dtype == torch.uint8 else pixels.float()


def _checked(embedding: Embedding, features: torch.Tensor) -> Singles:
    if features.shape[:1] != (UNIT,) or features.ndim != 2:
        raise ModelError(
            f"{embedding.name} returned features of shape {tuple(features.shape)} for {UNIT} images; "
            f"an embedding returns ({UNIT}, D)"
        )
    values = features.float().cpu().numpy()
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values).all(axis=1)).sum())
        raise ModelError(
            f"{embedding.name} returned NaN or infinity for {bad} of {UNIT} images; check its weights, and that it "
            "takes images in [0, 1]"
        )
    return values
