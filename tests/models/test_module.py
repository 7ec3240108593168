import threading

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.errors import ModelError
from didlearn.models import open_model


def test_decode_maps_the_range_and_is_differentiable(conv_net):
    model = open_model(conv_net)
    z = torch.randn(3, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    x = model.decode(z)
    torch.testing.assert_close(x, (conv_net.eval()(z) + 1) / 2)
    (gradient,) = torch.autograd.grad(x.sum(), z)
    assert gradient.abs().sum() > 0
    assert not any(p.requires_grad for p in model.module.parameters())


class Cut(nn.Module):
    """A generator cut off from its latents, but for images that are all alike if ``same``."""

    latent_shape = (2,)

    def __init__(self, cut, same=False):
        super().__init__()
        self.cut, self.same = cut, same

    def forward(self, z):
        with torch.inference_mode(self.cut == "inference"), torch.set_grad_enabled(self.cut == "detach"):
            x = (0 * z.detach() if self.same else z).sum(1).sigmoid()[:, None, None, None].expand(-1, 1, 2, 2)
            return x.detach()


@pytest.mark.parametrize("cut", ["detach", "no_grad", "inference"])
def test_a_generator_without_gradients_is_blamed_where_they_are_asked_for(cut):
    model = open_model(Cut(cut))
    z = torch.zeros(1, 2, requires_grad=True)
    with pytest.raises(ModelError, match=r"Cut makes its images without gradients .* give a module whose forward"):
        model.decode(z)
    assert model.decode(z.detach()).shape == (1, 1, 2, 2)


def test_a_generator_that_ignores_its_latents_needs_no_gradients():
    assert not open_model(Cut("detach", same=True)).decode(torch.zeros(3, 2, requires_grad=True)).requires_grad


@pytest.mark.parametrize("check", ["inversion", "likelihood", "typicality", "manifold_classifier"])
def test_a_check_that_needs_gradients_says_what_would_do(check):
    pictures = np.random.default_rng(0).integers(0, 256, (24, 2, 2), dtype=np.uint8)
    result = dl.audit(train=pictures, heldout=pictures[:20] // 2, outside={"o": pictures // 3}, generator=Cut("detach"),
                      checks=[check], threads=1)[check]  # fmt: skip
    assert result.verdict == "error"
    assert result.reason.startswith("Cut makes its images without gradients of its latents")


def test_the_owners_module_is_left_alone(conv_net):
    conv_net.train()
    model = open_model(conv_net)
    assert conv_net.training
    assert all(p.requires_grad for p in conv_net.parameters())
    before = model.fingerprint
    with torch.no_grad():
        conv_net.first.weight.add_(1)
    assert open_model(conv_net).fingerprint != before
    assert not torch.equal(model.module.first.weight, conv_net.first.weight)


def test_dropout_and_batch_norm_are_in_evaluation_mode(rng):
    net = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(), nn.Unflatten(1, (1, 4, 4)))
    model = open_model(net.train(), value_range=None)
    assert not model.stochastic
    np.testing.assert_array_equal(model.draw(10, rng).images, model.draw(50, rng).images[:10])


def test_a_module_that_cannot_be_copied_is_used_and_noted(rng):
    class Stubborn(nn.Module):
        latent_shape = (2,)

        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

        def forward(self, z):
            return z.sum(1).sigmoid()[:, None, None, None].expand(-1, 1, 2, 2)

    model = open_model(Stubborn())
    assert any("cannot be copied" in note for note in model.notes)
    np.testing.assert_array_equal(model.draw(100, rng, threads=4).images, model.draw(100, rng, threads=1).images)


def test_a_label_is_needed_by_a_conditional_model(conditional):
    model = open_model(conditional)
    with pytest.raises(ModelError, match="needs a label for each latent"):
        model.decode(torch.zeros(2, 3))
    assert model.decode(torch.zeros(2, 3), torch.tensor([0, 3])).shape == (2, 1, 4, 4)


def test_forgotten_classes_are_hinted_at(conditional):
    conditional.classes = None
    with pytest.raises(ModelError, match="say how many classes it has"):
        open_model(conditional)


def test_latents_of_another_shape_are_refused(conv_net):
    with pytest.raises(ModelError, match=r"takes latents \(n, \*\(6,\)\); got the shape \(2, 5\)"):
        open_model(conv_net).decode(torch.zeros(2, 5))


def test_half_precision_weights_take_float_latents(rng):
    net = nn.Sequential(nn.Linear(4, 16), nn.Sigmoid(), nn.Unflatten(1, (1, 4, 4))).to(torch.bfloat16)
    model = open_model(net)
    assert model.decode(torch.zeros(2, 4)).dtype == torch.float32
    assert model.draw(5, rng).images.dtype == np.uint8


def test_double_latents_give_double_images(conv_net):
    assert open_model(conv_net).decode(torch.zeros(2, 6, dtype=torch.float64)).dtype == torch.float64


def test_the_fingerprint_is_that_of_the_weights(conv_net):
    first, second = open_model(conv_net, name="a"), open_model(conv_net, name="b")
    assert first.fingerprint == second.fingerprint
    with torch.no_grad():
        conv_net.norm.running_mean[0] += 1e-6
    assert open_model(conv_net).fingerprint != first.fingerprint


def test_replicas_share_the_weights(conv_net):
    model = open_model(conv_net)
    twin = model.replicas(2)[1]
    assert twin.module is not model.module
    assert twin.module.first.weight is model.module.first.weight
    assert twin.module.norm.running_mean is model.module.norm.running_mean
