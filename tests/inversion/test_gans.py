"""Planted images of StyleGAN2 and BigGAN are found, in z and in w, and the bounds of their likelihood hold."""

from typing import Any

import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.inversion.check import InversionCheck
from didlearn.checks.targets import planted, planted_labels
from didlearn.errors import ModelError, UsageError
from didlearn.evidence.bdmc import bdmc
from didlearn.images import open_images
from didlearn.inversion.invert import invert
from didlearn.models.inputs import require_decoder
from didlearn.models.latents.mapped import behind_mapping
from didlearn.rng import Stream
from tests.inversion.gans import BigGAN, StyleGAN2
from tests.inversion.test_invert import relative

SMALL = {"d": 6, "side": 8, "channels": (10, 8)}
LITTLE = {"draws": 60, "starts": 4, "rounds": 1, "within": False}


def found_again(network, count, **effort):
    model = dl.open_model(network)
    x, y = planted(model, count, Stream(3), "cpu"), planted_labels(model, count, Stream(3))
    return relative(invert(model, x, labels=y, **effort), x) < 1e-4


@pytest.mark.usefixtures("short_race")
@pytest.mark.parametrize("make", [lambda: StyleGAN2(**SMALL), lambda: BigGAN(d=8, channels=(8, 8))])
def test_planted_images_of_small_ones_are_found(make):
    assert found_again(make(), 4, **LITTLE).all()


@pytest.mark.slow
@pytest.mark.parametrize("make", [StyleGAN2, lambda: StyleGAN2(psi=0.7), BigGAN])
def test_planted_images_are_found(make):
    assert found_again(make(), 20, draws=200, starts=8, rounds=3, within=False).mean() >= 0.95


@pytest.mark.parametrize(
    ("make", "small"),
    [
        (lambda: StyleGAN2(**SMALL), True),
        (lambda: BigGAN(d=8, channels=(8, 8)), True),
        pytest.param(StyleGAN2, False, marks=pytest.mark.slow),
        pytest.param(BigGAN, False, marks=pytest.mark.slow),
    ],
)
def test_annealing_stays_within_its_sandwich(make, small):
    """E[lower] ≤ log p(x) ≤ E[upper], image by image up to the error of their chains."""
    found = bdmc(dl.open_model(make()), sigma=0.1, images=2 if small else 4, chains=4, budget=160)
    assert (found.lower <= found.upper + 4 * found.standard_error).all()
    assert found.gap > -4 * found.gap_standard_error


@pytest.mark.usefixtures("short_race")
def test_a_search_in_w_reaches_further_and_says_how_far_from_the_mapped_prior():
    model: Any = require_decoder(dl.open_model(StyleGAN2(**SMALL)))
    mapped = behind_mapping(model)
    g = torch.Generator().manual_seed(0)
    u = mapped.sample_prior(3, Stream(5))
    far = 3 * torch.randn(3, 6, generator=g)
    x = torch.cat([mapped.decode(u), mapped.decode(far)]).detach().numpy()
    found = invert(model, x, space="w", **LITTLE)
    assert (relative(found, x) < 1e-4).all()
    assert found.latent.shape == (6, 6)
    w = torch.from_numpy(found.latent)
    with torch.no_grad():
        again = model.network.call("synthesis", w[:, None].expand(-1, 3, -1), None)
    assert np.allclose(again, found.image, atol=1e-4)
    assert (found.mapped_distance[:3] < 2.5).all()
    assert (found.mapped_share[:3] > 0.001).all()
    assert (found.mapped_distance[3:] > found.mapped_distance[:3].max()).mean() >= 0.6
    assert (found.mapped_share[3:] < 0.05).any()
    assert np.isnan(found.log_prior).all()
    assert np.isnan(found.shell_pvalue).all()
    in_z = invert(model, x, **LITTLE)
    assert in_z.mapped_distance is None
    assert (in_z.error[3:] > found.error[3:]).all()


def test_its_own_draws_lie_at_the_median_of_the_mapped_prior():
    mapped = behind_mapping(require_decoder(dl.open_model(StyleGAN2(**SMALL))))
    u = mapped.sample_prior(2000, Stream(6)).numpy()
    assert np.median(mapped.distance(u)) == pytest.approx(1, abs=0.05)
    # Shares of draws that lie farther are uniform: their mean is ½ ± 1/√(12 · 2000).
    assert mapped.share_beyond(u).mean() == pytest.approx(0.5, abs=0.03)


def test_models_without_a_mapping_have_no_w():
    model = dl.open_model(BigGAN(d=8, channels=(8, 8)))
    x = planted(model, 1, Stream(0), "cpu")
    with pytest.raises(UsageError, match="has no w"):
        invert(model, x, space="w")
    with pytest.raises(UsageError, match="give z, or w"):
        invert(model, x, space="y")


def test_noise_that_cannot_be_fixed_names_the_remedy():
    class Numpy(torch.nn.Module):
        latent_shape, value_range = (2,), None

        def forward(self, z):
            return z.tile(1, 4).view(-1, 1, 2, 4) + float(np.random.normal())

    with pytest.raises(ModelError, match="noise_mode='const'"):
        invert(dl.open_model(Numpy()), np.zeros((1, 1, 2, 4), np.float32))


@pytest.mark.slow
def test_the_check_searches_w_beside_z_and_says_that_noise_was_fixed():
    model = dl.open_model(StyleGAN2(**SMALL))
    x = planted(model, 24, Stream(8), "cpu")
    images = open_images(x)
    check = InversionCheck(images=8, draws=40, starts=2, rounds=0, published=False, space="w")
    found = run_check(check, Subject(model, images, images))
    assert found.verdict != "error", found.reason
    assert found.estimates["mapped_error_train"].value < 1e-3
    assert found.estimates["mapped_distance_train"].value == pytest.approx(1, abs=0.6)
    assert found.estimates["mapped_outside"].value < 0.5
    assert any("noise was fixed" in note for note in found.notes)
