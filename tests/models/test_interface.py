import pytest
import torch
from torch import nn

from didlearn.errors import ModelError, UsageError
from didlearn.models.interface import declare


def read(module, **said):
    given = {"latent_shape": None, "value_range": "infer", "prior": None, "classes": None} | said
    return declare(module, name="m", **given)


def test_attributes_are_read(conv_net, conditional):
    found = read(conv_net)
    assert (found.latent_shape, found.value_range, found.prior, found.classes) == ((6,), (-1, 1), "normal", None)
    assert found.notes == ()
    assert read(conditional).classes == 4


def test_arguments_go_first(conv_net):
    found = read(conv_net, latent_shape=12, value_range=(0, 1), prior="uniform", classes=["a", "b"])
    assert (found.latent_shape, found.value_range, found.prior) == ((12,), (0, 1), "uniform")
    assert (found.classes, found.class_names) == (2, ("a", "b"))


def test_a_declared_none_is_not_inferred(function):
    assert read(function(None, value_range=None)).value_range is None
    assert read(function(None), value_range=None).value_range is None
    assert read(function(None)).value_range == "infer"


def test_what_is_assumed_is_noted(function):
    assert "standard normal" in read(function(None)).notes[0]


def test_a_layer_of_the_same_name_says_nothing(function):
    module = function(None, prior=nn.Linear(2, 2), classes=torch.zeros(3))
    found = read(module)
    assert (found.prior, found.classes) == ("normal", None)


def test_a_distribution_gives_the_latent_shape():
    prior = torch.distributions.MultivariateNormal(torch.zeros(5), torch.eye(5))
    assert read(nn.Identity(), prior=prior).latent_shape == (5,)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"latent_shape": (0,)}, "positive whole numbers"),
        ({"latent_shape": "100"}, "positive whole numbers"),
        ({"latent_shape": True}, "positive whole numbers"),
        ({"value_range": (1, -1)}, r"\(low, high\)"),
        ({"value_range": (0, float("inf"))}, r"\(low, high\)"),
        ({"value_range": "tanh"}, r"\(low, high\)"),
        ({"prior": "gauss"}, '"normal", "uniform"'),
        ({"classes": 0}, "how many there are"),
        ({"classes": ["a", 3]}, "how many there are"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(conv_net, said, match):
    with pytest.raises(UsageError, match=match):
        read(conv_net, **said)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("latent_shape", "a lot"), ("value_range", 3), ("prior", 1.5), ("classes", -2), ("image_shape", (2, 8, 8))],
)
def test_attributes_that_cannot_be_used_are_named(function, attribute, value):
    with pytest.raises(ModelError, match=f"m: its attribute {attribute} cannot be used"):
        read(function(None, **{attribute: value}))
