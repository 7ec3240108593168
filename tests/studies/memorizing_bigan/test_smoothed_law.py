import numpy as np
import pytest
import torch

from didlearn.errors import UsageError
from didlearn.images import open_images
from didlearn.studies.memorizing_bigan.smoothed_law import SmoothedLaw


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def dot():
    images = torch.zeros(1, 1, 7, 9)
    images[0, 0, 3, 4] = 1
    return images


def test_without_shift_it_is_an_image_and_noise_of_its_size(dot):
    drawn = SmoothedLaw(dot, None, shift=0.0, noise=0.1).draw(4000, generator())
    assert torch.allclose(drawn.mean(dim=0), dot[0], atol=5 * 0.1 / 4000**0.5)
    assert float((drawn - dot).std()) == pytest.approx(0.1, rel=0.01)
    assert float(drawn.min()) < -0.2, "nothing is clipped"


def test_the_shift_is_even_in_both_directions_and_within_its_bound(dot):
    drawn = SmoothedLaw(dot, None, shift=2.0, noise=1e-6).draw(4000, generator())
    mass = drawn.sum(dim=(1, 2, 3))
    torch.testing.assert_close(mass, torch.ones(4000), atol=1e-3, rtol=0)
    down = (drawn.sum(dim=(1, 3)) * torch.arange(7)).sum(dim=1) - 3
    across = (drawn.sum(dim=(1, 2)) * torch.arange(9)).sum(dim=1) - 4
    for offset in (down, across):
        assert float(offset.abs().max()) <= 2.001
        assert float(offset.mean()) == pytest.approx(0, abs=5 * (4 / 3 / 4000) ** 0.5)
        assert float(offset.var()) == pytest.approx(4 / 3, rel=0.05)
    assert abs(float((down * across).mean())) < 0.1


def test_draws_are_new_and_follow_their_generator():
    law = SmoothedLaw.of(open_images("digits"), 1.0, 0.1)
    images, labels = law.draw_labelled(2000, generator(1))
    assert law.shape == (1, 8, 8)
    assert len(np.unique(images.flatten(1).numpy(), axis=0)) == 2000
    assert torch.equal(images, law.draw(2000, generator(1)))
    assert not torch.equal(images, law.draw(2000, generator(2)))
    assert set(labels.tolist()) == set(range(10))


def test_labels_are_those_of_the_images():
    images = torch.stack([torch.full((1, 4, 4), float(v)) for v in range(3)])
    drawn, labels = SmoothedLaw(images, torch.arange(3), 0.0, 0.01).draw_labelled(300, generator())
    assert torch.equal(drawn.mean(dim=(1, 2, 3)).round().long(), labels)


@pytest.mark.parametrize(("shift", "noise"), [(-1.0, 0.1), (1.0, 0.0), (float("nan"), 0.1)])
def test_a_law_that_is_none_is_refused(dot, shift, noise):
    with pytest.raises(UsageError, match="a smoothed law takes"):
        SmoothedLaw(dot, None, shift, noise)
