"""The closest pairs of a model's samples with the nearest training image, as entries of a row and as a gallery.

It is what Arora et al. 2018 show in their Figures 1 and 3: whether a pair is a duplicate, and whether it is a copy of a
training image, is for the eye. Rows are text, so that pictures are kept in them as PNG in base64.
"""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

import numpy as np
from PIL import Image

from didlearn.arrays import Array, Bytes, Features, Ints
from didlearn.audit.subject import Subject
from didlearn.checks.nearest_images import nearest_images
from didlearn.errors import DataError, ResultError
from didlearn.images.formats.decoding import decode
from didlearn.images.picture import to_picture
from didlearn.neighbors import closest_pairs, nearest
from didlearn.result.values import Gallery, Tile
from didlearn.result.words import number
from didlearn.rng import Stream
from didlearn.studies.study import StudyRow

PAIRS = 3  # of each model, or of each of its classes
_REAL, _SHARE = 2_000, 1e-4  # real images, and of their pairs those that look alike
ShownPairs = list[dict[str, Any]]  # of each pair: distance, first, second, training, training_distance


def duplicates_of(subject: Subject, samples: int) -> ShownPairs:
    """Return the closest pairs of different pictures among ``samples`` of the model's, the closest first."""
    images = subject.draw(samples).images
    return _shown(subject, images, subject.drawn_features(samples), np.arange(len(images)))


def class_duplicates(subject: Subject, samples: int) -> dict[str, ShownPairs]:
    """Return the same within each class of the training images, by its name."""
    drawn = subject.draw(samples)
    assert drawn.labels is not None, "only conditional models have classes"
    assert subject.train is not None
    assert subject.train.labels is not None
    features, names = subject.drawn_features(samples), subject.train.classes
    return {
        names[c] if names else str(c): _shown(subject, drawn.images, features, np.flatnonzero(drawn.labels == c))
        for c in np.unique(subject.train.labels).tolist()
    }


def look_alike_distance(subject: Subject) -> float:
    """Return the distance within which about one in ten thousand pairs of real images lies, of up to 2 000 images."""
    assert subject.train is not None
    real = subject.train.some(_REAL, Stream(subject.seed, ("look-alike",)).numpy())
    pairs = len(real) * (len(real) - 1) // 2
    found = closest_pairs(subject.embed(real), k=max(1, round(_SHARE * pairs)), device=subject.device).distance
    return float(found[-1]) if len(found) else 0.0


def different_pairs(features: Features, k: int, same: float, device: str = "cpu") -> list[tuple[float, int, int]]:
    """Return up to ``k`` close pairs of rows (n, D), distance, first and second, the closest first.

    What lies within ``same`` of a pair is left out from then on: a model that makes one picture again and again would
    fill the list with it.
    """
    chosen: list[tuple[float, int, int]] = []
    left = np.arange(len(features))
    while len(chosen) < k and len(left) > 1:
        found = closest_pairs(features[left], k=1, device=device)
        first, second = int(left[found.first[0]]), int(left[found.second[0]])
        chosen.append((float(found.distance[0]), first, second))
        gap = nearest(features[left], features[np.array([first, second])], device=device).distance[:, 0]
        left = left[(gap > same) & (left != first) & (left != second)]
    return chosen


def _shown(subject: Subject, images: Array, features: Features, rows: Ints) -> ShownPairs:
    assert subject.train is not None
    same = subject.once("look-alike distance", lambda: look_alike_distance(subject))
    pairs = different_pairs(features[rows], PAIRS, same, subject.device)
    if not pairs:
        return []
    firsts = rows[[first for _, first, _ in pairs]]
    near = nearest_images(subject.train, features[firsts], subject.embed, device=subject.device)
    training = subject.train.read_raw(near.index)
    return [
        {
            "distance": distance,
            "first": as_text(to_picture(images[rows[first]])),
            "second": as_text(to_picture(images[rows[second]])),
            "training": as_text(to_picture(training[place])),
            "training_distance": float(near.distance[place]),
        }
        for place, (distance, first, second) in enumerate(pairs)
    ]


def as_text(picture: Bytes) -> str:
    """Return a picture (H, W) or (H, W, 3) as a PNG in base64."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def as_picture(text: str) -> Bytes:
    """Return the picture of ``as_text``.

    Raises:
        ResultError: the text is no picture.
    """
    try:
        return to_picture(decode(base64.b64decode(text, validate=True), "a picture of the study's rows"))
    except (binascii.Error, DataError, ValueError) as error:
        raise ResultError(f"a picture of the study's rows cannot be read ({error}); give another folder") from None


def duplicates_gallery(named: list[tuple[str, ShownPairs]], of: str) -> tuple[Gallery, ...]:
    """Return the gallery of pairs, a row for each name; none where no row has any.

    Args:
        named: what a row is of, and its pairs. of: what the rows are: "model", "class".
    """
    rows = [(name, shown) for name, shown in named if shown]
    if not rows:
        return ()
    most = max(len(shown) for _, shown in rows)
    return (
        Gallery(
            name="duplicates",
            title=f"The closest pairs of each {of}, and the nearest training image",
            columns=("sample", "sample", "nearest training image") * most,
            rows=tuple(_row(name, shown) for name, shown in rows),
            caption="The closest pairs of different pictures among all samples, the closest first, each with the "
            "training image nearest to its first. Whether a pair is one picture twice, and whether it is copied, is "
            "for the eye: two samples much nearer to one another than to any training image repeat what the model "
            "made up.",
        ),
    )


def _row(name: str, shown: ShownPairs) -> tuple[Tile, ...]:
    tiles: list[Tile] = []
    for pair in shown:
        tiles += [
            Tile(caption=name if not tiles else "", pixels=as_picture(pair["first"])),
            Tile(caption=f"{number(pair['distance'])} apart", pixels=as_picture(pair["second"])),
            Tile(caption=f"{number(pair['training_distance'])} away", pixels=as_picture(pair["training"])),
        ]
    return tuple(tiles)


def duplicates_in(row: StudyRow) -> ShownPairs:
    """Return the pairs that a row holds; one of an earlier version has none."""
    found: ShownPairs = row.get("duplicates") or []
    return found
