import random

import numpy as np
import pytest
import torch
from torch import nn

from didlearn.errors import ModelError
from didlearn.models import open_model
from didlearn.models.inputs import require_decoder
from didlearn.models.module import ModuleModel


class Dcgan(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.ConvTranspose2d(20, 8, 4), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1))

    def forward(self, z):
        return self.layers(z).sigmoid()


class Labelled(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.embedding = nn.Embedding(5, width)
        self.layer = nn.Linear(7 + width, 16)

    def forward(self, z, labels):
        return self.layer(torch.cat([z, self.embedding(labels)], 1)).view(-1, 1, 4, 4)


class OneHot(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(7 + 5, 16)

    def forward(self, z, labels):
        return self.layer(torch.cat([z, nn.functional.one_hot(labels, 5)], 1)).view(-1, 1, 4, 4)


class Vae(nn.Module):
    """The encoder's weights come first."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(64, 20), nn.Linear(10, 64)

    def forward(self, z):
        return self.decoder(z).view(-1, 1, 8, 8)


@pytest.mark.parametrize(
    ("module", "classes", "shape"),
    [
        (nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 16)), None, (9,)),
        (Dcgan(), None, (20, 1, 1)),
        (Labelled(3), 5, (7,)),
        (OneHot(), 5, (7,)),
        (Vae(), None, (10,)),
    ],
)
def test_the_latent_shape_is_found_by_trying(module, classes, shape):
    model = open_model(module, classes=classes)
    assert model.latent_shape == shape
    assert any(f"latent shape {shape} was found from the weights" in note for note in model.notes)


def test_a_latent_shape_that_cannot_be_found_is_asked_for():
    class Opaque(nn.Module):
        def forward(self, z):
            return z.view(-1, 1, 7, 7)

    with pytest.raises(ModelError, match="latent_shape="):
        open_model(Opaque())


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda z: z[:, :1].sigmoid(), (0, 1)),
        (lambda z: z[:, :1].sigmoid() * 1.0005, (0, 1)),
        (lambda z: z[:, :1].tanh(), (-1, 1)),
        (lambda z: z[:, :1] * 5, None),
        (lambda z: z[:, :1].sigmoid() * 1.2, None),
        (lambda z: (z[:, :1].sigmoid() * 255).to(torch.uint8), (0, 255)),
        (lambda z: z[:, :1] * torch.nan, (0, 1)),
    ],
)
def test_the_value_range_is_inferred(function, make, expected):
    model = open_model(function(lambda z: make(z)[:, :, None, None].expand(-1, 1, 2, 2)))
    assert model.value_range == expected
    assert any("256 decoded latents" in note for note in model.notes)


def test_eight_bit_output_is_drawn_as_it_is(function, rng):
    model = open_model(function(lambda z: torch.full((len(z), 1, 2, 2), 77, dtype=torch.uint8)))
    assert (model.draw(3, rng).images == 77).all()


def test_noise_that_torch_does_not_seed_is_said(function):
    model = open_model(function(lambda z: torch.full((len(z), 1, 2, 2), random.random())))
    assert any("no torch seed governs" in note for note in model.notes)
    assert not model.coupled


def test_a_quiet_network_is_not_called_noisy(conv_net):
    assert not open_model(conv_net).stochastic


def dcgan(channels=1, norm=nn.BatchNorm2d):
    layers = [nn.ConvTranspose2d(8, 16, 4), norm(16), nn.ReLU(), nn.ConvTranspose2d(16, channels, 4, 2, 1), nn.Tanh()]
    return nn.Sequential(nn.Unflatten(1, (8, 1, 1)), *layers)


def trained(net):
    """Let running statistics become what training makes of them."""
    with torch.no_grad():
        for step in range(20):
            net(torch.randn(32, 8, generator=torch.Generator().manual_seed(step)))
    return net


class Shifted(nn.Module):
    """Takes the batch's mean out: the plainest way to look at one's neighbours."""

    latent_shape, value_range = (8,), (-1, 1)

    def __init__(self, strength=1.0):
        super().__init__()
        self.layer, self.strength = nn.Linear(8, 16), strength

    def forward(self, z):
        h = self.layer(z)
        return (h - self.strength * h.mean(0)).tanh().view(-1, 1, 4, 4)


class Jittered(Shifted):
    def forward(self, z):
        return super().forward(z) * torch.rand(len(z), 1, 1, 1)


class Counted(nn.Module):
    """Brighter the fewer there are."""

    latent_shape, value_range = (8,), (0, 1)

    def forward(self, z):
        return (z.sum(1).sigmoid() / len(z)).view(-1, 1, 1, 1)


def saved(net, way, path):
    """Save in the mode the network is in, and return the file."""
    example = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    if way == "torchscript":
        torch.jit.trace(net, example, check_trace=False).save(path / "g.pt")
        return str(path / "g.pt")
    batch = ({0: torch.export.Dim("batch", min=1, max=4096)},)
    torch.export.save(torch.export.export(net, (example,), dynamic_shapes=batch), path / "g.pt2")
    return str(path / "g.pt2")


def neighbourly(model):
    return [note for note in model.notes if "depends on the latents decoded beside it" in note]


COUPLED = {
    "no running statistics": lambda: dcgan(norm=lambda n: nn.BatchNorm2d(n, track_running_stats=False)),
    "batch mean": Shifted,
    "a little of the batch mean": lambda: Shifted(0.03),
    "batch size": Counted,
    "noise besides": Jittered,
}


@pytest.mark.parametrize("make", COUPLED.values(), ids=COUPLED)
def test_a_generator_that_looks_at_its_batch_is_noted_and_draws_alike_in_any_batch_size(make, rng):
    torch.manual_seed(0)
    model = open_model(make(), latent_shape=8, value_range=(-1, 1))
    assert model.coupled
    assert "evaluation mode" in neighbourly(model)[0]
    expected = model.draw(100, rng).images
    for batch_size in (1, 8, 40):
        np.testing.assert_array_equal(model.draw(100, rng, batch_size=batch_size).images, expected)
    np.testing.assert_array_equal(model.draw(33, rng, batch_size=8).images, expected[:33])
    assert neighbourly(model.draw(3, rng))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", ["torchscript", "export"])
def test_a_file_saved_in_training_mode_is_noted_and_one_in_evaluation_mode_is_not(way, tmp_path, rng):
    torch.manual_seed(0)
    net = trained(dcgan())
    quiet = open_model(saved(net.eval(), way, tmp_path), latent_shape=8, value_range=(-1, 1), trust_code=True)
    assert isinstance(quiet, ModuleModel)
    assert not quiet.coupled
    assert not neighbourly(quiet)
    source = saved(net.train(), way, tmp_path)
    loud = open_model(source, latent_shape=8, value_range=(-1, 1), trust_code=True)
    assert neighbourly(loud)
    np.testing.assert_array_equal(loud.draw(64, rng, batch_size=8).images, loud.draw(64, rng, threads=2).images)


@pytest.mark.filterwarnings("ignore")
def test_the_weights_of_a_network_that_goes_on_learning_are_those_it_was_opened_with(tmp_path, rng):
    torch.manual_seed(0)
    source = saved(dcgan().train(), "torchscript", tmp_path)
    model, later = (open_model(source, latent_shape=8, value_range=(-1, 1), trust_code=True) for _ in range(2))
    model.draw(64, rng)
    assert model.fingerprint == later.fingerprint


def test_checks_of_single_latents_refuse_a_generator_that_looks_at_its_batch():
    model = open_model(Shifted())
    with pytest.raises(ModelError, match=r"decodes a latent to other images beside other latents.*evaluation mode"):
        require_decoder(model)


def test_statistics_that_were_never_updated_are_noted():
    torch.manual_seed(0)
    net = trained(dcgan())
    averaged = dcgan()
    for mine, theirs in zip(averaged.parameters(), net.parameters(), strict=True):
        mine.data.copy_(theirs.data)  # the parameters, not the buffers
    assert any("never updated" in note and "EMA" in note for note in open_model(averaged, latent_shape=8).notes)
    assert not any("never updated" in note for note in open_model(net, latent_shape=8).notes)
    net[2].num_batches_tracked.zero_()  # converted from a file without the count: the statistics are what matters
    assert not any("never updated" in note for note in open_model(net, latent_shape=8).notes)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", ["torchscript", "export"])
def test_statistics_that_were_never_updated_are_noted_of_files_too(way, tmp_path):
    for net, expected in ((dcgan(), True), (trained(dcgan()), False)):
        model = open_model(saved(net.eval(), way, tmp_path), latent_shape=8, trust_code=True)
        assert any("never updated" in note for note in model.notes) == expected


class Modulated(nn.Module):
    """Conditional, with attention, pixel norm, up-sampling and a fixed noise map."""

    latent_shape, value_range, classes = (8,), (0, 1), 3

    def __init__(self):
        super().__init__()
        self.classes_in, self.attention = nn.Embedding(3, 8), nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm, self.last = nn.GroupNorm(2, 4), nn.Conv2d(4, 3, 3, padding=1)
        self.register_buffer("noise", torch.randn(1, 4, 4, 4))

    def forward(self, z, labels):
        z = z + self.classes_in(labels)
        z = z / z.square().mean(1, keepdim=True).add(1e-8).sqrt()
        tokens = z.view(-1, 2, 4)
        h = self.attention(tokens, tokens, tokens)[0].reshape(-1, 8)[:, :4, None, None] + self.noise
        return self.last(nn.functional.interpolate(self.norm(h), scale_factor=2, mode="bilinear")).sigmoid()


class Quantized(nn.Module):
    """Looks up the nearest code: a rounding can change a whole picture."""

    latent_shape, value_range = (8,), (0, 1)

    def __init__(self):
        super().__init__()
        self.codes, self.pictures = nn.Parameter(torch.randn(50, 8)), nn.Parameter(torch.rand(50, 16))

    def forward(self, z):
        return self.pictures[torch.cdist(z, self.codes).argmin(1)].view(-1, 1, 4, 4)


class Waves(nn.Module):
    """Sines of sines: it makes much of a rounding."""

    latent_shape, value_range = (8,), (-1, 1)

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in ((8, 64), (64, 64), (64, 64), (64, 16)))

    def forward(self, z):
        for layer in self.layers:
            z = (10 * layer(z)).sin()
        return z.view(-1, 1, 4, 4)


class Coarse(nn.Module):
    """Stands for arithmetic of 8 bits, whose sums round otherwise in a batch of another size."""

    latent_shape, value_range = (8,), (-1, 1)

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 16)

    def forward(self, z):
        return (self.layer(z).tanh() * (1 + 2**-7 * (len(z) % 4 > 0))).view(-1, 1, 4, 4)


def deep(width=16):
    layers = [nn.Unflatten(1, (8, 1, 1)), nn.ConvTranspose2d(8, width, 4)]
    for _ in range(4):
        layers += [nn.InstanceNorm2d(width), nn.ReLU(), nn.ConvTranspose2d(width, width, 4, 2, 1)]
    return nn.Sequential(*layers, nn.Conv2d(width, 3, 3, padding=1), nn.Tanh())


HONEST = {
    "dcgan": lambda: trained(dcgan(3)),
    "deep, 64 pixels wide": deep,
    "one number": lambda: nn.Sequential(nn.Linear(1, 4), nn.Tanh()),
    "one pixel": lambda: nn.Sequential(nn.Linear(8, 1), nn.Sigmoid(), nn.Unflatten(1, (1, 1, 1))),
    "conditional": Modulated,
    "codes": Quantized,
    "waves": Waves,
    "coarse": Coarse,
    "dropout": lambda: nn.Sequential(nn.Linear(8, 16), nn.Dropout(), nn.Tanh()),
    "half": lambda: nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 16), nn.Tanh()).to(torch.bfloat16),
    "double": lambda: nn.Sequential(nn.Linear(8, 16), nn.Tanh()).double(),
    "great and small": lambda: nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 16)),
    "all one picture": lambda: nn.Sequential(nn.Linear(8, 16), nn.Threshold(1e9, 0.5)),
    "all black": lambda: nn.Sequential(nn.Linear(8, 16), nn.Threshold(1e9, 0.0)),
}


WIDE = pytest.param(lambda: deep(64), id="deep, and 64 channels", marks=pytest.mark.slow)  # sums of more numbers


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [*(pytest.param(make, id=name) for name, make in HONEST.items()), WIDE])
def test_honest_networks_are_not_called_neighbourly(make, seed):
    torch.manual_seed(seed)
    for value_range in ((-1, 1), "infer", None):
        model = open_model(make(), value_range=value_range)
        assert not model.coupled
        assert not neighbourly(model)
        assert not any("never updated" in note for note in model.notes)


def test_probing_leaves_the_global_generators_alone(noisy):
    for module in (noisy, Shifted(), Jittered()):
        kept = torch.get_rng_state()
        open_model(module)
        assert torch.equal(torch.get_rng_state(), kept)


def test_noise_is_the_same_in_any_batch_size(noisy, rng):
    model = open_model(noisy)
    assert not model.coupled
    np.testing.assert_array_equal(model.draw(70, rng, batch_size=8).images, model.draw(70, rng).images)
