import pytest
import torch
from torch import nn

from didlearn.errors import ModelError
from didlearn.models import open_model
from didlearn.models.interface import LabelsError


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda z: [z], r"returned a list \(in it: .*\), not a tensor of images"),
        (lambda z: (z, z), "returned a tuple"),
        (lambda z: torch.zeros(1, 1, 4, 4), r"shape \(1, 1, 4, 4\) for 4 latents"),
        (lambda z: torch.zeros(()), r"shape \(\) for 4 latents"),
        (lambda z: torch.zeros(len(z), 2, 4, 4), "2 channels; images"),
        (lambda z: torch.zeros(len(z), 4, 4, 3), "channels seem to come last"),
        (lambda z: torch.zeros(len(z), 4, 4), "3 axes"),
        (lambda z: torch.zeros(len(z), 1, 3, 4, 4), "5 axes"),
        (lambda z: torch.zeros(len(z), 300), "300 numbers per image, which is no square"),
        (lambda z: torch.zeros(len(z), 1, 4, 4, dtype=torch.complex64), "complex"),
        (lambda z: z @ torch.zeros(3, 3), "failed on latents of shape .* RuntimeError: mat1 and mat2"),
        (lambda z: dict[str, torch.Tensor]()["missing"], "failed on latents .* KeyError"),
    ],
)
def test_what_is_not_images_ends_in_a_sentence(function, make, match):
    with pytest.raises(ModelError, match=match):
        open_model(function(make))


def test_flat_square_output_is_read_as_gray(function, rng):
    model = open_model(function(lambda z: torch.arange(16.0).expand(len(z), 16) / 16))
    assert model.image_shape == (1, 4, 4)
    assert any("4×4 grayscale" in note for note in model.notes)
    assert model.draw(2, rng).images[0, 0, 1, 0] == round(4 / 16 * 255)


def test_a_declared_image_shape_unflattens(function, rng):
    model = open_model(function(lambda z: torch.arange(48.0).expand(len(z), 48) / 48, image_shape=(3, 2, 8)))
    assert model.image_shape == (3, 2, 8)
    assert model.draw(1, rng).images[0, 1, 0, 0] == round(16 / 48 * 255)


def test_a_declared_image_shape_is_held_to(function):
    with pytest.raises(ModelError, match=r"\(1, 4, 4\), but its image_shape says \(1, 8, 8\)"):
        open_model(function(lambda z: torch.zeros(len(z), 1, 4, 4), image_shape=(1, 8, 8)))
    with pytest.raises(ModelError, match=r"16 numbers per image, but its image_shape says \(1, 8, 8\)"):
        open_model(function(lambda z: torch.zeros(len(z), 16), image_shape=(1, 8, 8)))


class Wide(nn.Module):
    """Its latent shape is looked for, so what it returns is seen first while looking."""

    def __init__(self, function):
        super().__init__()
        self.layer, self.function = nn.Linear(5, 48), function

    def forward(self, z):
        return self.function(self.layer(z).view(-1, 3, 4, 4))


@pytest.mark.parametrize(
    ("function", "inside"),
    [
        (lambda x: (x, None), r"tuple \(in it: \(2, 3, 4, 4\), NoneType"),
        (lambda x: {"images": x}, r"dict \(in it: 'images': \(2, 3, 4, 4\)"),
        (lambda x: [x[..., ::2, ::2], x], r"list \(in it: \(2, 3, 2, 2\), \(2, 3, 4, 4\)"),
    ],
)
def test_what_stands_in_a_container_is_said_also_where_the_latent_shape_is_looked_for(function, inside):
    with pytest.raises(ModelError, match=rf"Wide returned a {inside}.*returns the images alone"):
        open_model(Wide(function))


class OneHot(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(9, 16)

    def forward(self, z, c):
        return torch.tanh(self.layer(torch.cat([z, c], 1))).view(-1, 1, 4, 4)


def test_labels_that_are_missing_or_wanted_one_hot_are_said():
    with pytest.raises(LabelsError, match="how many classes it has: classes=10"):
        open_model(OneHot())
    for given in (5, None):
        with pytest.raises(ModelError, match=r"takes one-hot labels \(n, 4\).*one_hot\(labels, 4\)\.float\(\)"):
            open_model(OneHot(), classes=4, latent_shape=given)


@pytest.mark.filterwarnings("ignore")
def test_torchscript_failures_are_told_by_their_cause(tmp_path):
    net = nn.Sequential(nn.ConvTranspose2d(6, 1, 4), nn.Tanh())
    torch.jit.trace(net, torch.randn(2, 6, 1, 1)).save(tmp_path / "g.pt")
    with pytest.raises(ModelError, match=r"RuntimeError: Expected .*input.*\[4, 6\]") as caught:
        open_model(tmp_path / "g.pt", latent_shape=6, trust_code=True)
    assert "TorchScript interpreter" not in str(caught.value)
