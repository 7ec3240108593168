"""The concentration check on generators whose constant is known."""

import numpy as np
import pytest
import torch
from torch import nn

from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.concentration.check import Concentration
from didlearn.images import open_images
from didlearn.models import open_model
from tests.checks.features import subject_of

CHECK = Concentration(samples=400, tested=100, draws=16, starts=2, steps=4)


class Linear(nn.Module):
    """Images around one half, (n, 1, 4, 4), whose steepest direction has slope 0.1."""

    latent_shape, value_range = (6,), (0, 1)

    def __init__(self):
        super().__init__()
        basis = torch.linalg.qr(torch.randn(16, 6, generator=torch.Generator().manual_seed(0)))[0]
        self.map = nn.Linear(6, 16)
        self.map.weight.data = basis * torch.linspace(0.1, 0.02, 6)
        self.map.bias.data.fill_(0.5)

    def forward(self, z):
        return self.map(z).view(-1, 1, 4, 4)


def test_a_linear_generator_has_the_norm_of_its_matrix():
    heldout = open_images(np.random.default_rng(0).integers(0, 256, (200, 1, 4, 4)).astype(np.uint8))
    found = run_check(CHECK, Subject(open_model(Linear()), heldout=heldout))
    assert found.verdict == "measured"
    constant = found.estimates["lipschitz"]
    assert constant.low == pytest.approx(0.1, rel=1e-2)
    assert constant.high == pytest.approx(0.1, rel=1e-3)
    assert found.estimates["spread"].value == pytest.approx(0.1, rel=0.1)
    assert "between 0." in found.answer
    assert "they concentrate" in found.answer
    for name in ("norm", "distance", "greatest", "absolute"):
        estimate = found.estimates[f"fluctuation_{name}"]
        assert estimate.low * 0.8 < 1 < estimate.high * 1.25, name
    assert {"fluctuation_norm_heldout", "quadratic_slope_heldout"} <= set(found.estimates)
    assert [figure.name for figure in found.figures] == ["lipschitz", "concentration"]


def test_an_unknown_layer_leaves_the_bound_open():
    class Odd(Linear):
        def forward(self, z):
            return super().forward(z).cumsum(2).clamp(0, 1)

    found = run_check(CHECK, Subject(open_model(Odd())))
    assert found.estimates["lipschitz"].high is None
    assert any("no bound is known for cumsum" in note for note in found.notes)
    assert "at least" in found.answer


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_torchscript_archive_has_a_lower_bound_only():
    script = torch.jit.trace(Linear(), torch.zeros(2, 6))
    found = run_check(CHECK, Subject(open_model(script, latent_shape=(6,), value_range=(0, 1))))
    assert found.estimates["lipschitz"].value == pytest.approx(0.1, rel=1e-2)
    assert found.estimates["lipschitz"].high is None
    assert "no upper bound" in found.notes[0]


def test_features_whose_norm_varies_with_the_dimension_do_not_concentrate():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 64)) / np.sqrt(rng.chisquare(4, size=(2000, 1)))
    found = run_check(Concentration(tested=200), subject_of(x))
    assert "lipschitz" not in found.estimates
    assert "not known" in found.answer
    assert "do not concentrate" in found.answer
    assert found.estimates["quadratic_slope"].value > 0.5
    assert found.estimates["fluctuation_norm"].low > 3


def test_a_constant_generator_is_no_crash():
    class Constant(nn.Module):
        latent_shape, value_range = (3,), (0, 1)

        def forward(self, z):
            return torch.full((len(z), 1, 4, 4), 0.5) + 0 * z.sum()

    found = run_check(CHECK, Subject(open_model(Constant())))
    assert found.verdict == "measured"
    assert found.estimates["lipschitz"].value == 0
    assert any("left out" in note for note in found.notes)
    alike = run_check(CHECK, subject_of(np.ones((50, 4))))
    assert alike.verdict == "inconclusive"


def test_without_a_generator_it_is_not_run():
    assert run_check(CHECK, Subject(None)).verdict == "not_run"
