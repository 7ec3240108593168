import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.embeddings import Embedding, embed, open_embedding
from didlearn.embeddings.module import ModuleEmbedding
from didlearn.embeddings.probe import probe_embedding, probe_on
from didlearn.errors import ModelError
from tests.embeddings.functions import Apply, fixed

pytestmark = pytest.mark.filterwarnings("ignore")
SHAPES = [(1, 8, 8), (3, 32, 32), (1, 1, 1)]


def pixels(shape, count=40):
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def linear(shape, *layers):
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 32), *layers)


def convolutional(shape):
    layers: list[nn.Module] = [nn.Conv2d(shape[0], 32, 3, padding=1)]
    for _ in range(6):
        layers += [nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))


class Transformer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.side = int(np.prod(shape))
        self.first = nn.Linear(1, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x):
        return self.layer(self.first(x.flatten(1)[:, :50, None])).mean(1)


def traced(network, path, shape=(1, 8, 8)):
    torch.jit.trace(network, torch.rand(6, *shape), check_trace=False).save(path / "net.pt")
    return str(path / "net.pt")


HONEST = {
    "linear": linear,
    "batch norm and dropout, switched off": lambda s: linear(s, nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout()),
    "convolutions": convolutional,
    "attention": Transformer,
    "layer norm": lambda s: linear(s, nn.LayerNorm(32), nn.GELU()),
    "coarse arithmetic": lambda s: Apply(lambda x: x.flatten(1).bfloat16().sin().cumsum(1)),
    "a class": lambda s: Apply(lambda x: nn.functional.one_hot((x.mean((1, 2, 3)) * 50).long() % 7, 7).float()),
    "great": lambda s: Apply(lambda x: 1e20 * x.flatten(1)),
    "small": lambda s: Apply(lambda x: 1e-20 * x.flatten(1)),
    "far from 0": lambda s: Apply(lambda x: 1000 + x.flatten(1)),
    "of length 1": lambda s: Apply(
        lambda x: nn.functional.normalize(nn.functional.pad(x.flatten(1), (1, 0), value=1.0), dim=1)
    ),
    "one number": lambda s: Apply(lambda x: x.flatten(1).mean(1, keepdim=True)),
    "in place": lambda s: Apply(lambda x: x.mul_(2).flatten(1)),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("make", HONEST.values(), ids=HONEST)
def test_honest_networks_pass(make, shape, images_of):
    torch.manual_seed(0)
    embedding = ModuleEmbedding(make(shape), "honest")
    for count in (1, 2, 40):
        embedding.probed = False
        probe_on(embedding, images_of(pixels(shape, count)))
    assert embedding.probed


@pytest.mark.parametrize("make", HONEST.values(), ids=HONEST)
def test_honest_networks_pass_on_blank_images(make, images_of):
    for level in (0, 255):
        probe_on(ModuleEmbedding(make((1, 8, 8)), "honest"), images_of(np.full((5, 1, 8, 8), level, np.uint8)))


BY_CHANCE = {
    "dropout": lambda: linear((1, 8, 8), nn.Dropout(0.5)),
    "a little dropout": lambda: linear((1, 8, 8), nn.Dropout(0.1)),
    "noise": lambda: Apply(lambda x: x.flatten(1) + 0.01 * torch.randn(64)),
}
COUPLED = {
    "batch norm": lambda: linear((1, 8, 8), nn.BatchNorm1d(32), nn.ReLU()),
    "batch norm of maps": lambda: convolutional((1, 8, 8)),
    "no running statistics": lambda: linear((1, 8, 8), nn.BatchNorm1d(32, track_running_stats=False)),
    "a little of the mean": lambda: Apply(lambda x: x.flatten(1) + 0.01 * x.flatten(1).mean(0)),
    "batch size": lambda: Apply(lambda x: x.flatten(1) * len(x)),
    "place": lambda: Apply(lambda x: x.flatten(1) + torch.arange(len(x))[:, None]),
}


@pytest.mark.parametrize("make", BY_CHANCE.values(), ids=BY_CHANCE)
def test_chance_is_refused(make, tmp_path, images_of):
    source = traced(make().train(), tmp_path)
    with pytest.raises(
        ModelError, match=r"embedding net\.pt .*other features each time.*hide exact copies.*\.eval\(\)"
    ):
        open_embedding(source, trust_code=True, train=images_of(pixels((1, 8, 8))))
    with pytest.raises(ModelError, match="each time"):
        embed(open_embedding(source, trust_code=True), pixels((1, 8, 8)))


@pytest.mark.parametrize("make", COUPLED.values(), ids=COUPLED)
def test_company_is_refused(make, images_of):
    network = make().train()
    network.eval = lambda: network
    embedding = ModuleEmbedding(network, "net")
    with pytest.raises(ModelError, match=r"embedding net .*beside other images.*hide exact copies"):
        probe_on(embedding, images_of(pixels((1, 8, 8))))
    with pytest.raises(ModelError, match="beside other images"):
        embed(embedding, pixels((1, 8, 8)))


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("blank", [False, True])
def test_a_file_traced_in_training_mode_is_refused_whatever_the_images(count, blank, tmp_path, images_of):
    torch.manual_seed(0)
    data = images_of(np.zeros((count, 1, 8, 8), np.uint8) if blank else pixels((1, 8, 8), count))
    with pytest.raises(ModelError, match="batch norm uses statistics of the batch"):
        open_embedding(traced(convolutional((1, 8, 8)).train(), tmp_path), trust_code=True, train=data)
    open_embedding(traced(convolutional((1, 8, 8)).eval(), tmp_path), trust_code=True, train=data)


@pytest.mark.parametrize("value", [0.0, 3.5])
def test_the_same_features_for_all_images_are_the_embeddings_fault(value, images_of):
    embedding = fixed(lambda x: torch.full((len(x), 4), value))
    with pytest.raises(ModelError, match=r"embedding fixed gives the same features.*nothing of the generator"):
        probe_on(embedding, images_of(pixels((1, 8, 8))))


class Own(Embedding):
    name = "own"

    def __init__(self, function):
        self.function, self.seen = function, 0

    def __call__(self, images):
        self.seen += len(images)
        return self.function(images)


def test_features_that_are_no_numbers_are_counted(images_of):
    def broken(images):
        features = images.flatten(1)
        features[0] = torch.nan
        return features

    with pytest.raises(ModelError, match="embedding own gives NaN or infinity for 2 of 10 images"):
        probe_on(Own(broken), images_of(pixels((1, 8, 8))))


def test_an_embedding_of_the_users_is_shown_images_of_the_set_alone_and_few(images_of):
    data = pixels((1, 8, 8))
    known = {(row / np.float32(255)).tobytes() for row in data}

    def look_up(images):
        assert all(image.numpy().tobytes() in known for image in images)
        return images.flatten(1)

    embedding = Own(look_up)
    probe_on(embedding, images_of(data))
    assert 0 < embedding.seen <= 20
    probe_on(embedding, images_of(data))
    assert embedding.seen <= 20


def test_blank_images_that_look_alike_to_an_embedding_of_the_users_are_alike(images_of):
    probe_on(Own(lambda x: x.flatten(1)), images_of(np.zeros((5, 1, 8, 8), np.uint8)))


def test_shapes_are_told(images_of):
    with pytest.raises(ModelError, match=r"own returned features of shape \(10, 1, 8, 8\).*\(10, D\)"):
        probe_on(Own(lambda x: x), images_of(pixels((1, 8, 8))))


def test_an_audit_refuses_an_embedding_object_too():
    data = pixels((1, 8, 8), 120)
    for make in (Own, fixed):
        with pytest.raises(ModelError, match="beside other images"):
            dl.audit(
                generator=data[:40],
                train=data[:80],
                heldout=data[80:],
                checks=["memorization"],
                embedding=make(lambda x: x.flatten(1) - x.flatten(1).mean(0)),
                threads=1,
            )


def test_pixels_are_not_tried(images_of, monkeypatch):
    monkeypatch.setattr("didlearn.embeddings.probe.probe_embedding", lambda *_: pytest.fail("tried"))
    open_embedding("pixels", train=images_of(pixels((1, 8, 8))))
    probe_on(open_embedding("pixels"), images_of(pixels((1, 8, 8))))


def test_trying_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with pytest.raises(ModelError, match="each time"):
        probe_embedding(
            fixed(lambda x: x.flatten(1) + torch.randn(64)), torch.rand(8, 1, 8, 8, generator=torch.Generator())
        )
    assert torch.equal(torch.get_rng_state(), before)
