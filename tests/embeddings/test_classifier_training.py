import numpy as np
import pytest
import torch

from didlearn.embeddings.training import classifier as training
from didlearn.embeddings.training.classifier import Labelled, augment, train_classifier
from didlearn.rng import Stream


def stripes(count, channels=1, side=12, seed=0):
    """Two classes, horizontal and vertical stripes, under noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    wave = np.where(np.arange(side) // 2 % 2, 90, 160)
    patterns = np.stack([np.tile(wave[:, None], (1, side)), np.tile(wave, (side, 1))])
    pixels = patterns[labels][:, None] + rng.normal(0, 25, (count, channels, side, side))
    return Labelled(np.clip(pixels, 0, 255).astype(np.uint8), labels, 2)


def weights(data, seed=0, **options):
    return train_classifier(data, Stream(seed), **options).state_dict()


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(training, "EPOCHS", (3, 3))


@pytest.mark.usefixtures("short")
def test_weights_do_not_depend_on_threads():
    data = stripes(300, channels=3)
    before = torch.get_num_threads()
    alone = weights(data, threads=1)
    assert same(alone, weights(data, threads=2))
    torch.set_num_threads(2)
    try:
        assert same(alone, weights(data, threads=7))
    finally:
        torch.set_num_threads(before)


@pytest.mark.usefixtures("short")
def test_only_the_stream_is_drawn_from():
    data = stripes(100)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = weights(data)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert same(first, weights(data))
    assert not same(first, weights(data, seed=1))


def test_it_learns_and_is_used_with_settled_statistics(monkeypatch):
    monkeypatch.setattr(training, "EPOCHS", (12, 12))
    network = train_classifier(stripes(400), Stream(0))
    fresh = stripes(300, seed=1)
    right = network(torch.from_numpy(fresh.images).float() / 255).argmax(1).numpy() == fresh.labels
    assert right.mean() > 0.95
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert all(value.is_contiguous() for value in network.state_dict().values())


@pytest.mark.usefixtures("short")
def test_pixels_are_standardised_by_the_training_set():
    data = stripes(200, channels=3)
    data.images[:, 1] //= 2
    network = train_classifier(data, Stream(0))
    pixels = data.images / 255
    np.testing.assert_allclose(network.mean.flatten(), pixels.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(network.std.flatten(), pixels.std((0, 2, 3)), rtol=1e-6)


@pytest.mark.usefixtures("short")
def test_a_constant_channel_divides_by_no_zero():
    data = stripes(100, channels=3)
    data.images[:, 2] = 7
    assert all(value.isfinite().all() for value in weights(data).values())


@pytest.mark.usefixtures("short")
def test_progress_ends_at_the_total():
    seen = []
    train_classifier(stripes(100), Stream(0), progress=lambda what, done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0
    assert sorted(seen) == seen


@pytest.mark.parametrize("count", [50, 300, 5000])
def test_every_epoch_is_a_new_order_without_repetition(count):
    batches = list(training._batches(count, Stream(0)))
    shards, shard = batches[0].shape
    steps = count // (shards * shard)
    epochs = [np.concatenate([b.ravel() for b in batches[i : i + steps]]) for i in range(0, len(batches), steps)]
    assert all(len(set(epoch)) == len(epoch) for epoch in epochs)
    assert (epochs[0] != epochs[1]).any()
    assert max(map(np.max, epochs)) < count
    assert steps >= 2
    assert training.EPOCHS[0] <= len(epochs) <= training.EPOCHS[1]


@pytest.mark.parametrize("channels", [1, 3])
def test_augmentation_moves_and_mirrors_colour_only(channels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, channels, 16, 16), dtype=np.uint8)
    original = images.copy()
    padded = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    moves = {(d, r): padded[:, :, d : d + 16, r : r + 16] for d in range(5) for r in range(5)}
    found, mirrored = set(), []
    for _ in range(60):
        made = np.rint(augment(images, rng).numpy() * 255).astype(np.uint8)
        (move,) = [key for key, moved in moves.items() if ((made == moved) | (made == moved[..., ::-1])).all()]
        found.add(move)
        mirrored.append((made != moves[move]).any(axis=(1, 2, 3)).mean())
    np.testing.assert_array_equal(images, original)
    assert len(found) > 15
    assert np.mean(mirrored) == pytest.approx(0.5 if channels == 3 else 0, abs=0.05)
