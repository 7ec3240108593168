"""Walks between latents. Mistakes seen: an angle of one walk for all, ends exchanged, a shell that is left, latents
that are walked between where their normal coordinates should be, labels that do not follow their walk, rounded pixels.
"""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Dirichlet

from didlearn.audit.subject import Subject
from didlearn.checks.interpolation.walks import (
    SMALL_STEP,
    decode_and_embed,
    draw_ends,
    small_steps,
    spherical,
    spherical_latents,
    straight,
    straight_latents,
)
from didlearn.models import open_model
from didlearn.rng import Stream

T = torch.linspace(0, 1, 5)


def test_ends_are_the_ends_and_the_middle_of_a_straight_walk_is_their_mean():
    first, second = torch.randn(2, 3, 2, 4, generator=torch.Generator().manual_seed(0))
    for walk in (straight, spherical):
        places = walk(first, second, T)
        assert places.shape == (3, 5, 2, 4)
        torch.testing.assert_close(places[:, 0], first)
        torch.testing.assert_close(places[:, -1], second)
    torch.testing.assert_close(straight(first, second, T)[:, 2], (first + second) / 2)


def test_a_spherical_walk_keeps_the_norm_and_turns_evenly():
    drawn = torch.randn(2, 6, 7, generator=torch.Generator().manual_seed(0))
    ends = torch.nn.functional.normalize(drawn, dim=2) * 3
    places = spherical(ends[0], ends[1], T)
    torch.testing.assert_close(places.norm(dim=2), torch.full((6, 5), 3.0))
    cosines = (places[:, 1:] * places[:, :-1]).sum(2) / 9
    whole = torch.arccos((ends[0] * ends[1]).sum(1) / 9)
    torch.testing.assert_close(torch.arccos(cosines), (whole / 4)[:, None].expand(6, 4), atol=1e-3, rtol=1e-3)


def test_each_walk_may_be_asked_at_places_of_its_own():
    first, second = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    t = torch.rand(3, 2, generator=torch.Generator().manual_seed(1))
    for walk in (straight, spherical):
        alone = torch.cat([walk(first[i : i + 1], second[i : i + 1], t[i]) for i in range(3)])
        torch.testing.assert_close(walk(first, second, t), alone)


def test_parallel_ends_are_walked_straight():
    first = torch.tensor([[1.0, 2.0]])
    assert torch.equal(spherical(first, 2 * first, T), straight(first, 2 * first, T))
    assert torch.isfinite(spherical(first, -first, T)).all()


class Flat(nn.Module):
    latent_shape, value_range = (3,), (0, 1)

    def forward(self, z):
        return (0.5 + 0.1 * z).view(-1, 1, 1, 3)


def test_of_a_uniform_prior_a_spherical_walk_stays_inside():
    model = open_model(Flat(), prior="uniform")
    ends = draw_ends(model, 200, Stream(0))
    own, turned = straight_latents(ends, T), spherical_latents(ends, T)
    torch.testing.assert_close(own[:, 0], turned[:, 0])
    assert turned.abs().max() < 1
    assert turned[:, 2].std() == pytest.approx(1 / math.sqrt(3), rel=0.07), "the middle is as the prior draws"
    assert own[:, 2].std() == pytest.approx(1 / math.sqrt(6), rel=0.07), "and of a straight one it is not"


def test_without_a_map_from_normal_numbers_walks_are_straight():
    model = open_model(Flat(), prior=Dirichlet(torch.ones(3)))
    ends = draw_ends(model, 20, Stream(0))
    assert ends.to_latents is None
    assert spherical_latents(ends, T) is None
    own = straight_latents(ends, T)
    torch.testing.assert_close(own.sum(2), torch.ones(20, 5))
    assert small_steps(ends, Stream(0)).shape == (20, 8, 3)


class Classes(nn.Module):
    """The class in the first pixel, the latent in the others."""

    latent_shape, value_range, classes = (3,), (0, 1), 5

    def forward(self, z, labels):
        return torch.cat([labels[:, None] / 10, (0.5 + 0.1 * z)], 1).view(-1, 1, 2, 2)


def test_both_ends_are_of_one_class_and_pixels_are_not_rounded():
    subject = Subject(open_model(Classes()))
    ends = draw_ends(subject.model, 20, Stream(0))
    latents = spherical_latents(ends, T)
    features, shown = decode_and_embed(subject, subject.model, latents, ends.labels, 3, np.array([0, 2, 4]))
    assert features.shape == (20, 5, 4)
    assert len(set(ends.labels)) == 5
    np.testing.assert_allclose(features[:, :, 0], np.repeat(ends.labels[:, None] / 10, 5, axis=1), atol=1e-6)
    wanted = (0.5 + 0.1 * latents).clamp(0, 1).numpy()
    np.testing.assert_allclose(features[:, :, 1:], wanted, atol=1e-6)
    assert shown.shape == (3, 3, 1, 2, 2)
    np.testing.assert_allclose(shown.reshape(3, 3, 4)[:, :, 1:], wanted[:3, ::2], atol=1e-6)


class Wide(nn.Module):
    latent_shape, value_range = (256,), (0, 1)

    def forward(self, z):
        return (0.5 + 0.01 * z).view(-1, 1, 16, 16)


def test_small_steps_are_as_long_as_the_walk_is_fast():
    ends = draw_ends(open_model(Wide()), 50, Stream(0))
    places = small_steps(ends, Stream(1))
    assert places.shape == (50, 8, 256)
    moved = (places[:, 1::2] - places[:, ::2]).norm(dim=2) / SMALL_STEP
    radius = (ends.first.norm(dim=1) + ends.second.norm(dim=1)) / 2
    omega = torch.arccos((ends.first * ends.second).sum(1) / ends.first.norm(dim=1) / ends.second.norm(dim=1))
    torch.testing.assert_close(moved, (omega * radius)[:, None].expand(50, 4), rtol=0.12, atol=0)
    assert (places[:, 0] - places[:, 2]).norm(dim=1).mean() > 1, "the places are random"
