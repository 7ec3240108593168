"""Fine detail and brightness on pictures made by hand."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from didlearn.checks.fidelity.looks import look_numbers
from didlearn.statistics.complexity import log_detail


def pictures(count, seed=0):
    noise = np.random.default_rng(seed).normal(size=(count, 1, 16, 16))
    return np.clip(128 + 200 * gaussian_filter(noise, (0, 0, 1, 1)), 0, 255).astype(np.uint8)


def test_the_laplacian_of_one_dot():
    """A dot of 1 among zeros: −4 once, 1 four times, over 25 pixels."""
    dot = np.zeros((1, 1, 5, 5))
    dot[0, 0, 2, 2] = 1
    assert log_detail(dot) == pytest.approx(np.log(20 / 25 + 1 / 255**2))
    assert log_detail(np.full((1, 3, 4, 4), 0.7)) == pytest.approx(np.log(1 / 255**2))


def test_a_ramp_has_detail_at_its_borders_alone():
    ramp = np.arange(5.0)[None, None, None, :] * np.ones((1, 1, 4, 1))
    assert log_detail(ramp) == pytest.approx(np.log(2 / 5 + 1 / 255**2))


def test_the_same_law_looks_the_same():
    found = look_numbers(pictures(500), pictures(500, seed=1), 0.99)
    assert found["fine_detail"].low < 1 < found["fine_detail"].high
    assert found["brightness_shift"].low < 0 < found["brightness_shift"].high


def test_blur_noise_and_light_are_told_apart():
    real, own = pictures(400), pictures(400, seed=1)
    blurred = gaussian_filter(own.astype(float), (0, 0, 1, 1)).astype(np.uint8)
    noisy = np.clip(own + np.random.default_rng(0).normal(0, 25, own.shape), 0, 255).astype(np.uint8)
    assert look_numbers(blurred, real, 0.95)["fine_detail"].high < 0.5
    assert look_numbers(noisy, real, 0.95)["fine_detail"].low > 1.5
    spread = real.mean(axis=(1, 2, 3)).std(ddof=1)
    brighter = look_numbers((real // 2 + 60).astype(np.uint8), (real // 2 + 50).astype(np.uint8), 0.95)
    assert brighter["brightness_shift"].value == pytest.approx(10 / (spread / 2), rel=0.02)


def test_floats_and_bytes_look_the_same():
    real, own = pictures(50), pictures(50, seed=1)
    a, b = look_numbers(own, real, 0.95), look_numbers(own / np.float32(255), real / np.float32(255), 0.95)
    for name in a:
        assert a[name].value == pytest.approx(b[name].value, rel=1e-4)
