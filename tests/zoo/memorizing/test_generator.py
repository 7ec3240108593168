import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

import didlearn as dl
from didlearn.errors import UsageError
from didlearn.rng import Stream
from didlearn.statistics.intervals import clopper_pearson
from didlearn.zoo.memorizing.generator import MemorizingGenerator, NoiseEncoder, equal_cells, noise_positions, noised


def memory(count, shape=(1, 8, 8), seed=0):
    return torch.rand((count, *shape), generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.1


def codes(count, latent, seed=1, dtype=torch.float64):
    return torch.randn(count, latent, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def by_definition(images, z, parts, scale=1.0):
    """Independent of the code under test: loops, and the quantiles of |z| by counting."""
    d, latent = images[0].numel(), z.shape[1]
    out = []
    for row in z.numpy():
        # P(|Z| <= |z|) lies in ((i-1)/k, i/k]: the digit is i - 1.
        below = 2 * norm.cdf(np.abs(row) / scale) - 1
        digits = [min(int(below[j] * k), k - 1) for j, k in enumerate(parts)]
        index = sum(digit * math.prod(parts[:j]) for j, digit in enumerate(digits))
        image = images[index].flatten().numpy().copy()
        for j in range(1, latent + 1):
            image[j * (d // latent) - 1] = row[j - 1]
        out.append(image.reshape(images.shape[1:]))
    return torch.from_numpy(np.array(out))


def test_positions_count_from_one_and_stop_at_the_last_code():
    assert noise_positions(64, 4).tolist() == [15, 31, 47, 63]
    assert noise_positions(10, 4).tolist() == [1, 3, 5, 7]  # 10 is a fifth multiple of 2, and is left alone
    assert len(noise_positions(784, 50)) == 50
    assert noise_positions(784, 50)[-1] == 50 * 15 - 1
    assert len(noise_positions(3072, 100)) == 100
    assert noise_positions(3, 2).tolist() == [0, 1]


@pytest.mark.parametrize("latent", [0, 64, 65])
def test_a_code_must_fit_beside_an_image(latent):
    with pytest.raises(UsageError, match=f"a code of {latent} numbers does not fit into images of 64"):
        noise_positions(64, latent)


def test_noising_writes_the_code_and_leaves_its_input():
    images, z = memory(5), codes(5, 4)
    x = noised(images, z)
    assert torch.equal(x.flatten(1)[:, noise_positions(64, 4)], z)
    assert (x != images).flatten(1).sum(dim=1).tolist() == [4] * 5
    assert torch.equal(images, memory(5))


@pytest.mark.parametrize(
    ("support", "latent", "parts"),
    [(81, 4, (3, 3, 3, 3)), (6, 4, (3, 2)), (7, 2, (7,)), (64, 2, (8, 8)), (64, 100, (2,) * 6), (12, 1, (12,))],
)
def test_cells_multiply_to_the_support(support, latent, parts):
    assert equal_cells(support, latent) == parts
    assert math.prod(parts) == support


def test_weights_are_those_of_the_construction():
    generator = MemorizingGenerator(memory(81), 4)
    weights = generator.weights()
    assert weights == {"absolute": 16, "selector": 48, "index": 24, "hats": 486, "memory": 5184, "overwrite": 64}
    matrices = [p for name, p in generator.named_parameters() if not name.endswith("bias")]
    assert sum(int(torch.count_nonzero(p)) for p in matrices) == sum(weights.values())
    assert all(p.dtype == torch.float64 for p in generator.parameters())


@pytest.mark.parametrize("support", [16, 256, 4096])
def test_weights_grow_as_md(support):
    assert sum(MemorizingGenerator(memory(support), 4).weights().values()) < 1.6 * support * 64


@pytest.mark.parametrize(
    ("support", "latent", "parts", "scale", "shape"),
    [
        (81, 4, (3, 3, 3, 3), 1.0, (1, 8, 8)),
        (81, 4, (9, 9), 0.3, (1, 8, 8)),
        (30, 4, (5, 2, 3), 2.0, (3, 4, 5)),
        (7, 1, (7,), 1.0, (1, 8, 8)),
        (64, 50, (2,) * 6, 1.0, (1, 28, 28)),
        (6, 3, (1, 6, 1), 1.0, (1, 8, 8)),
        (1009, 3, (1009,), 1.0, (1, 4, 4)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_network_is_its_definition_off_the_steps(support, latent, parts, scale, shape, dtype):
    images = memory(support, shape)
    generator = MemorizingGenerator(images, latent, cells=parts, scale=scale)
    z = scale * codes(300, latent, dtype=dtype)
    made, expected = generator(z), by_definition(images, z.double(), parts, scale)
    right = (made == expected).flatten(1).all(dim=1)
    assert clopper_pearson(int((~right).sum()), 300, 0.999)[0] <= generator.mismatch
    assert right.sum() >= 295
    assert torch.equal(generator.lookup(z)[right], made[right])


def test_every_memorised_image_is_reached_equally_often():
    generator = MemorizingGenerator(memory(24), 3)
    counts = torch.bincount(generator.cell(codes(48_000, 3)), minlength=24)
    chi2 = float(((counts - 2000) ** 2 / 2000).sum())
    assert len(counts) == 24
    assert chi2 < 56  # 1 - 1e-4 quantile of chi-square with 23 degrees is 55.8


def test_the_total_variation_is_as_computed_and_below_delta():
    generator = MemorizingGenerator(memory(81), 4, delta=1e-3)
    assert generator.width == pytest.approx(1e-3 / (4 * 2 * 2 * norm.pdf(0)))
    assert generator.mismatch == pytest.approx(7.45e-4, rel=0.05)
    wrong = 0
    for seed in range(5):
        z = codes(20_000, 4, seed)
        wrong += int((generator(z) != generator.lookup(z)).flatten(1).any(dim=1).sum())
    low, high = clopper_pearson(wrong, 100_000, 0.999)
    assert low <= generator.mismatch <= high
    assert low < 1e-3, "delta"
    assert high > 3e-4, "steps this narrow would be wrong less often than they should"


@pytest.mark.parametrize("delta", [0.2, 0.02])
@pytest.mark.parametrize("parts", [(16,), (4, 4), (2, 2, 2, 2)])
def test_wide_steps_fail_as_often_as_computed(delta, parts):
    generator = MemorizingGenerator(memory(16), 4, cells=parts, delta=delta)
    z = codes(20_000, 4)
    wrong = int((generator(z) != generator.lookup(z)).flatten(1).any(dim=1).sum())
    low, high = clopper_pearson(wrong, 20_000, 0.999)
    assert low <= generator.mismatch <= high
    assert generator.mismatch <= delta


def test_the_code_cycle_is_exact_and_the_image_cycle_is_not():
    images = memory(16)
    generator, encoder = MemorizingGenerator(images, 4), NoiseEncoder((1, 8, 8), 4)
    z = codes(1000, 4)
    assert torch.equal(encoder(generator(z)), z)
    assert int(torch.count_nonzero(encoder.read.weight)) == 4
    x = noised(memory(1000, seed=9), z)
    assert torch.equal(encoder(x), z)
    apart = (generator(encoder(x)) - x).square().mean()
    # Two independent images: twice the variance of the uniform law, over the 60 of 64 coordinates without code.
    assert float(apart) == pytest.approx(2 / 12 * 60 / 64, rel=0.15)


def test_it_opens_as_a_model_and_its_support_is_found():
    generator = MemorizingGenerator(memory(200), 4)
    model = dl.open_model(generator, latent_shape=(4,), value_range=None)
    drawn = model.draw(400, Stream(3)).images.reshape(400, -1)
    kept = np.delete(drawn, noise_positions(64, 4).numpy(), axis=1)
    _, sizes = np.unique(kept.round(4), axis=0, return_counts=True)
    found = dl.estimate_support(sizes, 400)["effective_support"]
    assert found.low < 200 < found.high
    assert found.high < 300
    assert len(np.unique(drawn, axis=0)) == 400, "with their noise no two images are equal"


def test_a_scaled_prior_is_read_from_the_module():
    generator = MemorizingGenerator(memory(27), 3, scale=0.25)
    model = dl.open_model(generator)
    z = model.sample_prior(4000, Stream(0))
    assert model.latent_shape == (3,)
    assert float(z.std()) == pytest.approx(0.25, rel=0.05)
    assert len(torch.bincount(generator.cell(z), minlength=27)) == 27


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cells": (3, 3)}, "into 9 cells for 16 memorised images"),
        ({"cells": (2, 2, 2, 2, 1)}, "give at most 4 whole numbers whose product is 16"),
        ({"cells": ()}, "cells \\(\\) cut 0 of 4"),
        ({"delta": 0.0}, "delta must lie in"),
        ({"delta": 0.7}, "delta must lie in"),
        ({"scale": -1.0}, "the scale above 0"),
        ({"delta": 1e-13}, "steeper than float64 resolves; give delta above"),
        ({"latent": 64}, "does not fit into images of 64"),
        ({"memory": torch.zeros(16, 64)}, "the memory has the shape"),
        ({"memory": torch.zeros(1, 1, 8, 8)}, "give at least 2 images"),
        ({"memory": torch.zeros(16, 1, 8, 8, dtype=torch.uint8)}, "divide 8-bit images by 255"),
        ({"memory": torch.full((16, 1, 8, 8), math.nan)}, "finite floating-point pixels"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    with pytest.raises(UsageError, match=said):
        MemorizingGenerator(**({"memory": memory(16), "latent": 4} | change))


def test_cells_need_a_support():
    with pytest.raises(UsageError, match="give at least 2 cells"):
        equal_cells(1, 4)
