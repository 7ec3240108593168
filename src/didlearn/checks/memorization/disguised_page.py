"""Copies in disguise on the page: the pairs that line up best, what was done to them, and what each limit finds."""

from __future__ import annotations

from collections import Counter

import numpy as np

from didlearn.alignment.changes import describe_change
from didlearn.arrays import Array, Ints
from didlearn.checks.memorization.disguised import Disguised, Limit, LinedUp
from didlearn.images.base import Images
from didlearn.images.picture import eight_bit, to_picture
from didlearn.result.parts import Parts
from didlearn.result.values import Gallery, Table, Tile
from didlearn.result.words import number

_ROWS_SHOWN, _LOOKED_AT = 8, 40


def disguised_parts(disguised: Disguised, limit: Limit | None, level: float) -> Parts:
    """Show the pairs that line up best by the limit, beside held-out images', and count by every limit."""
    if not disguised.usable:
        note = "What lines up with training images tells nothing here: held-out images line up as well as copies do."
        return Parts(notes=(note,))
    chosen = limit or disguised.usable[0]
    return Parts(tables=(_limits_table(disguised, level),), galleries=(_gallery(disguised, chosen),))


def commonest_change(disguised: Disguised, limit: Limit, beside: Array) -> str | None:
    """Say what was done to most of the samples that match.

    Args:
        beside: (n,) whether a sample matches by its plain distance, and so wears no disguise.

    Returns:
        "mirrored", say; ``None`` where few match in disguise, or no change stands out.
    """
    own = disguised.own
    hit = np.flatnonzero(own.within(limit))
    hidden = hit[~beside[hit]]
    if 2 * len(hidden) < len(hit) or not len(hidden):
        return None
    best = hidden[np.argsort(own.misfits(limit)[hidden], kind="stable")[:_LOOKED_AT]]
    said = Counter(clause for row in best.tolist() for clause in _described(own, row, disguised.train).split(", "))
    clause, times = said.most_common(1)[0]
    return clause if 2 * times > len(best) and clause != "as it is" else None


def _described(group: LinedUp, row: int, train: Images) -> str:
    original = eight_bit(train.read_raw([int(group.found.index[row])]))[0]
    return describe_change(group.pixels[row], original, group.found.maps[row])


def _limits_table(disguised: Disguised, level: float) -> Table:
    rows = []
    for limit in disguised.usable:
        rule = disguised.rule(limit)
        share = rule.matches.fraction(level)
        kind = "of blurred pictures, " if limit.rough else ""
        rows.append(
            (
                f"{limit.most:g} {kind}{limit.motion.value}",
                rule.matches.own / rule.matches.samples,
                rule.matches.real / rule.matches.heldout,
                rule.found,
                share.value,
                share.low,
                share.high,
            )
        )
    return Table(
        name="aligned",
        title="Lined up with a training image, by the largest misfit allowed",
        columns=("misfit at most", "generated", "other real", "disguised copies", "copies", "low", "high"),
        rows=tuple(rows),
        caption="Misfit is 1 − correlation once frame and light are matched. Other real images are held-out ones, and "
        "training images looked up among the rest where these match as often. Copies are what generated images show "
        "beyond them; disguised copies are training images changed on purpose, and the share of them found.",
    )


def _gallery(disguised: Disguised, limit: Limit) -> Gallery:
    ours, theirs = (_best(group, limit) for group in (disguised.own, disguised.real))
    rows = tuple(
        (
            *_pair(disguised.own, i, limit, disguised.train, "sample"),
            *_pair(disguised.real, j, limit, disguised.train, "held-out"),
        )
        for i, j in zip(ours.tolist(), theirs.tolist(), strict=False)
    )
    return Gallery(
        name="lined_up",
        title="What lines up best with the training set",
        columns=("generated", "training image", "held-out", "training image"),
        rows=rows,
        caption="With the misfit, and what was done to the training image to make the picture; each is shown once.",
    )


def _best(group: LinedUp, limit: Limit) -> Ints:
    """Return the pictures that line up best, one for each training image: one that is copied often fills no page."""
    order = np.lexsort((group.scores(limit), group.misfits(limit)))
    first = np.unique(group.found.index[order], return_index=True)[1]
    return order[np.sort(first)][:_ROWS_SHOWN]


def _pair(group: LinedUp, row: int, limit: Limit, train: Images, name: str) -> tuple[Tile, Tile]:
    index = int(group.found.index[row])
    caption = f"{name} {row} · {number(float(group.scores(limit)[row]))}"
    return (
        Tile(caption=caption, pixels=to_picture(group.pixels[row])),
        Tile(
            caption=f"{train.source_name(index)} · {_described(group, row, train)}",
            pixels=to_picture(train.read_raw([index])[0]),
        ),
    )
