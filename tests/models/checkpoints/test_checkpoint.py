"""Weights as other programs save them, and the user's class that they go into."""

import textwrap

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import didlearn as dl
from didlearn.errors import ModelError, TrustError, UsageError
from didlearn.models.checkpoints.checkpoint import split_key
from tests.models.conftest import ConvNet
from tests.typed import didlearn

SOURCE = """
import torch
from torch import nn


class Net(nn.Module):
    latent_shape, value_range, prior = (4,), (-1, 1), "normal"

    def __init__(self, width=8, slope=0.2):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, width), nn.BatchNorm1d(width), nn.Linear(width, 64)
        self.slope = slope

    def forward(self, z):
        h = torch.nn.functional.leaky_relu(self.norm(self.first(z)), self.slope)
        return self.last(h).tanh().view(-1, 1, 8, 8)


class Open(Net):
    def __init__(self, **settings):
        super().__init__(settings["width"])


def none():
    return 3
"""


class Net(nn.Module):
    """The same network, as whoever trained it had it."""

    def __init__(self, width=8, seed=0):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, width), nn.BatchNorm1d(width), nn.Linear(width, 64)
        generator = torch.Generator().manual_seed(seed)
        for name, value in self.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator) + 0.1 * (name == "norm.running_var"))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 8), nn.Linear(8, 1)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "nets.py").write_text(textwrap.dedent(SOURCE))
    return f"{tmp_path / 'nets.py'}:Net"


def prefixed(state, prefix):
    return {prefix + name: value for name, value in state.items()}


def opened(path, source, **arguments):
    return dl.open_model(str(path), architecture=source, architecture_arguments=arguments, trust_code=True)


def holds(model, net):
    return all(torch.equal(value, model.module.state_dict()[name]) for name, value in net.state_dict().items())


NET, AVERAGE = Net(), Net(seed=1)
OPTIMIZER = torch.optim.Adam(NET.parameters()).state_dict()
LAYOUTS = {
    "bare": NET.state_dict(),
    "data parallel": prefixed(NET.state_dict(), "module."),
    "compiled": prefixed(NET.state_dict(), "_orig_mod."),
    "under state_dict": {"state_dict": NET.state_dict(), "epoch": 3, "optimizer": OPTIMIZER},
    "with a discriminator": {"G": NET.state_dict(), "D": Discriminator().state_dict(), "step": torch.tensor(3)},
    "deep": {"state": {"models": {"generator": prefixed(NET.state_dict(), "module.")}}},
    "g_ema": {"g": AVERAGE.state_dict(), "g_ema": NET.state_dict(), "d": {}},
    "params_ema": {"params": AVERAGE.state_dict(), "params_ema": NET.state_dict()},
    "a prefix of one dict": {
        **prefixed(AVERAGE.state_dict(), "generator."),
        **prefixed(NET.state_dict(), "ema.module."),
    },
    "before torch counted batches": {k: v for k, v in NET.state_dict().items() if "num_batches" not in k},
    "half precision": {k: v.half() if v.is_floating_point() else v for k, v in Net().state_dict().items()},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".bin"])
def test_the_generator_s_weights_are_found(tmp_path, source, layout, suffix):
    torch.save(LAYOUTS[layout], tmp_path / f"w{suffix}")
    model = opened(tmp_path / f"w{suffix}", source)
    expected = NET if layout != "half precision" else Net()
    if layout == "half precision":
        expected.half().float()
    assert holds(model, expected)
    assert (model.kind, model.name, model.latent_shape) == ("weights", "w", (4,))


def test_safetensors(tmp_path, source):
    save_file(prefixed(NET.state_dict(), "generator."), tmp_path / "w.safetensors")
    assert holds(opened(tmp_path / "w.safetensors", source), NET)


def test_a_group_is_named_after_the_file(tmp_path, source):
    torch.save({"g": AVERAGE.state_dict(), "g_ema": NET.state_dict()}, tmp_path / "w.pt")
    found = opened(tmp_path / "w.pt", source)
    assert "the weights under 'g_ema' were taken; 'g' would fit too" in found.notes
    assert holds(opened(f"{tmp_path / 'w.pt'}:g", source), AVERAGE)
    with pytest.raises(UsageError, match=r"no such weights under 'x'; it holds some under g, g_ema"):
        opened(f"{tmp_path / 'w.pt'}:x", source)
    torch.save({"other": {"deep.weight": torch.zeros(2)}, "more": {"weight": torch.zeros(2)}}, tmp_path / "w.pt")
    with pytest.raises(UsageError, match=r"under 'x'; it holds some under more, other$"):
        opened(f"{tmp_path / 'w.pt'}:x", source)
    torch.save({"a": AVERAGE.state_dict(), "b": NET.state_dict()}, tmp_path / "w.pt")
    with pytest.raises(UsageError, match=r"several weights that fit, 'a', 'b'; name one of them, as in w\.pt:KEY"):
        opened(tmp_path / "w.pt", source)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/w.ckpt:g.ema", ("a/w.ckpt", "g.ema")),
        ("w.ckpt", ("w.ckpt", None)),
        ("w.py:make", ("w.py:make", None)),
        ("C:w.pt", ("C:w.pt", None)),
    ],
)
def test_keys(text, expected):
    assert split_key(text) == expected


def test_what_does_not_fit_is_named(tmp_path, source):
    state = NET.state_dict()
    torch.save({"G": {k: v for k, v in state.items() if not k.startswith("first")}}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"\(its 'G'\) does not fit .*:Net: it lacks first\.weight, first\.bias$"):
        opened(tmp_path / "w.pt", source)
    torch.save({**state, "mapping.weight": torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"it holds mapping\.weight, which the network has not$"):
        opened(tmp_path / "w.pt", source)
    torch.save(Net(16).state_dict(), tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"first\.weight has the shape \(16, 4\), and the network's has \(8, 4\)"):
        opened(tmp_path / "w.pt", source)
    assert holds(opened(tmp_path / "w.pt", source, width=16), Net(16))
    torch.save(ConvNet().state_dict(), tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"it holds up\.weight, up\.bias, which the network has not"):
        opened(tmp_path / "w.pt", source)
    torch.save({"epoch": 3}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="holds no weights"):
        opened(tmp_path / "w.pt", source)
    (tmp_path / "w.safetensors").write_bytes(b"hello")
    with pytest.raises(ModelError, match="cannot be read as safetensors"):
        opened(tmp_path / "w.safetensors", source)


def test_arguments_and_what_makes_no_network(tmp_path, source):
    torch.save(NET.state_dict(), tmp_path / "w.pt")
    with pytest.raises(UsageError, match="Net takes no argument 'depth'; it takes width, slope"):
        opened(tmp_path / "w.pt", source, depth=3)
    with pytest.raises(ModelError, match=r"failed when called with width: TypeError"):
        opened(tmp_path / "w.pt", source, width="wide")
    with pytest.raises(ModelError, match="none made a int"):
        opened(tmp_path / "w.pt", source.replace("Net", "none"))
    with pytest.raises(UsageError, match="architecture does not go with"):
        dl.open_model(np.zeros((3, 1, 4, 4), np.uint8), architecture=source)
    with pytest.raises(UsageError, match="code_path does not go with"):
        dl.open_model(str(tmp_path / "w.pt"), architecture=source, code_path=".", trust_code=True)


def test_without_trust_nothing_runs(tmp_path, source, bomb, marker):
    torch.save(NET.state_dict(), tmp_path / "w.pt")
    nets = tmp_path / "nets.py"
    nets.write_text(f"from pathlib import Path\nPath({str(marker)!r}).touch()\n" + nets.read_text())
    with pytest.raises(TrustError, match=r"would run the Python code in .*; if you trust it, give trust_code=True"):
        dl.open_model(str(tmp_path / "w.pt"), architecture=source)
    assert not marker.exists()
    opened(tmp_path / "w.pt", source)
    assert marker.exists()
    marker.unlink()
    nets.write_text(textwrap.dedent(SOURCE))
    for name in ("w.pt", "w.ckpt"):  # trusted is the class: never the file of weights
        torch.save({"state_dict": NET.state_dict(), "extra": bomb}, tmp_path / name)
        with pytest.raises(ModelError, match=r"holds a .*, which only running its code would make: save the weights"):
            opened(tmp_path / name, source)
        assert not marker.exists()


def test_the_fingerprint_is_of_weights_class_and_arguments(tmp_path, source):
    def fingerprint(net, **arguments):
        torch.save(net.state_dict(), tmp_path / "w.pt")
        return opened(tmp_path / "w.pt", source, **arguments).fingerprint

    first = fingerprint(NET)
    assert fingerprint(NET) == first
    others = [fingerprint(AVERAGE), fingerprint(NET, slope=0.3)]
    nets = tmp_path / "nets.py"
    nets.write_text(nets.read_text().replace(".tanh()", ".sin()"))
    assert len({first, *others, fingerprint(NET)}) == 4


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["Net", "Open"])
def test_a_checkpoint_of_lightning(tmp_path, source, name):
    """Saved by Lightning itself, hyper-parameters included; its prefix is found, and so is the width."""
    import pytorch_lightning as lightning

    class Gan(lightning.LightningModule):
        def __init__(self, width=8, learning_rate=1e-3):
            super().__init__()
            self.save_hyperparameters()
            self.generator, self.discriminator = Net(width, seed=5), Discriminator()

        def training_step(self, batch, _):
            return self.generator.first(batch[0]).square().mean() + self.discriminator.last.weight.square().mean()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=self.hparams["learning_rate"])

    gan = Gan(width=24)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(4, 4)), batch_size=2)
    trainer = lightning.Trainer(
        max_steps=2, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu",
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(gan, data)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    for path in (tmp_path / "last.ckpt", f"{tmp_path / 'last.ckpt'}:generator"):
        model = opened(path, source.replace("Net", name))
        assert holds(model, gan.generator)
        assert model.module.first.out_features == 24


def test_typed(tmp_path, source):
    torch.save({"g_ema": Net(12).state_dict()}, tmp_path / "w.pt")
    code = ["--architecture", "nets.py:Net", "--architecture-arguments", "width=12", "--trust-code"]
    code += ["--architecture-arguments", "slope=0.1"]
    assert didlearn("sample", "w.pt:g_ema", "-n", "40", *code, "-o", "out", "-q", cwd=tmp_path).returncode == 0
    (tmp_path / "a.toml").write_text(
        'train = "digits"\ngenerator = "w.pt"\narchitecture = "nets.py:Net"\n[architecture_arguments]\nwidth = 12\n'
    )
    done = didlearn("audit", "a.toml", "--checks", "support", "-n", "2000", "-q", cwd=tmp_path)
    assert "would run the Python code in nets.py; if you trust it, give --trust-code" in done.stderr
    for said, message in [
        (["width"], "give NAME=VALUE"),
        (["width=1", "--architecture-arguments", "width=2"], "given twice"),
    ]:
        done = didlearn("sample", "w.pt", "-n", "4", "--architecture-arguments", *said, cwd=tmp_path)
        assert done.returncode == 2
        assert message in done.stderr


def test_an_audit_says_what_it_opened(tmp_path, source):
    torch.save({"g_ema": Net(12).state_dict()}, tmp_path / "w.pt")
    asked = {"architecture": source, "architecture_arguments": {"width": 12}, "trust_code": True}
    result = dl.audit(generator=str(tmp_path / "w.pt"), train="digits", checks=[], **asked)
    assert (result.subject["model"]["kind"], result.subject["model"]["name"]) == ("weights", "w")
    assert "architecture_arguments={'width': 12}" in result.environment["settings"]
