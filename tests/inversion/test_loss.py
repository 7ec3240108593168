"""A network's features as the loss: the search goes down their gradients, and at least as far as plain Adam."""

import numpy as np
import pytest
import torch
from torch import nn

from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.inversion.check import InversionCheck
from didlearn.embeddings.module import ModuleEmbedding
from didlearn.errors import ModelError
from didlearn.images import open_images
from didlearn.inversion.invert import invert
from didlearn.rng import Stream
from tests.checks.inversion.test_check import model_of, own_images
from tests.inversion.decoders import decoder


class Features(nn.Module):
    """Two convolutions, normalised and flattened: an LPIPS in small."""

    def __init__(self):
        super().__init__()
        g = torch.Generator().manual_seed(0)
        self.first, self.second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, stride=2, padding=1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=g) * 0.4)

    def forward(self, x):
        h = torch.relu(self.first(x))
        deep = torch.relu(self.second(h))
        return torch.cat([(h / (1 + h.norm(dim=1, keepdim=True))).flatten(1), deep.flatten(1)], dim=1)


def curved(d=6):
    g = torch.Generator().manual_seed(1)
    first, last = torch.randn(30, d, generator=g) / d**0.5, torch.randn(64, 30, generator=g) / 30**0.5
    return decoder(lambda z: torch.sigmoid(torch.tanh(2 * z @ first.T) @ last.T).view(-1, 1, 8, 8), d)


def by_adam(model, network, x, seed=0, draws=200, steps=300):
    """Plain Adam on the mean squared difference of features, from the nearest of many draws."""
    with torch.no_grad():
        target = network(x)
        z = model.sample_prior(draws, Stream(seed, ("invert", "draws")))
        z = z[torch.cdist(target, network(model.decode(z))).argmin(dim=1)].clone()
    z.requires_grad_()
    optimiser = torch.optim.Adam([z], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        loss = (network(model.decode(z)) - target).square().mean(dim=1)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return (network(model.decode(z)) - target).square().mean(dim=1).numpy()


@pytest.mark.parametrize("effort", [{"starts": 8, "rounds": 1}, pytest.param({}, marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("planted", [True, False])
def test_it_reaches_at_most_what_plain_adam_reaches(planted, effort):
    model, network = curved(), Features()
    if planted:
        x = model.decode(model.sample_prior(4, Stream(4))).numpy()
    else:
        x = np.random.default_rng(0).random((4, 1, 8, 8)).astype(np.float32)
    theirs = by_adam(model, network, torch.from_numpy(x))
    found = invert(model, x, loss=ModuleEmbedding(network, "features"), draws=200, **effort)
    assert (found.objective <= theirs * 1.001 + 1e-9).all()
    with torch.no_grad():
        features = network(torch.from_numpy(found.image)) - network(torch.from_numpy(x))
    assert found.objective == pytest.approx(features.square().mean(dim=1).numpy(), rel=1e-3, abs=1e-9)
    assert (found.trace_objective[:, 0] > found.trace_objective[:, -1]).all()


def test_features_without_gradients_are_refused_by_name():
    class Blocked(Features):
        def forward(self, x):
            with torch.no_grad():
                return super().forward(x)

    with pytest.raises(ModelError, match="blocked gives features without gradients"):
        invert(curved(), np.full((1, 1, 8, 8), 0.5, np.float32), loss=ModuleEmbedding(Blocked(), "blocked"), draws=9)


@pytest.mark.usefixtures("short_race")
def test_the_check_compares_features_beside_pixels():
    model = model_of()
    images = open_images(np.clip(own_images(model, 60, 1), 0, 1).astype(np.float32))
    check = InversionCheck(images=8, draws=40, starts=2, rounds=0, published=False, loss="embedding")
    subject = Subject(model, images, images, embedding=ModuleEmbedding(Features(), "features"))
    found = run_check(check, subject)
    assert found.estimates["feature_error_train"].value < 1e-6
    assert {"feature_error_heldout", "feature_error_generated", "feature_ratio_generated"} <= set(found.estimates)
    assert "give a network with embedding=..." in run_check(check, Subject(model, images, images)).reason
