"""The table says what a search says. Mistakes seen: an edge's cell taken for sure, values below 0, infinite ones."""

import numpy as np
import pytest
import torch

from didlearn.neighbors.screening.places import Places


def values_at(edges, dtype):
    """Numbers of every size, the edges and their neighbours, numbers below 0, either zero and infinity."""
    rng = np.random.default_rng(0)
    near = [torch.nextafter(edges, torch.full_like(edges, end)) for end in (-torch.inf, torch.inf)]
    many = torch.from_numpy(np.r_[np.geomspace(1e-30, 1e9, 20_000), -rng.random(100), 0.0, -0.0, np.inf, 1e-44])
    return torch.cat([many.to(dtype), edges, *near])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("factor", "count"), [(1.2, 60), (1.0003, 12), (1.0, 4)])
@pytest.mark.parametrize("lowest", [0.0, 1e-3, -torch.inf])
def test_places_are_those_of_a_search(dtype, factor, count, lowest):
    outer = torch.tensor([max(lowest, 0.0), *(0.05 * factor**i for i in range(count))], dtype=dtype)
    inner = torch.cat([torch.tensor([lowest], dtype=dtype), outer[1:] * (1 - 1e-4)])
    values = values_at(torch.cat([inner[1:], outer]), dtype)
    place = Places(inner, outer).of(values.view(1, -1))[0]
    below, inside = torch.searchsorted(outer, values), torch.searchsorted(inner, values)
    sure = (below == inside) & (values < torch.inf)
    assert torch.equal(place[sure], below[sure].int())
    assert bool((place[~sure] > len(outer)).all())
    assert 0 < int(sure.sum()) < len(values)
