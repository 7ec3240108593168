import dataclasses

import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.errors import ModelError
from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan.learned_pairs import LearnedPairs, border, learn
from didlearn.studies.memorizing_bigan.smoothed_law import SmoothedLaw
from didlearn.studies.study import Workplace
from didlearn.zoo.bigan import BiganRecipe

RECIPE = BiganRecipe(latent=3, width=4, encoder_width=4, discriminator_width=4, batch=32, steps=150, learning_rate=2e-3)


@pytest.fixture(scope="module")
def law():
    return SmoothedLaw.of(dl.open_images("digits"), 1.0, 0.1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cell")
    return Workplace(folder / "model", folder / "cache")


@pytest.fixture(scope="module")
def learned(law, place):
    return learn(RECIPE, law, 500, Stream(1, ("cell",)), place)


def draw(side, seed, count=200):
    return side(count, torch.Generator().manual_seed(seed))


def test_real_pairs_are_the_law_with_the_encoders_code(law, learned):
    pairs, _ = learned
    images, codes = draw(pairs.real, 3)
    assert torch.equal(images, law.draw(200, torch.Generator().manual_seed(3)))
    assert codes.shape == (200, 3)
    module = pairs.module
    assert module.value_range == (-1.0, 1.0)
    # From [-1/2, 3/2] to the network's [-1, 1].
    assert torch.allclose(codes, module.encoder(images - 0.5), atol=1e-5)


def test_generated_pairs_are_the_decoder_in_the_units_of_the_law(learned):
    pairs, _ = learned
    images, codes = draw(pairs.generated, 3)
    assert torch.allclose(images, pairs.module.decoder(codes) + 0.5, atol=1e-5)
    assert not images.requires_grad
    assert abs(float(codes.mean())) < 0.15
    assert float(codes.std()) == pytest.approx(1, abs=0.1)


def test_it_is_trained_on_the_law(law, learned):
    """The average picture is about right after 150 steps, and would not be in other units."""
    pairs, distance = learned
    made, real = draw(pairs.generated, 5, 2000)[0].mean(dim=0), draw(pairs.real, 6, 2000)[0].mean(dim=0)
    flat = float((real - real.mean()).square().mean())
    assert float((made - real).square().mean()) < 0.5 * flat
    assert np.isfinite(distance)


def test_training_data_is_not_clipped(law, learned, place):
    assert border(law) == 0.5
    assert border(dataclasses.replace(law, noise=0.02)) == pytest.approx(0.1)
    seen = law.draw(2000, torch.Generator().manual_seed(0))
    assert float(seen.min()) < -0.2
    assert float(seen.min()) > -border(law)
    assert float(seen.max()) < 1 + border(law)


def test_a_finished_model_is_not_trained_again(law, learned, place):
    first, distance = learned
    before = (place.model / "weights.safetensors").stat().st_mtime_ns
    again, same = learn(RECIPE, law, 500, Stream(1, ("cell",)), place)
    assert (place.model / "weights.safetensors").stat().st_mtime_ns == before
    assert same == distance
    assert all(torch.equal(a, b) for a, b in zip(draw(first.real, 1), draw(again.real, 1), strict=True))


def test_a_model_is_its_streams(law, learned, tmp_path):
    short = dataclasses.replace(RECIPE, steps=5)
    places = [Workplace(tmp_path / name, tmp_path / "cache") for name in "abc"]
    streams = [Stream(1), Stream(1), Stream(2)]
    models = [
        learn(short, law, 100, stream, place)[0].model.fingerprint
        for stream, place in zip(streams, places, strict=True)
    ]
    assert models[0] == models[1] != models[2]


def test_a_diverging_training_is_said(law, tmp_path):
    wild = dataclasses.replace(RECIPE, learning_rate=1e30, steps=30)
    with pytest.raises(ModelError, match="diverged"):
        learn(wild, law, 100, Stream(0), Workplace(tmp_path / "m", tmp_path / "c"))


def test_codes_are_taken_in_evaluation_mode(learned):
    """With the statistics of a batch, the code of an image would depend on its neighbours."""
    pairs, _ = learned
    assert isinstance(pairs, LearnedPairs)
    images, codes = draw(pairs.real, 8)
    assert torch.allclose(pairs.code(images[:7]), codes[:7], atol=1e-5)
