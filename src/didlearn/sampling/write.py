"""Draw one part of a model's samples into a folder of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from didlearn._version import __version__
from didlearn.arrays import Array
from didlearn.atomic import atomically
from didlearn.claim import claim
from didlearn.errors import UsageError
from didlearn.images.formats.npy_folder import CLASSES_FILE, LABELS_SUFFIX
from didlearn.models.base import LatentModel, Sampler, Samples
from didlearn.parallel import UNIT
from didlearn.progress import Progress, silent
from didlearn.readiness.outputs import storing
from didlearn.rng import Stream
from didlearn.sampling.shard import WHOLE, Shard

IDENTITY = "sampling.json"
_AT_ONCE = 128 * UNIT  # images in memory


def write_samples(
    model: Sampler,
    count: int,
    folder: Path,
    *,
    shard: Shard = WHOLE,
    seed: int = 0,
    device: str = "cpu",
    batch_size: int = 256,
    threads: int | None = None,
    progress: Progress = silent,
) -> Path:
    """Draw one part of ``count`` samples, and write it as ``FOLDER/samples-00003-of-00016.npy``, (n, C, H, W).

    Image ``i`` depends on the model, the seed and ``i`` alone: the parts of any number of machines are together what
    one draws, and all commands read the folder as one set. Labels of a conditional model lie beside the images. A part
    that is there is not drawn again; one that is not finished is not seen.

    Args:
        model: what draws. count: images of all parts together. folder: where to. shard: which part.
        seed: of the draw. device, batch_size, threads: of the network. progress: told what is done.

    Returns:
        The file.

    Raises:
        UsageError: the model is a set of samples already, the folder holds other samples, or there are too few images
            for so many parts. ModelError: the model cannot draw.
    """
    if model.size is not None:
        raise UsageError(f"{model.name} is a set of samples already; every command reads it as it is")
    images = shard.images(count)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{shard.name}.npy"
    claim(
        folder / IDENTITY, _identity(model, count, shard, seed), begun=any(folder.glob("samples-*.npy")),
        work="set of samples", otherwise="give another folder",
    )  # fmt: skip
    if file.is_file():
        progress(f"{file} is there and kept", 0, 0)
        return file
    if model.class_names and not (folder / CLASSES_FILE).is_file():
        names = "".join(f"{name}\n" for name in model.class_names)
        atomically(folder / CLASSES_FILE, lambda part: part.write_text(names, encoding="utf-8"))

    def write(part: Path) -> None:
        labels: list[Array] = []
        array, done = None, 0
        for samples in _drawn(model, images, Stream(seed, ("samples",)), device, batch_size, threads):
            if array is None:
                shape = (len(images), *samples.images.shape[1:])
                array = np.lib.format.open_memmap(part, "w+", samples.images.dtype, shape)
            array[done : done + len(samples)] = samples.images
            labels += [] if samples.labels is None else [samples.labels]
            done += len(samples)
            progress(f"drawing {shard.name}", done, len(images))
        assert array is not None, "a part holds an image at least"
        array.flush()
        if labels:  # before the images: a part whose images are there is whole
            joined = np.concatenate(labels)
            atomically(folder / f"{shard.name}{LABELS_SUFFIX}", lambda beside: np.save(beside, joined))

    with storing(folder):
        atomically(file, write)
    return file


def _drawn(
    model: Sampler, images: range, rng: Stream, device: str, batch_size: int, threads: int | None
) -> Iterator[Samples]:
    """Yield the images in pieces that fit in memory; one who can only begin at the first image draws all before too."""
    how: dict[str, Any] = {"device": device, "batch_size": batch_size, "threads": threads}
    if isinstance(model, LatentModel):
        for start in images[::_AT_ONCE]:
            yield model.draw(min(_AT_ONCE, images.stop - start), rng, first=start, **how)
        return
    whole = model.draw(images.stop, rng, **how)
    kept = slice(images.start, None)
    labels = None if whole.labels is None else whole.labels[kept]
    yield Samples(whole.images[kept], labels, whole.finite[kept], whole.notes)


def _identity(model: Sampler, count: int, shard: Shard, seed: int) -> dict[str, object]:
    """Return what all parts share."""
    known = model.identity if isinstance(model, LatentModel) else model.fingerprint
    return {"samples": count, "shards": shard.of, "seed": seed, "model": known, "didlearn": __version__}
