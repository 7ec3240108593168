import importlib.util
import sys

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

import didlearn as dl
from didlearn.errors import MissingExtraError, ModelError, UsageError
from didlearn.models import LatentModel
from didlearn.rng import Stream
from tests.conftest import SHARED

GENERATORS = SHARED / "generators" / "architectures.py"
EXPORTERS = pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])


class Styled(nn.Module):
    """Whatever a generator is made of: both convolutions, norms, resizing, attention, shapes read from tensors."""

    latent_shape, value_range = (6,), (-1, 1)

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 32)
        self.norm = nn.BatchNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 8, 4, 2, 1)
        self.group, self.conv = nn.GroupNorm(2, 8), nn.Conv2d(8, 8, 3, padding=1)
        self.query = nn.Linear(8, 24)
        self.last = nn.Conv2d(8, 12, 3, padding=1, padding_mode="reflect")
        for buffer in (self.norm.running_mean, self.norm.running_var):
            buffer.uniform_(0.5, 1.5)

    def forward(self, z):
        h = self.norm(self.first(z / z.square().mean(1, keepdim=True).add(1e-6).sqrt()).view(z.shape[0], 8, 2, 2))
        h = nn.functional.leaky_relu(self.up(h), 0.2)
        h = nn.functional.silu(self.group(self.conv(nn.functional.interpolate(h, scale_factor=2, mode="bilinear"))))
        q, k, v = self.query(h.flatten(2).transpose(1, 2)).chunk(3, dim=-1)
        seen = torch.softmax(q @ k.transpose(1, 2) / 8**0.5, dim=-1) @ v
        h = h + seen.transpose(1, 2).reshape(h.shape)
        return torch.tanh(nn.functional.pixel_shuffle(self.last(h), 2))


class Conditional(nn.Module):
    latent_shape, value_range, classes = (3,), (0, 1), 4

    def __init__(self):
        super().__init__()
        self.embedding, self.layer = nn.Embedding(4, 3), nn.Linear(6, 16)

    def forward(self, z, labels):
        return self.layer(torch.cat([z, self.embedding(labels)], 1)).sigmoid().view(-1, 1, 4, 4)


class OneHot(nn.Module):
    latent_shape = (3,)

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, z, c):
        return self.net(z, c.argmax(1))


def exported(net, path, dynamo, inputs=None, fixed=False):
    inputs = inputs or (torch.randn(2, *net.latent_shape),)
    names = ["z", "labels"][: len(inputs)]
    if dynamo:
        shapes = None if fixed else tuple({0: torch.export.Dim("batch")} for _ in names)
        torch.onnx.export(
            net.eval(), inputs, path, dynamo=True, dynamic_shapes=shapes, input_names=names, verbose=False
        )
    else:
        axes = None if fixed else {name: {0: "batch"} for name in names}
        torch.onnx.export(net.eval(), inputs, path, dynamo=False, dynamic_axes=axes, input_names=names)
    return path


def compared(net, model, count=5):
    """The greatest differences of images and of gradients of a sum weighted by noise."""
    z = torch.randn(count, *net.latent_shape)
    found = []
    for network in (net, model.module):
        at = z.clone().requires_grad_(True)
        x = network(at)
        weights = torch.linspace(-1, 1, x[0].numel()).view(x.shape[1:])
        (slope,) = torch.autograd.grad((x * weights).sum(), at)
        found.append((x.detach(), slope))
    return [float((a - b).abs().max()) for a, b in zip(*found, strict=True)]


pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]  # of the exporters


@EXPORTERS
def test_images_and_gradients_of_a_network_of_many_layers(tmp_path, dynamo):
    torch.manual_seed(0)
    net = Styled()
    model = dl.open_model(exported(net, tmp_path / "g.onnx", dynamo), value_range=(-1, 1))
    assert (model.kind, model.latent_shape, model.image_shape) == ("onnx", (6,), (3, 16, 16))
    assert max(compared(net, model)) < 1e-5
    assert max(compared(net, model, 33)) < 1e-5


@EXPORTERS
def test_the_wgan_gp_of_others(tmp_path, dynamo):
    if not GENERATORS.exists():
        pytest.skip(f"real data are not at {SHARED}")
    described = importlib.util.spec_from_file_location("shared_generators", GENERATORS)
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    net = module.mnist_wgan_gp().eval()
    original = dl.open_model(net)
    path = exported(net, tmp_path / "wgan.onnx", dynamo)
    model = dl.open_model(path, value_range=original.value_range)
    assert max(compared(net, model)) < 1e-5
    drawn = [found.draw(64, Stream(0)).images.astype(int) for found in (original, model)]
    assert np.abs(drawn[0] - drawn[1]).max() <= 1  # one grey level, where rounding falls to the other side


def test_classes_are_numbers_or_one_hot(tmp_path):
    torch.manual_seed(0)
    net, labels = Conditional(), torch.tensor([1, 3])
    path = exported(net, tmp_path / "c.onnx", False, (torch.randn(2, 3), labels))
    model = dl.open_model(path, classes=4, value_range=(0, 1))
    z = torch.randn(2, 3)
    torch.testing.assert_close(model.decode(z, labels), net(z, labels))

    path = exported(OneHot(net), tmp_path / "o.onnx", False, (torch.randn(2, 3), torch.eye(4)[:2]))
    model = dl.open_model(path, value_range=(0, 1))
    assert model.classes == 4
    torch.testing.assert_close(model.decode(z, labels), net(z, labels))


def test_a_graph_for_one_batch_size_runs_in_pieces_of_it(tmp_path):
    torch.manual_seed(0)
    net = Styled()
    model = dl.open_model(exported(net, tmp_path / "g.onnx", False, fixed=True), value_range=(-1, 1))
    assert max(compared(net, model, 3)) < 1e-5


def strange(path, operator="Hardmax", domain=""):
    """A generator with an operator that is not known here."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, (3, 16), np.linspace(-1, 1, 48))
    nodes = [
        helper.make_node("MatMul", ["z", "w"], ["a"]),
        helper.make_node(operator, ["a"], ["b"], domain=domain),
        helper.make_node("Reshape", ["b", "shape"], ["x"]),
    ]
    shape = helper.make_tensor("shape", TensorProto.INT64, (4,), [-1, 1, 4, 4])
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("z", TensorProto.FLOAT, ("n", 3))],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 1, 4, 4))], [weights, shape],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_what_is_not_known_is_drawn_from_by_onnxruntime(tmp_path):
    model = dl.open_model(strange(tmp_path / "s.onnx"), value_range=(0, 1))
    assert not isinstance(model, LatentModel)
    assert any("the operator Hardmax is not known here" in note for note in model.notes)
    images = model.draw(40, Stream(0)).images
    assert images.shape == (40, 1, 4, 4)
    assert (np.sort(images.reshape(40, -1))[:, -2:] == [0, 255]).all()
    np.testing.assert_array_equal(model.draw(7, Stream(0), threads=2).images, images[:7])
    result = dl.audit(generator=model, train="digits", size=4, checks=["inversion"], threads=1)
    assert result.checks[0].verdict == "not_run"


def test_what_is_not_known_of_an_operator_is_left_to_onnxruntime_too(tmp_path):
    class Pooled(nn.Module):
        latent_shape = (6,)

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 81)

        def forward(self, z):
            return nn.functional.avg_pool2d(self.layer(z).view(-1, 1, 9, 9), 2, ceil_mode=True).sigmoid()

    torch.manual_seed(0)
    net = Pooled()
    model = dl.open_model(exported(net, tmp_path / "g.onnx", False), value_range=(0, 1))
    assert any("AveragePool of this form is not known here: onnxruntime runs it" in note for note in model.notes)
    drawn = [found.draw(40, Stream(0)).images.astype(int) for found in (model, dl.open_model(net, value_range=(0, 1)))]
    assert np.abs(drawn[0] - drawn[1]).max() <= 1


def test_the_fingerprint_is_of_weights_and_graph(tmp_path):
    torch.manual_seed(0)
    net = Styled()
    prints = [dl.open_model(exported(net, tmp_path / f"{i}.onnx", False)).fingerprint for i in range(2)]
    net.last.bias.data += 0.01
    prints.append(dl.open_model(exported(net, tmp_path / "2.onnx", False)).fingerprint)
    model = onnx.load(tmp_path / "0.onnx")
    node = next(node for node in model.graph.node if node.op_type == "LeakyRelu")
    node.attribute[0].f = 0.3
    onnx.save(model, tmp_path / "3.onnx")
    prints.append(dl.open_model(tmp_path / "3.onnx").fingerprint)
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_what_is_wrong_with_a_file_is_said(tmp_path, capsys):
    (tmp_path / "bad.onnx").write_bytes(b"hello")
    with pytest.raises(ModelError, match="cannot be read as an ONNX network"):
        dl.open_model(tmp_path / "bad.onnx")
    with pytest.raises(UsageError, match=r"code_path does not go with .* an ONNX network: leave it out"):
        dl.open_model(strange(tmp_path / "s.onnx"), code_path="clone")
    with pytest.raises(ModelError, match="cannot be run by onnxruntime"):
        dl.open_model(strange(tmp_path / "t.onnx", "Nothing", "nobody"), value_range=(0, 1))
    assert capsys.readouterr().out == ""
    none = helper.make_graph([helper.make_node("Identity", ["w"], ["x"])], "g", [], [], [])
    onnx.save(helper.make_model(none), tmp_path / "n.onnx")
    with pytest.raises(ModelError, match="takes the inputs none"):
        dl.open_model(tmp_path / "n.onnx")


def test_no_graph_makes_more_than_fits(tmp_path):
    big = helper.make_tensor("shape", TensorProto.INT64, (2,), [2**20, 2**20])
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["a"]), helper.make_node("MatMul", ["z", "a"], ["x"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("z", TensorProto.FLOAT, ("n", 3))],
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)], [big])  # fmt: skip
    onnx.save(helper.make_model(graph), tmp_path / "big.onnx")
    with pytest.raises(ModelError, match=r"a tensor of shape \(1048576, 1048576\)"):
        dl.open_model(tmp_path / "big.onnx")


def test_weights_in_a_file_beside_it_and_none_outside_its_folder(tmp_path):
    torch.manual_seed(0)
    net = Styled()
    exported(net, tmp_path / "g.onnx", False)
    model = onnx.load(tmp_path / "g.onnx")
    (tmp_path / "in").mkdir()
    onnx.save(model, tmp_path / "in" / "g.onnx", save_as_external_data=True, location="g.data", size_threshold=0)
    opened = dl.open_model(tmp_path / "in" / "g.onnx", value_range=(-1, 1))
    assert max(compared(net, opened)) < 1e-5
    moved = onnx.load(tmp_path / "in" / "g.onnx", load_external_data=False)
    for initializer in moved.graph.initializer:
        next(entry for entry in initializer.external_data if entry.key == "location").value = "../g.data"
    (tmp_path / "in" / "g.data").rename(tmp_path / "g.data")
    onnx.save(moved, tmp_path / "in" / "g.onnx")
    with pytest.raises(ModelError, match="cannot be read as an ONNX network"):
        dl.open_model(tmp_path / "in" / "g.onnx")


def test_without_the_extra_the_extra_is_named(tmp_path, monkeypatch):
    path = strange(tmp_path / "s.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"didlearn\[onnx\]"):
        dl.open_model(path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"didlearn\[onnx\]"):
        dl.open_model(path)
