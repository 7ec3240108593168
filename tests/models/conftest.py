"""Small networks to open, and a pickle that tells when it was run."""

import pickle
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from didlearn.rng import Stream


class ConvNet(nn.Module):
    """Latent 6, images 1×8×8 in [-1, 1]: every kind of layer whose bits depend on batch and threads."""

    latent_shape, value_range, prior, classes = (6,), (-1, 1), "normal", None

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 64)
        self.up = nn.ConvTranspose2d(16, 8, 4, 2, 1)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.ConvTranspose2d(8, 1, 4, 2, 1)
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)

    def forward(self, z):
        h = self.first(z).relu().view(-1, 16, 2, 2)
        return self.last(self.norm(self.up(h)).relu()).tanh()


class Conditional(nn.Module):
    """Latent 3 and a label: the label's brightness, and a little of the latent."""

    latent_shape, value_range, classes = (3,), (0, 1), 4

    def forward(self, z, labels):
        level = labels.float()[:, None, None, None] / 4
        return level.expand(-1, 1, 4, 4) + z.sum(1)[:, None, None, None].sigmoid() / 100


class Forgetful(nn.Module):
    """Keeps a value on itself between two layers, as many a module does."""

    latent_shape, value_range = (2,), (-1, 1)

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 16)

    def forward(self, z):
        self.kept = self.layer(z)
        time.sleep(0.002)
        return self.kept.tanh().view(-1, 1, 4, 4)


class Noisy(nn.Module):
    """Adds noise of its own in forward."""

    latent_shape, value_range = (2,), (0, 1)

    def forward(self, z):
        return torch.rand(len(z), 1, 4, 4) + 0 * z.sum()


class Function(nn.Module):
    """Whatever ``function`` makes of the latents."""

    latent_shape = (2,)

    def __init__(self, function, **attributes):
        super().__init__()
        self.function = function
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, z):
        return self.function(z)


class Touch:
    """Unpickling this creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


@pytest.fixture
def conv_net():
    return ConvNet()


@pytest.fixture
def conditional():
    return Conditional()


@pytest.fixture
def forgetful():
    return Forgetful()


@pytest.fixture
def noisy():
    return Noisy()


@pytest.fixture
def function():
    return Function


@pytest.fixture
def rng():
    return Stream(7, ("samples",))


@pytest.fixture
def marker(tmp_path):
    """The file that the pickle of ``bomb`` creates when it is run."""
    return tmp_path / "executed"


@pytest.fixture
def bomb(marker):
    """An object whose unpickling creates ``marker``; checked here, so that its absence means something."""
    pickle.loads(pickle.dumps(Touch(marker)))
    assert marker.exists()
    marker.unlink()
    return Touch(marker)
