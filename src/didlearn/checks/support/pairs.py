"""The pairs a person would be shown: the closest ones, each beside its nearest training images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from didlearn.arrays import Array
from didlearn.checks.duplicate_counts import Counts
from didlearn.checks.nearest_images import nearest_images
from didlearn.images.base import Images
from didlearn.images.picture import to_picture
from didlearn.neighbors import closest_pairs
from didlearn.result.parts import Parts
from didlearn.result.values import Gallery, Table, Tile
from didlearn.result.words import percent

_SHOWN, _MOST_ATOMS = 12, 50


class Candidate(NamedTuple):
    """Two samples, their distance, and whether the criterion calls them duplicates."""

    first: int
    second: int
    distance: float
    duplicate: bool


def candidates(features: Array, counts: Counts, threshold: float, k: int, device: str) -> list[Candidate]:
    """Return the ``k`` closest pairs, at most one from each cluster of duplicates while there are others.

    Without that rule one heavy atom would fill the page with the same picture.
    """
    pairs = closest_pairs(features, k=10 * k, device=device)
    close = [
        Candidate(int(i), int(j), float(d), bool(d <= threshold))
        for d, i, j in zip(pairs.distance, pairs.first, pairs.second, strict=True)
    ]
    chosen: dict[tuple[int, int], Candidate] = {}
    clusters: set[int] = set()
    for pair in (*_duplicates_first(close), *_one_per_cluster(features, counts), *close):
        cluster = int(counts.component[pair.first])
        repeated = pair.duplicate and cluster in clusters and len(clusters) < min(k, len(counts.cluster_sizes))
        if len(chosen) < k and not repeated:
            chosen.setdefault((pair.first, pair.second), pair)
            clusters.add(cluster)
    return sorted(chosen.values(), key=lambda pair: (pair.distance, pair.first, pair.second))


def _duplicates_first(close: list[Candidate]) -> Iterator[Candidate]:
    seen: set[int] = set()
    for pair in close:
        if pair.duplicate and pair.first not in seen:
            seen |= {pair.first, pair.second}
            yield pair


def _one_per_cluster(features: Array, counts: Counts) -> Iterator[Candidate]:
    """A pair from each cluster, so that clusters whose pairs are not among the very closest are shown too."""
    seen: set[int] = set()
    for i in np.flatnonzero(counts.following < counts.samples):
        cluster, j = int(counts.component[i]), int(counts.following[i])
        if cluster not in seen:
            seen.add(cluster)
            gap = features[i].astype(np.float64) - features[j]
            yield Candidate(int(i), j, float(np.sqrt(gap @ gap)), True)


def pair_parts(
    pixels: Array,
    features: Array,
    found: list[Candidate],
    train: Images | None,
    embed: Callable[[Images], Array],
    device: str,
) -> Parts:
    """Tabulate candidate pairs (``pairs.csv``) and show them, beside their nearest training images where given.

    Args:
        pixels: (n, C, H, W) the samples. features: (n, D) theirs. found: the pairs.
        train: the training images, or ``None``. embed: images to features. device: of the distances.
    """
    rows = [[n + 1, p.first, p.second, p.distance, "yes" if p.duplicate else "no"] for n, p in enumerate(found)]
    tiles = [_pair_tiles(pixels, pair) for pair in found]
    if train is not None and found:
        ends = np.array([(pair.first, pair.second) for pair in found]).ravel()
        near = nearest_images(train, features[ends], embed, device=device)
        for n, (index, distance) in enumerate(zip(near.index.tolist(), near.distance.tolist(), strict=True)):
            name = train.source_name(index)
            rows[n // 2] += [index, name, distance]
            caption = f"{name} · {distance:.3g}"
            tiles[n // 2].append(Tile(caption=caption, pixels=to_picture(train.read_raw([index])[0])))
    trained = train is not None
    return Parts(tables=(_table(rows, trained),), galleries=(_gallery(tiles[:_SHOWN], trained),))


def _pair_tiles(pixels: Array, pair: Candidate) -> list[Tile]:
    word = "same" if pair.duplicate else "different"
    captions = (f"sample {pair.first}", f"sample {pair.second} · {pair.distance:.3g}, {word}")
    return [
        Tile(caption=caption, pixels=to_picture(pixels[i]))
        for i, caption in zip((pair.first, pair.second), captions, strict=True)
    ]


def _table(rows: list[list[Any]], trained: bool) -> Table:
    columns = ["rank", "sample_a", "sample_b", "distance", "duplicate"]
    for side in "ab" if trained else "":
        columns += [f"train_{side}", f"train_{side}_name", f"train_{side}_distance"]
    caption = "The closest pairs, at most one from each cluster of duplicates while there are others."
    return Table(
        name="pairs",
        title="Candidate duplicates",
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        caption=caption,
        csv="pairs.csv",
    )


def _gallery(tiles: list[list[Tile]], trained: bool) -> Gallery:
    columns = ("sample A", "sample B") + (("nearest to A in training", "nearest to B in training") if trained else ())
    caption = (
        "Two samples that look alike, far from every training image: the generator repeats itself. "
        "Two samples that equal one training image: it copies."
        if trained
        else "The closest pairs among the samples."
    )
    return Gallery(
        name="pairs",
        title="The closest pairs",
        columns=columns,
        rows=tuple(tuple(row) for row in tiles),
        caption=caption,
    )


def atom_parts(pixels: Array, counts: Counts, atoms: list[tuple[int, float, float, float]]) -> Parts:
    """Show pictures drawn far more often than the rest, with the share of all samples that are this one picture.

    Args:
        pixels: (n, C, H, W) the samples. counts: their duplicates.
        atoms: (cluster size, mass, low, high) of each heavy atom, heaviest first.
    """
    if not atoms:
        return Parts()
    sizes = np.bincount(counts.component, minlength=counts.samples)
    heaviest = np.argsort(-sizes, kind="stable")[: len(atoms)]
    shown = atoms[:_MOST_ATOMS]
    rows = tuple((rank + 1, size, mass, low, high) for rank, (size, mass, low, high) in enumerate(shown))
    tiles = tuple(
        Tile(caption=f"{percent(mass)} ({percent(low)} to {percent(high)})", pixels=to_picture(pixels[i]))
        for i, (_, mass, low, high) in zip(heaviest[:_SHOWN], atoms, strict=False)
    )
    title = "Pictures drawn far too often"
    table = Table(
        name="atoms",
        title=title,
        columns=("rank", "samples", "mass", "low", "high"),
        rows=rows,
        caption=f"{len(shown)} of {len(atoms)}." if len(shown) < len(atoms) else "",
    )
    return Parts(tables=(table,), galleries=(Gallery(name="atoms", title=title, rows=(tiles,)),))
