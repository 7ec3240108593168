"""Brute force in float64, and data that has tripped methods up."""

import contextlib
import importlib
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from didlearn.neighbors import balls, closest, shortlist
from didlearn.neighbors.screening import cascade, level, levels, sketch, triangle, walk

nearest = importlib.import_module("didlearn.neighbors.nearest")  # the package's name of it is the function


@dataclass(frozen=True)
class Oracle:
    """Every distance, from float64 differences."""

    def distances(self, x, y):
        x, y = (np.asarray(a, np.float64).reshape(len(a), int(np.prod(np.shape(a)[1:]))) for a in (x, y))
        largest = max([np.abs(a).max() for a in (x, y) if a.size], default=0)
        scale = 2.0**-600 if largest > 1e150 else 1.0
        return np.sqrt(((scale * x[:, None] - scale * y) ** 2).sum(-1)) / scale

    def pairs(self, x, k):
        d = self.distances(x, x)
        i, j = np.triu_indices(len(x), 1)
        order = np.lexsort((j, i, d[i, j]))[:k]
        return d[i, j][order], i[order], j[order]

    def nearest(self, q, x, k, exclude=None):
        d = self.distances(q, x)
        if exclude is not None:
            some = np.flatnonzero(np.asarray(exclude) >= 0)
            d[some, np.asarray(exclude)[some]] = np.inf
        order = np.argsort(d, 1, kind="stable")[:, :k]
        return np.take_along_axis(d, order, 1), order


@pytest.fixture(scope="session")
def oracle():
    return Oracle()


@pytest.fixture(scope="session")
def small_blocks():
    """Shrink blocks and sketches so that little data goes through all of them.

    ``direct`` says what a single distance costs: next to nothing sends every pair there at once, a fortune sends it
    through every level first. ``eight_bit`` says whether products of 8-bit numbers are held to be fast. ``leaf`` is how
    many rows a leaf holds at most, where rows are sorted into leaves.
    """

    @contextlib.contextmanager
    def shrink(direct=100.0, panel=48, step=20, eight_bit=False, leaf=None):
        with pytest.MonkeyPatch.context() as patch:
            for module in (triangle, nearest, walk):
                patch.setattr(module, "BLOCK_COLUMNS", step)
            for module in (triangle, walk):
                patch.setattr(module, "PANEL_ROWS", panel)
            for module, name, value in (
                (nearest, "STRIP_ROWS", 16),
                (nearest, "STRIP_COLUMNS", 40),
                (shortlist, "KEEP", 50),
                (cascade, "SKETCHED_FROM", 0),
                (nearest, "SOUGHT_FROM", 0),
                (balls, "SOUGHT_FROM", 0),
                (walk, "MET_FROM", 0),
                (levels, "SKETCHES", (2, 5)),
                (levels, "ROUNDED_FROM", 0),
                (level, "HELD_COLUMNS", 32),
                (level, "PRODUCT_COLUMNS", 12),
                (sketch, "SKETCHED_ROWS", 16),
                (sketch, "SUMMED_COLUMNS", 8),
                (sketch, "LOADED_COLUMNS", 24),
                (cascade, "DIRECT", direct),
                (levels, "eight_bit_pays", lambda device: eight_bit),
                *([] if leaf is None else [(closest, "_LEAVES_FROM", 2), (closest, "_SMALLEST_LEAF", leaf)]),
            ):
                patch.setattr(module, name, value)
            yield

    return shrink


def awkward():
    """Sixty rows: two panels and three blocks of ``small_blocks``, and more than the 45 neighbours asked for."""
    rng = np.random.default_rng(5)
    normal = rng.normal(size=(60, 24))
    spectrum = normal * np.geomspace(10, 0.01, 24)
    plane = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 24))
    clusters = rng.normal(size=(6, 24))[rng.integers(0, 6, 60)]
    return {
        "normal": normal,
        "float32": normal.astype(np.float32),
        "spectrum": spectrum.astype(np.float32),
        "grid": rng.integers(0, 2, (60, 6)).astype(np.float32),
        "one-hot": np.eye(60, dtype=np.float32),
        "bytes": rng.integers(0, 256, (60, 24)).astype(np.uint8),
        "few bytes": rng.integers(0, 2, (60, 4)).astype(np.uint8) * 255,
        "fractions": (rng.integers(0, 256, (60, 24)) / 255).astype(np.float32),
        "same": np.full((60, 24), 0.3, np.float32),
        "copies": clusters,
        "near copies": clusters + 1e-6 * normal,
        "nearer copies": clusters + 1e-12 * normal,
        "offset": normal + 1e8,
        "offset float32": (normal + 1e4).astype(np.float32),
        "tiny": normal * 1e-20,
        "tiny float32": (normal * 1e-20).astype(np.float32),
        "large float32": (normal * 1e20).astype(np.float32),
        "huge": normal * 1e200,
        "subnormal float32": (normal * 1e-41).astype(np.float32),
        "minute": normal * 1e-150,
        "plane": np.concatenate([plane, plane + 1e-5 * normal[:30]]).astype(np.float32),
        "outlier": np.concatenate([normal, 1e7 * normal[:1]]),
        "line": rng.normal(size=(60, 1)),
        "wide": rng.normal(size=(50, 150)).astype(np.float32),
        "images": rng.random((60, 3, 4, 4)).astype(np.float32),
    }


AWKWARD = awkward()
DIRECT = {"at once": 1e-9, "usual": 100.0, "through all levels": 1e9}


def crossed(*counts):
    """Cases of ``points``, a count where there are any, ``direct`` and ``eight_bit``: half of them slow.

    Every three of the others come with one or the other value of ``eight_bit`` in the fast half, as squares of a
    chessboard do, and so every two of them with both.
    """
    cases = []
    for (a, name), (b, k), (c, direct), eight_bit in product(
        enumerate(AWKWARD), enumerate(counts or ("",)), enumerate(DIRECT), (False, True)
    ):
        values = (name, k, DIRECT[direct], eight_bit) if counts else (name, DIRECT[direct], eight_bit)
        marks = () if (a + b + c) % 2 == eight_bit else pytest.mark.slow
        cases.append(pytest.param(*values, id=f"{eight_bit}-{k}-{direct}-{name}", marks=marks))
    return cases


@pytest.fixture(params=AWKWARD)
def points(request):
    return AWKWARD[request.param].copy()
