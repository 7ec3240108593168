"""Discrete laws whose collision probabilities, richness and atoms are known."""

import numpy as np
import pytest


def two_level(images, share=0.1, mass=0.5):
    """``mass`` spread over a ``share`` of the images, the rest over the others."""
    k = int(images * share)
    return np.r_[np.full(k, mass / k), np.full(images - k, (1 - mass) / (images - k))]


def atom(images, mass):
    return np.r_[mass, np.full(images - 1, (1 - mass) / (images - 1))]


def zipf(images, exponent):
    p = 1 / np.arange(1, images + 1) ** exponent
    return p / p.sum()


@pytest.fixture(scope="session")
def laws():
    found = {}
    for n in (2_000, 10_000, 50_000):
        found[f"uniform {n}"] = np.full(n, 1 / n)
        found[f"5 % atom {n}"] = atom(n, 0.05)
        found[f"10 % atom {n}"] = atom(n, 0.1)
        found[f"two levels {n}"] = two_level(n)
        found[f"two steep levels {n}"] = two_level(n, 0.01)
        for exponent in (0.5, 1, 1.5, 2):
            found[f"Zipf {exponent} {n}"] = zipf(n, exponent)
    return found


@pytest.fixture(scope="session")
def cluster_sizes():
    """(law, samples, rng) -> the sizes of all clusters, singletons included."""

    def draw(law, samples, rng):
        counts = rng.multinomial(samples, law) if samples > len(law) else _thin(law, samples, rng)
        return counts[counts > 0]

    return draw


def _thin(law, samples, rng):
    return np.unique(np.searchsorted(np.cumsum(law)[:-1], rng.random(samples)), return_counts=True)[1]


@pytest.fixture(scope="session")
def covered():
    """(estimates, truth) -> the share of intervals that hold the truth; an open end holds everything."""

    def share(estimates, truth):
        slack = 1e-9 * abs(truth)
        hits = [
            (e.low is None or e.low <= truth + slack) and (e.high is None or truth - slack <= e.high) for e in estimates
        ]
        return float(np.mean(hits))

    return share
