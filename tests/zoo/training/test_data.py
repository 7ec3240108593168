import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.errors import UsageError
from didlearn.rng import Stream
from didlearn.zoo.training.data import StepData, TrainingSet, read_bytes
from tests.zoo.tiny import digits


def opened(batch=8, seed=0, images=None):
    return TrainingSet(digits() if images is None else images, batch, Stream(seed), "cpu")


@pytest.mark.parametrize("batch", [8, 7])
def test_each_image_comes_once_an_epoch(batch):
    data = opened(batch)
    whole = 40 // batch
    for epoch in (0, 1, 5):
        places = torch.cat([data.batch(epoch * whole + i).places for i in range(whole)])
        assert len(set(places.tolist())) == len(places) == whole * batch
    first, second = (torch.cat([data.batch(e * whole + i).places for i in range(whole)]) for e in (0, 1))
    assert not torch.equal(first, second)


def test_a_batch_depends_on_its_number_and_the_seed_alone():
    data = opened()
    asked = {number: data.batch(number).places for number in (0, 3, 17, 4, 99)}
    for number in (99, 4, 0, 17, 3):
        assert torch.equal(opened().batch(number).places, asked[number])
    assert not torch.equal(opened(seed=1).batch(3).places, asked[3])


def test_images_labels_and_places_belong_together():
    data, images = opened(), digits()
    batch = data.batch(2)
    index = batch.places.numpy()
    assert torch.allclose((batch.images + 1) / 2, images.read(index), atol=1e-6)
    assert batch.images.min() >= -1
    assert batch.images.max() <= 1
    assert batch.labels.tolist() == images.labels[index].tolist()


def test_a_step_s_noise_and_images_depend_on_the_step_alone():
    data = opened()
    one, other = StepData(data, 5, 100, 2), StepData(data, 5, 100, 2)
    StepData(data, 4, 100, 2).normal(3)
    torch.randn(3)
    assert torch.equal(one.normal(2, 3), other.normal(2, 3))
    assert torch.equal(one.uniform(4), other.uniform(4))
    assert one.real().places.tolist() == data.batch(10).places.tolist()
    assert one.real().places.tolist() == data.batch(11).places.tolist()
    assert not torch.equal(StepData(data, 6, 100, 2).normal(2, 3), StepData(data, 5, 100, 2).normal(2, 3))


def test_noise_is_standard():
    source = StepData(opened(), 0, 100, 1)
    noise, share = source.normal(40_000), source.uniform(40_000)
    assert abs(noise.mean()) < 0.02
    assert abs(noise.var() - 1) < 0.03
    assert abs(share.mean() - 0.5) < 0.01
    assert 0 <= share.min() < share.max() < 1


def test_spread_places_reach_every_class_of_a_sorted_set():
    images = digits(0, 400)
    data = opened(images=images.subset(np.argsort(images.labels, kind="stable")))
    places = data.spread(50)
    assert len(places) == len(set(places.tolist())) == 50
    assert set(data.labels[places].tolist()) == set(range(10))
    assert data.spread(1000).tolist() == list(range(400))


def test_classes_are_those_that_have_names():
    assert opened(images=digits(0, 8)).classes == 10
    plain = dl.open_images(np.random.default_rng(0).integers(0, 255, (9, 8, 8), dtype=np.uint8))
    assert opened(images=plain).classes is None
    assert opened(images=plain).batch(0).labels is None


def test_floats_become_bytes(tmp_path):
    np.save(tmp_path / "x.npy", np.linspace(0, 1, 9 * 64, dtype=np.float32).reshape(9, 8, 8))
    pixels = read_bytes(dl.open_images(str(tmp_path / "x.npy")))
    assert pixels.dtype == np.uint8
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_fewer_images_than_a_batch_are_refused():
    with pytest.raises(UsageError, match="has 40 images; a batch holds 41: give a smaller batch"):
        opened(41)
