"""What was found, drawn and tabulated: how the criterion was chosen, the closest pairs, atoms, and classes."""

from __future__ import annotations

from functools import partial

import numpy as np

from didlearn.arrays import Array, Floats
from didlearn.checks.duplicate_counts import Counts
from didlearn.checks.sameness import Criterion
from didlearn.checks.support.measure import ClassDuplicates, Compared
from didlearn.checks.support.pairs import Candidate, Listed
from didlearn.images.base import Images
from didlearn.images.picture import to_picture
from didlearn.neighbors import Neighbors, Pairs, count_within
from didlearn.result.parts import Parts
from didlearn.result.values import Cell, Figure, Gallery, Mark, Role, Series, Table, Tile
from didlearn.result.words import number, percent
from didlearn.statistics.birthday.atoms import Atom

_RADII_DRAWN, _PAIRS_SHOWN, _ATOMS_SHOWN, _ATOMS_LISTED = 60, 20, 12, 50
_CURVE, _ENOUGH = 5_000, 1_000  # images that draw a curve where so many of their pairs are duplicates
_MOST = 20_000  # images that draw it elsewhere: of more only the closest pairs are known, and all of these


def criterion_parts(
    compared: Compared, criterion: Criterion, level: float, device: str, close: Pairs | None = None
) -> Parts:
    """Draw the curve over thresholds and the perturbations, and tabulate what the chosen threshold recognises.

    Args:
        compared: samples and real images. criterion: that counts them. level: of the table's intervals.
        device: of the distances. close: the closest pairs of all samples, where they are known.
    """
    table = Table(
        name="criterion",
        title="Changed copies the criterion still calls duplicates",
        columns=("change", "median distance", "recognised", "low", "high"),
        rows=tuple(
            (kind, float(np.median(criterion.perturbed[kind])), share.value, share.low, share.high)
            for kind, share in criterion.sensitivity(level).items()
        ),
        caption=f"The threshold is {number(criterion.threshold)}: {criterion.because}.",
    )
    return Parts(
        figures=(_threshold_curve(compared, criterion, device, close), _perturbation_curve(criterion)), tables=(table,)
    )


def criterion_notes(criterion: Criterion, found: Counts) -> Parts:
    """Say what was called a duplicate, and where clusters of them mean nothing."""
    notes = [f"Two images are duplicates at a distance of {number(criterion.threshold)} or less: {criterion.because}."]
    if not found.transitive:
        notes.append(
            f"Only {percent(found.transitivity)} of pairs within clusters are duplicates themselves: "
            "pictures shade into one another, so that clusters mean nothing, and richness, coverage, heterogeneity "
            "and atoms are left out. The effective support counts pairs, and stands."
        )
    return Parts(notes=tuple(notes))


def _threshold_curve(compared: Compared, criterion: Criterion, device: str, close: Pairs | None) -> Figure:
    radii = _radii(criterion)
    rates = partial(_pair_rates, radii=radii, threshold=criterion.threshold, device=device)
    series = [rates("pairs of generated images", compared.features, role="generated", close=close)]
    if compared.heldout is not None:
        series.append(rates("pairs of held-out real images", compared.heldout.features, role="heldout"))
    return Figure(
        name="thresholds",
        title="Share of pairs closer than a distance",
        x_label="distance",
        y_label="share of pairs",
        series=tuple(s for s in (*series, *_fitted_tail(criterion, radii)) if s.x),
        marks=_distances_marked(criterion),
        x_log=True,
        y_log=True,
        caption="Left of the first line a pair counts as a duplicate. Above the real curve there, the generator "
        "repeats itself more often than reality does." + _drawn_by(len(compared.features)),
    )


def _fitted_tail(criterion: Criterion, radii: Floats) -> list[Series]:
    tail = criterion.tail
    if tail is None:
        return []
    near = radii[(radii >= criterion.threshold * 0.7) & (radii <= tail.distance)]
    fitted = tuple(tail.rate_at(float(r)) for r in near)
    return [Series(label="fit to real pairs", x=tuple(near), y=fitted, role="theory")]


def _distances_marked(criterion: Criterion) -> tuple[Mark, ...]:
    marks = (Mark(label="duplicate", x=criterion.threshold),)
    closest = min(criterion.lookalikes.values(), default=None)
    return marks if closest is None else (*marks, Mark(label="look-alike", x=closest))


def _radii(criterion: Criterion) -> Floats:
    """From well below the threshold to well above the distance at which real images look alike."""
    top = criterion.threshold * 2
    top = max(top, *(1.3 * distance for distance in criterion.lookalikes.values()), 0.0)
    if criterion.threshold > 0:
        return np.geomspace(criterion.threshold / 4, top, _RADII_DRAWN)
    return np.array([top if top > 0 else 1.0])


def _pair_rates(
    label: str, features: Array, radii: Floats, threshold: float, device: str, role: Role, close: Pairs | None = None
) -> Series:
    first = features[:_CURVE]
    counts = count_within(first, radii, device=device)
    if len(first) < len(features) and counts[min(int(np.searchsorted(radii, threshold)), len(radii) - 1)] < _ENOUGH:
        first = features[:_MOST]
        counts = count_within(first, radii, device=device)
    rates = counts / _pairs_of(first)
    if close is not None and len(first) < len(features):
        listed = radii < close.distance[-1]  # at the last distance there may be others
        rates[listed] = np.searchsorted(close.distance, radii[listed], side="right") / _pairs_of(features)
    seen = rates > 0
    return Series(label=label, x=tuple(radii[seen]), y=tuple(rates[seen]), style="step", role=role)


def _pairs_of(features: Array) -> float:
    return len(features) * (len(features) - 1) / 2


def _drawn_by(samples: int) -> str:
    if samples <= _MOST:
        return ""
    all_, first = number(samples), number(_MOST)
    return f" The closest pairs are those of all {all_} samples, the others those of the first {first} at most."


def _perturbation_curve(criterion: Criterion) -> Figure:
    series = []
    for kind, distances in criterion.perturbed.items():
        chosen = np.unique(np.linspace(0, len(distances) - 1, 80).astype(int))
        share = (chosen + 1) / len(distances)
        series.append(Series(label=kind, x=tuple(distances[chosen]), y=tuple(share), style="step", role="perturbed"))
    return Figure(
        name="perturbations",
        title="How far a mild change moves a picture",
        x_label="distance to the original",
        y_label="share of pictures",
        series=tuple(series),
        marks=(Mark(label="duplicate", x=criterion.threshold),),
        caption="Changes left of the line are still recognised as the same picture.",
    )


def pair_parts(pixels: Array, pairs: Listed, train: Images | None, near: Neighbors | None) -> Parts:
    """Tabulate the closest pairs (``pairs.csv``) and show them, beside their nearest training images where given.

    Args:
        pixels: (n, C, H, W) the samples. pairs: the closest, and those of different pictures, shown where they differ.
        train: the training images, or ``None``.
        near: those nearest to both samples of each closest pair, then of each other: distance and index
            (2 · all pairs,), or ``None``.
    """
    everything = [*pairs.closest, *pairs.apart]
    tiles, rows = _rows_of(pixels, everything, train, near)
    own = len(pairs.closest)
    galleries = [_pairs_gallery(tiles[:own], train is not None)]
    if pairs.apart != pairs.closest:
        galleries.append(_apart_gallery(tiles[own:], train is not None))
    return Parts(tables=(_pairs_table(rows[:own], train is not None),), galleries=tuple(galleries))


def _rows_of(
    pixels: Array, pairs: list[Candidate], train: Images | None, near: Neighbors | None
) -> tuple[list[list[Tile]], list[list[Cell]]]:
    rows: list[list[Cell]] = [
        [rank + 1, p.first, p.second, p.distance, "yes" if p.duplicate else "no"] for rank, p in enumerate(pairs)
    ]
    tiles = [_pair_tiles(pixels, pair) for pair in pairs]
    if train is not None and near is not None:
        for end, (index, distance) in enumerate(zip(near.index.tolist(), near.distance.tolist(), strict=True)):
            name, picture = train.source_name(index), to_picture(train.read_raw([index])[0])
            rows[end // 2] += [index, name, distance]
            tiles[end // 2].append(Tile(caption=f"{name} · {number(distance)}", pixels=picture))
    return tiles, rows


def _pair_tiles(pixels: Array, pair: Candidate) -> list[Tile]:
    word = "same" if pair.duplicate else "different"
    captions = (f"sample {pair.first}", f"sample {pair.second} · {number(pair.distance)}, {word}")
    return [
        Tile(caption=caption, pixels=to_picture(pixels[i]))
        for i, caption in zip((pair.first, pair.second), captions, strict=True)
    ]


def _pairs_table(rows: list[list[Cell]], trained: bool) -> Table:
    columns = ["rank", "sample_a", "sample_b", "distance", "duplicate"]
    for side in "ab" if trained else "":
        columns += [f"train_{side}", f"train_{side}_name", f"train_{side}_distance"]
    return Table(
        name="pairs",
        title="The closest pairs",
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        caption="Of all pairs of samples, the closest first.",
        csv="pairs.csv",
    )


def _pairs_gallery(tiles: list[list[Tile]], trained: bool) -> Gallery:
    caption = (
        "Two samples that look alike, far from every training image: the generator repeats itself. "
        "Two samples that equal one training image: it copies."
        if trained
        else "The closest pairs among the samples."
    )
    return _gallery_of("pairs", "The closest pairs", tiles, caption, trained)


def _apart_gallery(tiles: list[list[Tile]], trained: bool) -> Gallery:
    caption = "The closest pair of each picture that came more than once, then further ones."
    return _gallery_of("apart", "Closest pairs of different pictures", tiles, caption, trained)


def _gallery_of(name: str, title: str, tiles: list[list[Tile]], caption: str, trained: bool) -> Gallery:
    columns = ("sample A", "sample B") + (("nearest to A in training", "nearest to B in training") if trained else ())
    rows = tuple(tuple(row) for row in tiles[:_PAIRS_SHOWN])
    return Gallery(name=name, title=title, columns=columns, rows=rows, caption=caption)


def atom_parts(pixels: Array, found: Counts, atoms: list[Atom]) -> Parts:
    """Show pictures drawn far more often than the rest, with the share of all samples that are this one picture.

    Args:
        pixels: (n, C, H, W) the samples. found: their duplicates. atoms: heaviest first.
    """
    if not atoms:
        return Parts()
    sizes = np.bincount(found.component, minlength=found.samples)
    heaviest = np.argsort(-sizes, kind="stable")[: len(atoms)]
    tiles = tuple(
        Tile(caption=_share_of(atom), pixels=to_picture(pixels[i]))
        for i, atom in zip(heaviest[:_ATOMS_SHOWN], atoms, strict=False)
    )
    title = "Pictures drawn far too often"
    listed = atoms[:_ATOMS_LISTED]
    table = Table(
        name="atoms",
        title=title,
        columns=("rank", "samples", "mass", "low", "high"),
        rows=tuple((rank + 1, size, mass.value, mass.low, mass.high) for rank, (size, mass) in enumerate(listed)),
        caption=f"{len(listed)} of {len(atoms)}." if len(listed) < len(atoms) else "",
    )
    return Parts(tables=(table,), galleries=(Gallery(name="atoms", title=title, rows=(tiles,)),))


def _share_of(atom: Atom) -> str:
    return f"{percent(atom.mass.value)} ({percent(atom.mass.low)} to {percent(atom.mass.high)})"


def class_parts(found: list[ClassDuplicates], names: tuple[str, ...] | None, beside: bool, level: float) -> Parts:
    """Tabulate the effective support within each class, ``beside`` the held-out images of that class."""
    if not found:
        return Parts()
    own = ("samples", "pairs", "effective support", "low", "high")
    columns = ("class", *own, *(f"held-out {name}" for name in own if beside))
    rows = []
    for label, ours, theirs in found:
        name = names[label] if names and label < len(names) else str(label)
        rows.append((name, *_support_cells(ours, level), *(_support_cells(theirs, level) if beside else ())))
    return Parts(
        tables=(Table(name="classes", title="Class by class", columns=columns, rows=tuple(rows), csv="classes.csv"),)
    )


def _support_cells(found: Counts | None, level: float) -> tuple[Cell, ...]:
    if found is None:
        return (None,) * 5
    support = found.support(level)
    return found.samples, found.pairs, support.value, support.low, support.high
