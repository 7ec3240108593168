import numpy as np
import pytest
import torch

from didlearn.errors import ModelError, UsageError
from didlearn.models import open_model
from didlearn.models.drawing import DecodedImages, draw_labels
from didlearn.parallel import UNIT


def same(a, b):
    return (
        a.images.dtype == b.images.dtype and np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels)
    )


@pytest.mark.parametrize("fewer", [1, 31, 32, 33, 100])
def test_fewer_images_are_a_prefix(conv_net, rng, fewer):
    model = open_model(conv_net)
    assert same(model.draw(fewer, rng), model.draw(150, rng).first(fewer))


@pytest.mark.parametrize("value_range", [(-1, 1), None])
def test_batch_size_and_threads_cannot_be_seen(conv_net, rng, value_range):
    model = open_model(conv_net, value_range=value_range)
    reference = model.draw(333, rng, batch_size=64, threads=1)
    assert reference.images.std() > 0.1
    for batch_size, threads in [(1000, 1), (64, 2), (1000, 2), (1000, 5), (33, 2)]:
        assert same(model.draw(333, rng, batch_size=batch_size, threads=threads), reference)


def test_the_network_always_sees_one_unit_on_one_thread(function, rng):
    seen = []

    def record(z):
        seen.append((len(z), torch.get_num_threads()))
        return z.mean().expand(len(z), 1, 2, 2) + len(z)

    model = open_model(function(record), value_range=None)
    seen.clear()
    reference = model.draw(50, rng, batch_size=64, threads=1)
    for count, batch_size, threads in [(50, 1000, 2), (333, 64, 2), (333, 1000, 1), (1, 256, 3)]:
        again = model.draw(count, rng, batch_size=batch_size, threads=threads)
        assert same(again.first(50), reference.first(count))
    assert set(seen) == {(UNIT, 1)}


def test_a_batch_below_one_unit_gives_the_same_pictures_up_to_rounding(conv_net, rng):
    model = open_model(conv_net)
    small, usual = model.draw(50, rng, batch_size=7), model.draw(50, rng)
    assert np.abs(small.images.astype(int) - usual.images).max() <= 1


def test_threads_do_not_share_what_a_module_keeps(forgetful, rng):
    model = open_model(forgetful)
    assert same(model.draw(256, rng, threads=4), model.draw(256, rng, threads=1))


def test_other_names_and_seeds_give_other_images(conv_net, rng):
    model = open_model(conv_net)
    drawn = model.draw(32, rng)
    assert not same(model.draw(32, rng.child("other")), drawn)
    assert same(model.draw(32, rng), drawn)


def test_latents_are_those_of_sample_prior(conv_net, rng):
    model = open_model(conv_net)
    z = model.sample_prior(UNIT, rng)
    expected = (model.decode(z).detach() * 255).round().to(torch.uint8).numpy()
    assert np.abs(model.draw(5, rng).images.astype(int) - expected[:5]).max() <= 1


def test_the_value_range_is_mapped_and_what_lies_outside_is_counted(function, rng):
    def stripes(z):
        return torch.tensor([-1.0, 0.0, 1.0, 3.0]).expand(len(z), 1, 1, 4)

    samples = open_model(function(stripes), value_range=(-1, 1)).draw(10, rng)
    assert samples.images[3, 0, 0].tolist() == [0, 128, 255, 255]
    assert any("25\u202f% of the pixels lay outside" in note for note in samples.notes)


def test_without_a_value_range_nothing_is_touched(function, rng):
    model = open_model(function(lambda z: 100 * z[:, :, None, None][:, :1].expand(-1, 1, 2, 2)), value_range=None)
    samples = model.draw(40, rng)
    assert samples.images.dtype == np.float32
    np.testing.assert_array_equal(samples.images[:, 0, 0, 0], 100 * model.sample_prior(40, rng)[:, 0].numpy())


def test_pixels_that_are_not_numbers_are_marked(function, rng):
    def sometimes(z):
        return torch.where(z[:, :1, None, None] > 0, torch.nan, 0.5).expand(-1, 1, 2, 2)

    model = open_model(function(sometimes), value_range=(0, 1))
    samples = model.draw(200, rng)
    positive = model.sample_prior(200, rng)[:, 0].numpy() > 0
    np.testing.assert_array_equal(samples.finite, ~positive)
    assert (samples.images[positive] == 0).all()
    assert (samples.images[~positive] == 128).all()
    assert any(f"{positive.sum()} of 200 images held NaN" in note for note in samples.notes)


def test_constant_output_is_said(function, rng):
    samples = open_model(function(lambda z: torch.zeros(len(z), 3, 4, 4))).draw(20, rng)
    assert "all 20 images are the same image" in samples.notes


def test_labels_follow_their_weights(conditional, rng):
    model = open_model(conditional)
    samples = model.draw(2000, rng, label_weights=np.array([0.5, 0.5, 0, 0]))
    assert set(samples.labels) == {0, 1}
    assert abs((samples.labels == 0).mean() - 0.5) < 5 * 0.5 / 2000**0.5
    level = samples.images.mean(axis=(1, 2, 3)) / 255
    np.testing.assert_allclose(level, samples.labels / 4 + 0.005, atol=0.01)
    uniform = model.draw(2000, rng).labels
    assert np.bincount(uniform).min() > 400


def test_labels_are_a_prefix_too(conditional, rng):
    model = open_model(conditional)
    assert same(model.draw(40, rng), model.draw(100, rng, batch_size=64, threads=2).first(40))


@pytest.mark.parametrize("weights", [[1, 1], [1, 1, 1, -1], [0, 0, 0, 0], [1, 1, 1, np.nan]])
def test_label_weights_that_do_not_fit_are_refused(rng, weights):
    with pytest.raises(UsageError, match="4 non-negative numbers"):
        draw_labels(10, 4, np.array(weights), rng)


def test_a_noisy_decoder_is_reproducible_and_leaves_the_global_generator_alone(noisy, rng):
    model = open_model(noisy)
    before = torch.get_rng_state()
    drawn = model.draw(100, rng, batch_size=64, threads=2)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12345)
    assert same(model.draw(100, rng, batch_size=1000, threads=1), drawn)
    assert same(model.draw(40, rng), drawn.first(40))
    assert len(np.unique(drawn.images.reshape(100, -1), axis=0)) == 100
    assert any("noise of its own" in note for note in drawn.notes)


def test_a_network_that_changes_its_mind_is_refused(function, rng):
    model = open_model(function(lambda z: torch.zeros(len(z), 1, 4, 4)))
    model.network.module.function = lambda z: torch.zeros(len(z), 1, 5, 5)
    with pytest.raises(ModelError, match=r"returned the shape \(32, 1, 5, 5\); \(32, 1, 4, 4\) was expected"):
        model.draw(10, rng)


def test_progress_counts_what_was_asked_for(conv_net, rng):
    told = []
    open_model(conv_net).draw(50, rng, batch_size=32, threads=1, advance=lambda *args: told.append(args))
    assert [done for _, done, _ in told] == [32, 50]
    assert {total for _, _, total in told} == {50}


@pytest.mark.parametrize(("count", "batch_size"), [(0, 64), (-1, 64), (10, 0)])
def test_nothing_cannot_be_drawn(conv_net, rng, count, batch_size):
    with pytest.raises(UsageError, match="at least 1"):
        open_model(conv_net).draw(count, rng, batch_size=batch_size)


def test_images_beyond_the_end_are_dropped():
    pixels = DecodedImages.empty(3, (1, 1, 1), ranged=True)
    pixels.store(2, torch.ones(4, 1, 1, 1))
    assert pixels.images[2] == 255


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_draws_the_same_pictures(conv_net, conditional, rng):
    for module in (conv_net, conditional):
        model = open_model(module, device="cuda")
        there = model.draw(100, rng, device="cuda")
        here = open_model(module).draw(100, rng)
        assert np.abs(there.images.astype(int) - here.images).max() <= 2
        np.testing.assert_array_equal(there.labels, here.labels)
        assert same(model.draw(40, rng, device="cuda", batch_size=1000), there.first(40))
