import sys

import numpy as np
import pytest
import torch
from torch import nn

from didlearn.embeddings import embed, open_embedding
from didlearn.embeddings.module import ModuleEmbedding, weights_digest
from didlearn.errors import ModelError, TrustError, UsageError
from tests.embeddings.functions import fixed

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (70, 3, 8, 8), dtype=np.uint8)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.drop = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(self.norm(self.conv(x))).mean(dim=(2, 3))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Small()


def test_torchscript_gives_the_networks_features_in_evaluation_mode(network, pixels, tmp_path, images_of):
    torch.jit.script(network.train()).save(tmp_path / "net.pt")
    embedding = open_embedding(str(tmp_path / "net.pt"), trust_code=True, train=images_of(pixels))
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(pixels).float() / 255).numpy()
    np.testing.assert_allclose(embed(embedding, pixels), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(
        embed(embedding, pixels, threads=1), embed(embedding, pixels, batch_size=1000, threads=2)
    )
    assert embedding.name.startswith("net.pt (file ")


def test_torchscript_is_known_by_its_content(network, tmp_path):
    torch.jit.script(network).save(tmp_path / "net.embedding")
    assert open_embedding(str(tmp_path / "net.embedding"), trust_code=True).name.startswith("net.embedding")


def test_torchscript_is_a_program_and_is_not_loaded_without_trust(network, tmp_path):
    for name in ("net.pt", "net.embedding"):
        torch.jit.script(network).save(tmp_path / name)
        with pytest.raises(TrustError, match=r"torch\.export\.save.*trust_code=True"):
            open_embedding(str(tmp_path / name))


@pytest.mark.filterwarnings("ignore")
def test_an_exported_network_gives_its_features_without_trust(network, pixels, tmp_path, images_of):
    batch = ({0: torch.export.Dim("batch", min=1, max=4096)},)
    torch.export.save(
        torch.export.export(network.eval(), (torch.zeros(2, 3, 8, 8),), dynamic_shapes=batch), tmp_path / "net.pt2"
    )
    embedding = open_embedding(str(tmp_path / "net.pt2"), train=images_of(pixels))
    np.testing.assert_array_equal(embed(embedding, pixels), embed(ModuleEmbedding(network, "here"), pixels))
    assert embedding.name.startswith("net.pt2 (file ")


def test_pickles_state_dicts_and_absent_files_are_refused(network, tmp_path):
    torch.save(network, tmp_path / "pickle.pt")
    torch.save(network.state_dict(), tmp_path / "state.pth")
    for name in ("pickle.pt", "state.pth"):
        with pytest.raises(ModelError, match=r"is no TorchScript file.*torch\.export\.save.*factory"):
            open_embedding(str(tmp_path / name))
    with pytest.raises(UsageError, match="there is no such file"):
        open_embedding(str(tmp_path / "absent.pt"))


def test_a_torn_torchscript_file_is_refused(network, tmp_path):
    import zipfile

    torch.jit.script(network).save(tmp_path / "net.pt")
    with zipfile.ZipFile(tmp_path / "net.pt") as whole, zipfile.ZipFile(tmp_path / "torn.pt", "w") as torn:
        for name in whole.namelist():
            torn.writestr(name, whole.read(name)[:10])
    with pytest.raises(ModelError, match="cannot be loaded as TorchScript"):
        open_embedding(str(tmp_path / "torn.pt"), trust_code=True)


FACTORY = """
import torch
from torch import nn
from didlearn.embeddings import Embedding

class Net(nn.Module):
    def forward(self, x):
        return x.flatten(1)

class Own(Embedding):
    name = "own"

    def __call__(self, images):
        return images.mean(dim=(2, 3))

def dictionary():
    return {}
"""


def test_a_factory_runs_only_when_trusted(tmp_path, pixels):
    path = tmp_path / "nets.py"
    path.write_text(FACTORY)
    with pytest.raises(TrustError, match="trust_code=True"):
        open_embedding(f"{path}:Net")
    embedding = open_embedding(f"{path}:Net", trust_code=True)
    assert embedding.name.startswith("nets.py:Net (weights ")
    np.testing.assert_array_equal(embed(embedding, pixels), embed(open_embedding("pixels"), pixels))
    assert open_embedding(f"{path}:Own", trust_code=True).name == "own"
    with pytest.raises(UsageError, match="makes a dict"):
        open_embedding(f"{path}:dictionary", trust_code=True)


def test_the_name_fixes_the_weights(network):
    before = weights_digest(network)
    assert before == weights_digest(network)
    with torch.no_grad():
        network.conv.bias[0] += 1e-6
    assert weights_digest(network) != before


def test_feature_maps_are_averaged_and_a_note_says_so(pixels):
    embedding = fixed(lambda x: x)
    expected = (pixels / 255).mean(axis=(2, 3))
    np.testing.assert_allclose(embed(embedding, pixels), expected, rtol=1e-5)
    assert embedding.notes == ("feature maps 3×8×8 were averaged over their height and width",)


def test_maps_of_one_pixel_need_no_note(pixels):
    embedding = fixed(lambda x: x.mean(dim=(2, 3), keepdim=True))
    assert embed(embedding, pixels).shape == (70, 3)
    assert embedding.notes == ()


def test_gray_images_are_repeated_where_the_network_wants_colour(network, pixels):
    embedding = ModuleEmbedding(network, "small")
    gray = pixels[:, :1]
    np.testing.assert_array_equal(embed(embedding, gray), embed(embedding, np.repeat(gray, 3, axis=1)))
    assert "repeated to three channels" in embedding.notes[0]


def test_gray_images_that_fail_in_colour_too_fail_as_gray(pixels):
    with pytest.raises(ModelError, match=r"fails on images of shape \(32, 1, 8, 8\)"):
        embed(fixed(lambda x: x @ torch.zeros(5, 5)), pixels[:, :1])


def test_gray_images_stay_gray_where_the_network_takes_them(pixels):
    embedding = fixed(lambda x: x.flatten(1))
    assert embed(embedding, pixels[:, :1]).shape == (70, 64)
    assert embedding.notes == ()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (x, x), "returned a tuple"),
        (lambda x: x.flatten(1)[:-1], r"returned shape \(31, 192\) for 32 images"),
        (lambda x: x.flatten(2), r"returned shape \(32, 3, 64\)"),
        (lambda x: x.flatten(1)[:, :0], r"returned shape \(32, 0\)"),
        (lambda x: x.flatten(1) * torch.nan, "NaN or infinity"),
        (lambda x: x @ torch.zeros(5, 5), r"fails on images of shape \(32, 3, 8, 8\): RuntimeError"),
    ],
)
def test_networks_that_are_no_embedding_are_refused(function, message, pixels):
    with pytest.raises(ModelError, match=message):
        embed(fixed(function), pixels)


def test_whole_and_half_numbers_become_single_precision(pixels):
    for kind in (torch.float64, torch.float16, torch.int64):
        assert embed(fixed(lambda x, kind=kind: x.flatten(1).to(kind)), pixels).dtype == np.float32


def test_a_network_that_cannot_take_the_images_fails_on_opening(network, tmp_path, images_of):
    torch.jit.script(network).save(tmp_path / "net.pt")
    with pytest.raises(ModelError, match=r"fails on images of shape \(2, 4, 8, 8\).*size=... and channels=..."):
        open_embedding(str(tmp_path / "net.pt"), trust_code=True, train=images_of(np.zeros((5, 4, 8, 8), np.uint8)))


def test_unknown_embeddings_and_stray_weights(tmp_path):
    with pytest.raises(
        UsageError, match="embedding='pixel': it names no embedding; give pixels, classifier, inception, dinov2, clip"
    ):
        open_embedding("pixel")
    with pytest.raises(
        UsageError,
        match="weights goes with inception, dinov2, clip, resnet50, vgg16, densenet201; the embedding is 'pixels'",
    ):
        open_embedding("pixels", weights=tmp_path)


@pytest.fixture
def architectures(shared):
    yield shared / "embeddings" / "architectures.py"
    for name in [name for name in sys.modules if name.startswith("_didlearn_architectures")]:
        del sys.modules[name]


@pytest.mark.parametrize(("factory", "features"), [("squeezenet", 512), ("cifar_resnet", 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_published_networks(architectures, factory, features, channels, images_of, pixels):
    embedding = open_embedding(f"{architectures}:{factory}", trust_code=True, train=images_of(pixels[:, :channels]))
    assert embed(embedding, pixels[:40, :channels]).shape == (40, features)
    assert embedding.notes == ()


def test_published_features_know_the_classes(architectures, shared):
    with np.load(shared / "data" / "cifar10_train_rows_45000_49999.npz") as file:
        x, y = file["x"][:500].transpose(0, 3, 1, 2), file["y"].ravel()[:500]
    right = {}
    for spec in (f"{architectures}:cifar_resnet", "pixels"):
        features = embed(open_embedding(spec, trust_code=True), np.ascontiguousarray(x))
        distance = ((features[:100, None] - features[None, 100:]) ** 2).sum(-1)
        right[spec] = (y[100:][distance.argmin(1)] == y[:100]).mean()
    assert right[f"{architectures}:cifar_resnet"] > 0.8 > 0.4 > right["pixels"]


def test_a_network_that_works_in_place_gives_the_first_gray_images_their_features():
    images = torch.full((4, 1, 2, 2), 0.5)
    np.testing.assert_array_equal(fixed(lambda x: x.mul_(2).flatten(1))(images).numpy(), np.ones((4, 4)))
