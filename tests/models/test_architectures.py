import pytest
import torch

from didlearn.models import open_model
from didlearn.models.architectures import Affine, Autoencoder, Dcgan, Memory, Mixture, Mlp, Stacked


@pytest.mark.parametrize("classes", [None, 5])
@pytest.mark.parametrize(
    "make",
    [
        lambda c: Mlp((7,), (3, 6, 10), c, hidden=(9, 8)),
        lambda c: Dcgan((7,), (3, 8, 16), c, width=3, blocks=3),
        lambda c: Memory((7,), (3, 6, 10), c, items=4),
    ],
)
def test_shapes(make, classes):
    module = make(classes)
    labels = None if classes is None else torch.tensor([0, 4])
    assert module.eval()(torch.zeros(2, 7), labels).shape == (2, *module.image_shape)


def test_the_label_matters():
    module = Mlp((2,), (1, 4, 4), 3)
    a, b = module(torch.zeros(2, 2), torch.tensor([0, 1]))
    assert not torch.equal(a, b)


def test_dcgan_doubles_the_size_and_halves_the_channels():
    shapes = [tuple(p.shape) for name, p in Dcgan((10,), (3, 64, 64), width=64, blocks=4).named_parameters()]
    convolutions = [shape for shape in shapes if len(shape) == 4]
    assert convolutions == [(10, 512, 4, 4), (512, 256, 4, 4), (256, 128, 4, 4), (128, 64, 4, 4), (64, 3, 4, 4)]


def test_dcgan_refuses_sides_it_cannot_reach():
    with pytest.raises(ValueError, match="multiples of 8"):
        Dcgan((10,), (1, 28, 28), blocks=3)


@pytest.mark.parametrize(("output", "low", "high"), [("tanh", -1, 1), ("sigmoid", 0, 1), ("linear", None, None)])
def test_the_output_sets_the_value_range(output, low, high):
    module = Mlp((2,), (1, 4, 4), output=output)
    assert module.value_range == (None if low is None else (low, high))
    assert isinstance(open_model(module).value_range, tuple) is (low is not None)


def test_memory_shows_what_it_stored(rng):
    images = torch.rand(30, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    memory = Memory.of(images, 8, 1e4, torch.Generator().manual_seed(1))
    drawn = open_model(memory).draw(500, rng).images
    stored = {bytes(image) for image in (images * 255).round().to(torch.uint8).numpy()}
    hits = [bytes(image) in stored for image in drawn]
    assert sum(hits) > 480
    assert len({bytes(image) for image in drawn}) >= 20


def test_memory_mixes_when_it_is_hot(rng):
    images = torch.rand(30, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    memory = Memory.of(images, 8, 0.0, torch.Generator().manual_seed(1))
    z = torch.randn(3, 8)
    torch.testing.assert_close(memory(z), images.mean(0, keepdim=True).expand(3, -1, -1, -1))


def test_memory_keeps_classes_apart(rng):
    images = torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 2) / 4
    memory = Memory.of(images, 6, 1e4, torch.Generator().manual_seed(1), labels=torch.tensor([0, 0, 1, 1]))
    samples = open_model(memory).draw(200, rng)
    assert set((samples.images[samples.labels == 0] / 255 * 4).round().astype(int).ravel()) == {0, 1}
    assert set((samples.images[samples.labels == 1] / 255 * 4).round().astype(int).ravel()) == {2, 3}


def random_affine(network, d):
    rng = torch.Generator().manual_seed(3)
    codes = torch.randn(400, d, generator=rng) @ torch.randn(d, d, generator=rng) + 2
    network.settle(codes)
    return codes


def test_an_affine_decoder_draws_codes_with_the_moments_it_was_given():
    network = Affine((3,), (1, 8, 8), decoder={"name": "mlp", "hidden": [4]})
    codes = random_affine(network, 3)
    torch.testing.assert_close(network.code_mean, codes.mean(dim=0))
    torch.testing.assert_close(network.code_map @ network.code_map.T, torch.cov(codes.T), rtol=1e-4, atol=1e-4)


def test_an_autoencoders_latents_decode_to_its_reconstructions():
    network = Autoencoder((3,), (1, 8, 8), decoder={"name": "mlp"}, encoder_width=2, stochastic=False).eval()
    random_affine(network, 3)
    x = torch.rand(5, 1, 8, 8) * 2 - 1
    torch.testing.assert_close(network(network.encode(x)[0]), network.reconstruct(x), rtol=1e-3, atol=1e-4)


def test_a_mixture_draws_each_part_as_often_as_its_weight_says():
    network = Mixture((3,), (1, 8, 8), part={"width": 1, "blocks": 1}, parts=3).eval()
    network.logits.data = torch.tensor([0.6, 0.3, 0.1]).log()
    z = torch.randn(20_000, 3, generator=torch.Generator().manual_seed(0))
    part = network.chosen(z)
    shares = torch.bincount(part, minlength=3) / len(z)
    # Five standard errors of a share of 20 000.
    torch.testing.assert_close(shares, torch.tensor([0.6, 0.3, 0.1]), rtol=0, atol=5 * (0.25 / 20_000) ** 0.5)
    few = z[:40]
    for k in range(3):
        torch.testing.assert_close(network(few)[part[:40] == k], network.generators[k](few[:, :-1])[part[:40] == k])


def test_a_stacked_generator_shows_its_class_through_its_features_alone():
    network = Stacked((6,), (1, 8, 8), 2, upper_noise=4, features=5, lower={"width": 1, "blocks": 1}).eval()
    z, labels = torch.randn(4, 6), torch.tensor([0, 1, 0, 1])
    torch.testing.assert_close(network(z, labels), network.render(network.features(z, labels), z))
    assert not torch.equal(network.features(z, labels), network.features(z, 1 - labels))
