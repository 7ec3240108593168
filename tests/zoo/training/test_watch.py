import math

import numpy as np
import pytest
import torch
from PIL import Image

from didlearn.errors import ModelError
from didlearn.models.architectures import Dcgan, Memory
from didlearn.zoo.training.watch import FRESH, LARGEST_LOSS, Watch, check_losses, finite_weights, write_sheet
from tests.zoo.tiny import digits


@pytest.fixture(scope="module")
def watch(tmp_path_factory):
    return Watch(digits(0, 40), digits(100, 400), tmp_path_factory.mktemp("watch"), "cpu")


def memory(images, temperature=1e4):
    return Memory.of(images, 8, temperature, torch.Generator().manual_seed(0))


def test_a_generator_of_real_images_is_nearer_than_noise(watch):
    near, drawn = watch.measure(memory(digits(400, 700).read(range(300))), 1000)
    assert drawn.shape == (300, 1, 8, 8)
    far, _ = watch.measure(memory(torch.rand(300, 1, 8, 8, generator=torch.Generator().manual_seed(0))), 1000)
    assert 0 <= near < 0.2 * far
    assert watch.measure(memory(digits(400, 700).read(range(300))), 1000)[0] == near


def test_one_image_only_is_told_once_the_network_has_had_time(watch):
    same = memory(torch.full((3, 1, 8, 8), 0.4))
    watch.measure(same, FRESH)
    with pytest.raises(ModelError, match="every image it makes is the same"):
        watch.measure(same, FRESH + 1)


def test_pixels_that_are_no_numbers_are_told(watch):
    broken = memory(digits(0, 5).read(range(5)))
    with torch.no_grad():
        broken.values[:, 3] = math.nan
    with pytest.raises(ModelError, match=r"no number|finite|NaN"):
        watch.measure(broken, 1)


def test_measuring_leaves_the_network_as_it_was(watch):
    network = Dcgan((4,), (1, 8, 8), None, width=2, blocks=1).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    watch.measure(network, 1)
    assert network.training
    assert all(p.requires_grad for p in network.parameters())
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


def test_the_variance_is_that_of_held_out_pixels(watch):
    pixels = digits(100, 400).read(range(300)).numpy()
    assert watch.variance == pytest.approx(pixels.var(axis=0).mean(), rel=1e-4)


def test_losses_of_no_size_are_told():
    check_losses({"critic": -LARGEST_LOSS, "error": 0.1}, FRESH + 1, 0.06)
    check_losses({"error": 0.3}, FRESH, 0.06)
    for bad in (math.nan, math.inf, -math.inf, 1.01 * LARGEST_LOSS, -1.01 * LARGEST_LOSS):
        with pytest.raises(ModelError, match=r"the critic loss is .* at step 7"):
            check_losses({"critic": bad}, 7, 1.0)
    with pytest.raises(ModelError, match=r"errs by 0.13 a pixel at step 201, the mean image by 0.06"):
        check_losses({"error": 0.13}, FRESH + 1, 0.06)


def test_buffers_are_weights_too():
    network = Dcgan((4,), (1, 8, 8), None, width=2, blocks=1)
    assert finite_weights(network)
    next(b for b in network.buffers() if b.ndim).fill_(math.inf)
    assert not finite_weights(network)


@pytest.mark.parametrize(("count", "side"), [(1, 1), (8, 2), (99, 9), (300, 10)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_sheet_holds_the_first_images_in_reading_order(count, side, channels, tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (count, channels, 8, 8), dtype=np.uint8)
    write_sheet(images, tmp_path / "new" / "sheet.png")
    picture = np.asarray(Image.open(tmp_path / "new" / "sheet.png"))
    assert picture.ndim == (2 if channels == 1 else 3)
    scale = picture.shape[0] // (side * 9 - 1)
    small = picture[::scale, ::scale].reshape(side * 9 - 1, side * 9 - 1, channels)
    for place in range(side * side):
        row, column = divmod(place, side)
        tile = small[row * 9 : row * 9 + 8, column * 9 : column * 9 + 8]
        assert np.array_equal(tile.transpose(2, 0, 1), images[place])
