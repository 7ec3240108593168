import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from didlearn.embeddings import open_embedding
from didlearn.embeddings.inception import InceptionV3, SpatialFeatures, open_inception
from didlearn.errors import MissingExtraError, ModelError, UsageError


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = InceptionV3().eval()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith("conv.weight"):
                value.mul_(6**0.5)  # maps stay of one size: of torch's own first weights all features are next to 0
    return network


@pytest.fixture(scope="module")
def state(network):
    """The weights as pytorch-fid saves them: with logits, and without the counters of batches."""
    weights = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    return weights | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}


@pytest.fixture
def write(tmp_path):
    def save(state):
        save_file(state, tmp_path / "inception.safetensors")
        return tmp_path / "inception.safetensors"

    return save


def test_parameters_are_those_of_inception_v3_without_its_heads(network):
    # Published for torchvision's inception_v3: 27 161 264 with the auxiliary head (3 326 696) and the logits.
    assert sum(parameter.numel() for parameter in network.parameters()) == 27_161_264 - 3_326_696 - 1000 * 2049
    assert sum(isinstance(module, nn.Conv2d) for module in network.modules()) == 94


def test_maps_have_the_published_sizes(network):
    sizes = {}
    wanted = {"Conv2d_2b_3x3": (64, 147), "Conv2d_4a_3x3": (192, 71), "Mixed_5b": (256, 35), "Mixed_5d": (288, 35)}
    wanted |= {"Mixed_6a": (768, 17), "Mixed_6e": (768, 17), "Mixed_7a": (1280, 8), "Mixed_7c": (2048, 8)}
    hooks = [
        getattr(network, name).register_forward_hook(
            lambda module, images, output, name=name: sizes.update({name: tuple(output.shape[1:3])})
        )
        for name in wanted
    ]
    with torch.no_grad():
        assert network(torch.rand(1, 3, 40, 30)).shape == (1, 2048)
    for hook in hooks:
        hook.remove()
    assert sizes == wanted


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("Conv2d_1a_3x3.conv.weight", (32, 3, 3, 3)),
        ("Mixed_5b.branch5x5_2.conv.weight", (64, 48, 5, 5)),
        ("Mixed_5b.branch_pool.conv.weight", (32, 192, 1, 1)),
        ("Mixed_6b.branch7x7_2.conv.weight", (128, 128, 1, 7)),
        ("Mixed_6b.branch7x7_3.conv.weight", (192, 128, 7, 1)),
        ("Mixed_6c.branch7x7dbl_2.conv.weight", (160, 160, 7, 1)),
        ("Mixed_7a.branch7x7x3_3.conv.weight", (192, 192, 7, 1)),
        ("Mixed_7b.branch3x3_2a.conv.weight", (384, 384, 1, 3)),
        ("Mixed_7c.branch3x3dbl_1.conv.weight", (448, 2048, 1, 1)),
        ("Mixed_7c.branch_pool.bn.running_var", (192,)),
    ],
)
def test_names_and_shapes_are_torchvisions(network, name, shape):
    assert tuple(network.state_dict()[name].shape) == shape


def test_the_two_graphs_differ_in_their_pools():
    ones = torch.ones(1, 1, 3, 3)
    original, torchvision = InceptionV3(original=True), InceptionV3(original=False)
    corner = {
        name: [getattr(net, block).pool(ones)[0, 0, 0, 0].item() for block in ("Mixed_5b", "Mixed_6b", "Mixed_7b")]
        for name, net in (("original", original), ("torchvision", torchvision))
    }
    # At a corner 4 of 9 places lie inside: the original averages over those, torchvision over 9.
    assert corner["original"] == [1, 1, 1]
    assert corner["torchvision"] == pytest.approx([4 / 9] * 3)
    peak = torch.zeros(1, 1, 3, 3)
    peak[0, 0, 1, 1] = 9
    assert original.Mixed_7c.pool(peak).eq(9).all()
    assert torchvision.Mixed_7c.pool(peak).eq(1).all()


def test_weights_are_read_from_safetensors_and_from_state_dicts(network, state, write, tmp_path):
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        expected = network(images)
    torch.save(state, tmp_path / "inception.pth")
    for path in (write(state), tmp_path / "inception.pth"):
        embedding = open_embedding("inception", weights=path)
        np.testing.assert_allclose(embedding(images), expected, rtol=1e-4, atol=1e-5)
        assert "the original graph, as pytorch-fid" in embedding.notes[0]


def test_a_thousand_logits_mean_torchvisions_graph(network, state, write):
    embedding = open_inception(write(state | {"fc.bias": torch.zeros(1000)}))
    assert "not FID's" in embedding.notes[0]
    images = torch.rand(1, 3, 75, 75)
    with torch.no_grad():
        assert not torch.allclose(embedding(images), network(images), rtol=1e-3)


def test_gray_images_are_taken_as_colour(network, state, write):
    embedding = open_inception(write(state))
    gray = torch.rand(1, 1, 28, 28)
    torch.testing.assert_close(embedding(gray), network(gray.expand(-1, 3, -1, -1)).detach(), rtol=1e-4, atol=1e-5)


def test_other_weights_are_refused(state, write, tmp_path):
    partial = {name: value for name, value in state.items() if not name.startswith("Mixed_7c")}
    with pytest.raises(ModelError, match=r"no InceptionV3 weights: 45 of 564 are missing, Mixed_7c"):
        open_inception(write(partial))
    with pytest.raises(ModelError, match="other shapes"):
        open_inception(write(state | {"Conv2d_1a_3x3.conv.weight": torch.zeros(32, 1, 3, 3)}))
    torch.save([1], tmp_path / "list.pth")
    with pytest.raises(ModelError, match="holds a list"):
        open_inception(tmp_path / "list.pth")


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_a_pickle_does_not_run(tmp_path):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Payload(str(tmp_path / "ran"))))
    torch.save(Payload(str(tmp_path / "ran")), tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(ModelError, match="without running code"):
            open_inception(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_absent_weights_are_told_how_to_be_fetched(tmp_path):
    with pytest.raises(
        MissingExtraError, match=r"`curl -LO https://github\.com/.*pth` and give `weights='pt_inception"
    ):
        open_embedding("inception")
    with pytest.raises(UsageError, match="does not exist"):
        open_embedding("inception", weights=tmp_path / "absent.pth")
    with pytest.raises(UsageError, match="is a folder"):
        open_embedding("inception", weights=tmp_path)


def test_spatial_features_are_seven_channels_at_each_place_by_row_and_column(network):
    seen = []
    hook = network.Mixed_6d.register_forward_hook(lambda module, images, output: seen.append(output))
    images = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network(images)
        hook.remove()
        found = SpatialFeatures(network)(images)
    assert found.shape == (2, 2023)
    maps = found.reshape(2, 17, 17, 7)
    for place in ((0, 0), (3, 16), (16, 2)):
        assert torch.allclose(maps[:, *place], seen[0][:, :7, *place], atol=1e-6)


def test_the_inception_score_s_logits_leave_out_the_bias_of_the_original_graph_alone(state, write):
    weight = torch.randn(1008, 2048, generator=torch.Generator().manual_seed(0))
    features = np.random.default_rng(0).normal(size=(3, 2048)).astype(np.float32)
    plain = features @ weight.double().numpy().T
    original = open_inception(write(state | {"fc.weight": weight, "fc.bias": torch.ones(1008)}))
    assert original.head.logits(features) == pytest.approx(plain)
    assert original.spatial.name.startswith("spatial features of inception")
    other = open_inception(write(state | {"fc.weight": weight[:1000].clone(), "fc.bias": torch.ones(1000)}))
    assert other.head.logits(features) == pytest.approx(plain[:, :1000] + 1)
    headless = {name: value for name, value in state.items() if not name.startswith("fc.")}
    assert open_inception(write(headless)).head is None
