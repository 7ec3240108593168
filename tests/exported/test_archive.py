import json
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
import torch
from torch import nn

from didlearn.errors import ModelError, TrustError
from didlearn.exported.archive import read_exported
from didlearn.models import open_model
from didlearn.models.reconstructor import open_autoencoder

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


def export(module, path, *inputs, dynamic=True):
    sizes = {0: torch.export.Dim("batch", min=1, max=4096)}
    shapes = tuple(sizes for _ in inputs) if dynamic else None
    torch.export.save(torch.export.export(module.eval(), inputs, dynamic_shapes=shapes), path)
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Unflatten(1, (1, 8, 8)), nn.ConvTranspose2d(1, 1, 3, 1, 1))
    return export(nn.Sequential(net, nn.Tanh()), tmp_path_factory.mktemp("exported") / "net.pt2", torch.zeros(2, 6))


def patched(source, target, change):
    """Copy an archive, with ``change(name, data)`` as every entry's data."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
    return target


def edited(source, target, edit, entry="models/model.json"):
    """Copy an archive with its JSON ``entry`` edited in place."""

    def change(name, data):
        if not name.endswith(entry):
            return data
        content = json.loads(data)
        edit(content)
        return json.dumps(content)

    return patched(source, target, change)


def test_an_exported_network_draws_what_the_module_draws(conv_net, tmp_path, rng):
    model = open_model(export(conv_net, tmp_path / "g.pt2", torch.zeros(2, 6)), value_range=(-1, 1))
    assert (model.kind, model.name, model.latent_shape) == ("exported", "g", (6,))
    here = open_model(conv_net).draw(100, rng)
    np.testing.assert_array_equal(model.draw(100, rng, batch_size=64, threads=2).images, here.images)


def test_batch_size_and_threads_cannot_be_seen(archive, rng):
    model = open_model(archive, value_range=None)
    first = model.draw(200, rng, batch_size=64, threads=1)
    for batch_size, threads in [(1000, 2), (1000, 1), (64, 2)]:
        np.testing.assert_array_equal(model.draw(200, rng, batch_size=batch_size, threads=threads).images, first.images)


def test_a_fixed_batch_is_fed_in_chunks(conv_net, tmp_path, rng):
    model = open_model(export(conv_net, tmp_path / "g.pt2", torch.zeros(5, 6), dynamic=False), value_range=(-1, 1))
    assert model.module.batch == 5
    here = open_model(conv_net).draw(70, rng)
    assert np.abs(model.draw(70, rng).images.astype(int) - here.images).max() <= 1
    assert model.decode(torch.zeros(7, 6)).shape == (7, 1, 8, 8)


def test_a_conditional_network(tmp_path, rng):
    class Labelled(nn.Module):
        shift: torch.Tensor

        def __init__(self):
            super().__init__()
            self.embedding, self.layer = nn.Embedding(4, 3), nn.Linear(5, 16)
            self.register_buffer("shift", torch.tensor(0.1), persistent=False)

        def forward(self, z, labels):
            h = torch.cat([z, self.embedding(labels)], 1) + self.shift + torch.arange(5, device=z.device) / 10
            return self.layer(h).sigmoid().reshape(z.shape[0], 1, 4, 4)

    net = Labelled()
    path = export(net, tmp_path / "c.pt2", torch.zeros(2, 2), torch.zeros(2, dtype=torch.long))
    model, here = open_model(path, classes=4), open_model(net, classes=4, latent_shape=2)
    np.testing.assert_array_equal(model.draw(64, rng).images, here.draw(64, rng).images)
    np.testing.assert_array_equal(model.draw(64, rng).labels, here.draw(64, rng).labels)


def test_other_layers(tmp_path, rng):
    net = nn.Sequential(
        nn.Linear(8, 32),
        nn.LayerNorm(32),
        nn.GELU(),
        nn.Unflatten(1, (8, 2, 2)),
        nn.GroupNorm(2, 8),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.PixelShuffle(2),
        nn.BatchNorm2d(3),
        nn.SiLU(),
        nn.Sigmoid(),
    )
    model = open_model(export(net, tmp_path / "n.pt2", torch.zeros(2, 8)), value_range=(0, 1))
    np.testing.assert_array_equal(
        model.draw(40, rng).images, open_model(net, latent_shape=8, value_range=(0, 1)).draw(40, rng).images
    )


def test_decode_is_differentiable(archive):
    z = torch.randn(2, 6).requires_grad_()
    (gradient,) = torch.autograd.grad(open_model(archive).decode(z).sum(), z)
    assert gradient.abs().sum() > 0


def test_what_torch_would_unpickle_evaluate_or_compile_is_not_touched(archive, tmp_path, bomb, marker, rng):
    code = f"__import__('pathlib').Path({str(marker)!r}).touch()"

    def poison(name, data):
        if name.endswith("sample_inputs/model.pt"):
            return pickle.dumps(bomb)
        if not name.endswith("models/model.json"):
            return data
        program = json.loads(data)
        program["guards_code"] = [code]
        program["graph_module"]["module_call_graph"][0]["signature"]["forward_arg_names"] = [f"z={code}"]
        for value in program["graph_module"]["graph"]["tensor_values"].values():
            for size in value["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = code
        return json.dumps(program)

    poisoned = open_model(patched(archive, tmp_path / "poisoned.pt2", poison))
    np.testing.assert_array_equal(poisoned.draw(10, rng).images, open_model(archive).draw(10, rng).images)
    assert not marker.exists()


def test_pickled_weights_are_refused_and_not_run(archive, tmp_path, bomb, marker):
    def pickled(name, data):
        if name.endswith("weights/weight_0"):
            return pickle.dumps(bomb)
        if name.endswith("model_weights_config.json"):
            config = json.loads(data)
            for payload in config["config"].values():
                payload["use_pickle"] = True
            return json.dumps(config)
        return data

    with pytest.raises(TrustError, match=r"pickled weights .*trust_code=True"):
        open_model(patched(archive, tmp_path / "pickled.pt2", pickled))
    assert not marker.exists()


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.save.default",
        "torch.ops.aten.__class__.mro",
        "torch.load",
        "torch.ops.symm_mem.one_shot_all_reduce.default",
        "_operator.attrgetter",
        "_operator.pow",
        "math.factorial",
        "os.system",
    ],
)
def test_calls_beyond_tensor_arithmetic_are_refused(archive, tmp_path, target):
    def edit(program):
        program["graph_module"]["graph"]["nodes"][0]["target"] = target

    with pytest.raises(TrustError, match=f"a call of {target}"):
        open_model(edited(archive, tmp_path / "calls.pt2", edit))


def test_what_the_reader_does_not_know_is_left_to_torch_if_trusted(tmp_path, rng):
    class Gradless(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 16)

        def forward(self, z):
            with torch.no_grad():
                h = self.layer(z)
            return h.sigmoid().view(-1, 1, 4, 4)

    net = Gradless()
    path = export(net, tmp_path / "h.pt2", torch.zeros(2, 3))
    with pytest.raises(TrustError, match=r"torch\.export\.load"):
        open_model(path)
    model = open_model(path, trust_code=True)
    np.testing.assert_array_equal(model.draw(20, rng).images, open_model(net).draw(20, rng).images)


def test_weights_that_reach_outside_their_file_are_refused(archive, tmp_path):
    def edit(config):
        next(iter(config["config"].values()))["tensor_meta"]["sizes"][0]["as_int"] = 10**9

    with pytest.raises(ModelError, match=r"cannot be read as a torch\.export archive"):
        open_model(edited(archive, tmp_path / "big.pt2", edit, "model_weights_config.json"))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_what_is_no_archive_ends_in_a_sentence(tmp_path, content):
    path = tmp_path / "no.pt2"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"no.pt2 cannot be read as a torch.export archive"):
        open_model(path)


def test_broken_json_ends_in_a_sentence(archive, tmp_path):
    path = patched(archive, tmp_path / "b.pt2", lambda name, data: b"{" if name.endswith("model.json") else data)
    with pytest.raises(ModelError, match="cannot be read"):
        open_model(path)
    with pytest.raises(ModelError, match="cannot be read"):
        open_model(edited(archive, tmp_path / "c.pt2", lambda program: program.pop("graph_module")))


def test_a_zip_bomb_is_refused(archive, tmp_path):
    path = tmp_path / "bomb.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bombed, zipfile.ZipFile(archive) as old:
        for entry in old.infolist():
            bombed.writestr(entry.filename, b"\0" * 2**24 if "weight_0" in entry.filename else old.read(entry))
    with pytest.raises(ModelError, match=r"is compressed; torch\.export compresses nothing"):
        open_model(path)


def test_a_member_that_lies_about_its_size_is_not_unfolded(archive, tmp_path):
    packed = zlib.compress(b" " * 2**26, wbits=-15)
    path = patched(archive, tmp_path / "l.pt2", lambda name, data: packed if name.endswith("model.json") else data)
    data = bytearray(path.read_bytes())
    for signature, method in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)]:
        at = data.rfind(signature, 0, data.find(b"model.json", data.find(b"PK\x01\x02") if method == 10 else 0))
        struct.pack_into("<H", data, at + method, zipfile.ZIP_DEFLATED)
        struct.pack_into("<I", data, at + method + 14, 100)
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(ModelError, match=r"model.json' is compressed"):
        read_exported(path)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_an_autoencoder_needs_no_trust(tmp_path):
    auto = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Sigmoid())
    opened = open_autoencoder(str(export(auto, tmp_path / "auto.pt2", torch.zeros(2, 1, 8, 8))))
    images = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(opened.reconstruct(images), auto(images).detach())
    assert opened.latent is None
