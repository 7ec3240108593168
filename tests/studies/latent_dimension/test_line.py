"""Errors between where a search began and where it ended."""

import numpy as np
import pytest
import torch

from didlearn.inversion.invert import invert
from didlearn.studies.latent_dimension.line import errors_along, first_starts, line, rises
from tests.inversion.decoders import decoder, linear


def plain(model):
    """A linear model as a network."""
    W, b = model.W.float(), model.b.float()
    return decoder(lambda z: (z @ W.T + b).reshape(len(z), *model.image_shape), W.shape[1])


def test_the_loss_of_a_linear_decoder_is_a_parabola_with_its_foot_at_the_end():
    """e(t) = e(1) + (1 - t)² (e(0) - e(1)), for the least-squares end of any start."""
    model = plain(linear(d=3, shape=(1, 6, 6)))
    rng = np.random.default_rng(0)
    x = rng.random((7, 1, 6, 6)).astype(np.float32)
    end = invert(model, x, draws=50, starts=2, rounds=0).latent
    start = torch.from_numpy(rng.standard_normal((7, 3)).astype(np.float32))
    found = errors_along(model, x, start, torch.from_numpy(end))
    zero, one = (int(np.argmin(np.abs(found.places - t))) for t in (0, 1))
    first, last = found.errors[:, [zero]], found.errors[:, [one]]
    assert found.errors == pytest.approx(last + (1 - found.places) ** 2 * (first - last), rel=1e-4)
    assert found.errors.argmin(axis=1).tolist() == [one] * 7
    assert not rises(found.places, found.errors).any()


def test_the_start_is_the_one_that_the_search_begins_with():
    """With one start and no step, the search returns it: the nearest of the prior's draws."""
    model = plain(linear(d=3, shape=(1, 6, 6)))
    x = np.random.default_rng(0).random((5, 1, 6, 6)).astype(np.float32)
    start = first_starts(model, x, 40, 3, "cpu")
    begun = invert(model, x, seed=3, method="adam", draws=40, steps=1)
    assert begun.latent == pytest.approx(start.numpy(), abs=0.2)  # one step of Adam moves by its rate
    error = errors_along(model, x, start, start).errors[:, 0]
    draws = model.decode(torch.randn(40, 3, generator=torch.Generator().manual_seed(0)))
    away = np.square(draws[:, None].numpy() - x[None]).mean(axis=(2, 3, 4))
    assert (error < np.median(away, axis=0)).all()


def test_a_wall_on_the_way_is_seen_and_counted():
    """An image at z = ±1 with a wall between them: who starts on the wrong side must rise."""
    walled = decoder(lambda z: (1 - z.square() + 0.1 * z).reshape(-1, 1, 1, 1).expand(-1, 1, 8, 8), 1)
    x = np.full((4, 1, 8, 8), 0.1, dtype=np.float32)
    start = torch.tensor([[-1.0], [-0.9], [0.8], [1.2]])
    found = errors_along(walled, x, start, torch.ones(4, 1))
    assert rises(found.places, found.errors).tolist() == [True, True, False, False]


def test_a_row_holds_means_quantiles_and_the_share_of_barriers():
    model = plain(linear(d=3, shape=(1, 6, 6)))
    x = np.random.default_rng(0).random((8, 1, 6, 6)).astype(np.float32)
    end = invert(model, x, seed=0, draws=30, starts=2, rounds=0).latent
    row = line(model, x, end, 30, 0, "cpu")
    found = errors_along(model, x, first_starts(model, x, 30, 0, "cpu"), torch.from_numpy(end))
    assert row["at"] == found.places.tolist()
    assert row["mean"] == pytest.approx(found.errors.mean(axis=0))
    assert row["low"] == pytest.approx(np.quantile(found.errors, 0.1, axis=0))
    assert row["high"] == pytest.approx(np.quantile(found.errors, 0.9, axis=0))
    share, low, high = row["barrier"]
    assert (share, low) == (0, 0)
    assert high == pytest.approx(1 - 0.025 ** (1 / 8))  # nothing in eight, exactly
