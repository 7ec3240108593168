"""Real data, where it is at hand."""

import numpy as np

from didlearn.images import open_images, shared_images, split_heldout


def test_mnist(shared_data):
    train = open_images(shared_data / "mnist.npz")
    test = open_images(f"{shared_data / 'mnist.npz'}:x_test")
    assert (len(train), len(test), train.shape) == (60_000, 10_000, (1, 28, 28))
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert abs(np.mean([batch.mean() for batch in train.batches(1000)]) / 255 - 0.1307) < 0.0001
    assert shared_images(train, test) == 0


def test_notmnist_holds_its_known_duplicates(shared_data):
    images = open_images(shared_data / "notmnist.npz")
    assert len(images) - len(set(images.hashes.tolist())) == 196
    train, heldout = split_heldout(images, 0)
    assert abs(len(heldout) - 2000) < 50
    assert shared_images(train, heldout) == 52  # pictures that recur stand on both sides, as in the data


def test_celeba_zip(shared_data):
    images = open_images(next(shared_data.glob("celeba*.zip")), size=32)
    assert (len(images), images.shape, images.labels) == (10_000, (3, 32, 32), None)
    assert any("JPEG (lossy" in note for note in images.notes)
    order = [9_999, 5, 5, 123]
    batch = images.read_raw(order)
    assert np.array_equal(batch[1], batch[2])
    assert np.array_equal(batch[0], images.read_raw([9_999])[0])
    assert images.source_name(9_999) == "010000.jpg"
    assert 0.3 < images.read(range(64)).mean() < 0.6
