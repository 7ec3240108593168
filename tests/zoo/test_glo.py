import numpy as np
import torch

import didlearn as dl
from didlearn.rng import Stream
from didlearn.zoo.glo import principal_codes
from didlearn.zoo.training.data import TrainingSet
from tests.zoo.tiny import Bench, digits


def test_codes_stay_in_the_unit_ball_and_others_do_not_move():
    bench = Bench("glo", code_rate=0.5)
    training = bench.training
    before = training.codes.weight.detach().clone()
    places = bench.source(2).real().places
    training.step(bench.source(2))
    after = training.codes.weight.detach()
    others = torch.ones(40, dtype=torch.bool)
    others[places] = False
    assert torch.equal(after[others], before[others])
    assert not torch.isclose(after[places], before[places]).all(dim=1).any()
    assert after.norm(dim=1).max() <= 1 + 1e-6
    assert (after[places].norm(dim=1) > 1 - 1e-5).any()


def test_inside_the_ball_codes_are_free():
    bench = Bench("glo", code_rate=1e-4)
    lengths = bench.training.codes.weight.detach()[bench.source(1).real().places].norm(dim=1)
    assert lengths.max() <= 1 + 1e-6
    assert lengths.min() < 0.9


def test_codes_start_at_the_principal_components():
    images = digits(0, 300)
    data = TrainingSet(images, 8, Stream(0), "cpu")
    codes = principal_codes(data, 5, Stream(0)).double().numpy()
    pixels = images.read(range(300)).double().numpy().reshape(300, -1)
    pixels -= pixels.mean(axis=0)
    left, values, _ = np.linalg.svd(pixels, full_matrices=False)
    scores = left[:, :5] * values[:5]
    scores /= np.linalg.norm(scores, axis=1).max()
    assert np.allclose(np.abs(codes), np.abs(scores), atol=0.02)
    assert np.isclose(np.linalg.norm(codes, axis=1).max(), 1, atol=1e-6)


def test_more_latents_than_components_start_small_and_random():
    few = dl.open_images(np.random.default_rng(0).integers(0, 255, (6, 8, 8), dtype=np.uint8))
    codes = principal_codes(TrainingSet(few, 2, Stream(0), "cpu"), 30, Stream(0))
    assert codes.shape == (6, 30)
    assert torch.isfinite(codes).all()
    assert (codes[:, 6:].std(dim=0) > 0).all()
    assert codes[:, 6:].abs().max() < 0.2


def test_draws_have_the_moments_of_the_codes():
    bench = Bench("glo", images=digits(0, 200))
    bench.training.settle(bench.data)
    model, codes = bench.training.model, bench.training.codes.weight.detach()
    torch.testing.assert_close(model.code_mean, codes.mean(dim=0), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(model.code_map @ model.code_map.T, torch.cov(codes.T), rtol=1e-3, atol=1e-5)
