"""Small repositories with the interfaces of StyleGAN's and StudioGAN's, written to a folder: clones that users have."""

import subprocess
import sys
import tempfile
from pathlib import Path
from textwrap import dedent

import torch

from didlearn.units.parcel import pack

DNNLIB = """
class EasyDict(dict):
    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name)
"""

# What NVIDIA's persistence does: an object is pickled as the source of its module, its class's name and its state.
PERSISTENCE = """
import inspect
import sys
import types

import dnnlib

_modules = {}


def persistent_class(original):
    source = _source(sys.modules[original.__module__])

    class Persistent(original):
        def __reduce__(self):
            meta = dict(
                type="class", version=6, module_src=source, class_name=original.__name__, state=super().__reduce__()[2]
            )
            return _reconstruct_persistent_obj, (meta,), None

    Persistent.__name__ = original.__name__
    return Persistent


def _source(module):
    found = next((source for source, known in _modules.items() if known is module), None)
    return found or inspect.getsource(module)


def _reconstruct_persistent_obj(meta):
    meta = dnnlib.EasyDict(meta)
    assert meta.type == "class" and meta.version == 6
    if meta.module_src not in _modules:
        module = types.ModuleType(f"_imported_module_{len(_modules)}")
        sys.modules[module.__name__] = _modules[meta.module_src] = module
        exec(meta.module_src, module.__dict__)
    made = _modules[meta.module_src].__dict__[meta.class_name]
    made = made.__new__(made)
    made.__dict__.update(meta.state)
    return made
"""

NETWORKS = """
import torch
from torch_utils import misc, persistence


@persistence.persistent_class
class MappingNetwork(torch.nn.Module):
    def __init__(self, z_dim, c_dim, w_dim):
        super().__init__()
        self.z_dim, self.c_dim = z_dim, c_dim
        self.fc0 = torch.nn.Linear(z_dim + c_dim, w_dim)
        self.register_buffer("w_avg", torch.randn(w_dim))

    def forward(self, z, c, truncation_psi=1, truncation_cutoff=None):
        misc.assert_shape(z, [None, self.z_dim])
        misc.assert_shape(c, [None, self.c_dim])
        z = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        return self.w_avg.lerp(torch.tanh(self.fc0(torch.cat([z, c], 1))), truncation_psi)


@persistence.persistent_class
class SynthesisNetwork(torch.nn.Module):
    def __init__(self, w_dim, img_resolution, img_channels):
        super().__init__()
        self.shape = (img_channels, img_resolution, img_resolution)
        self.conv = torch.nn.Linear(w_dim, img_channels * img_resolution**2)
        self.register_buffer("noise_const", torch.randn(self.shape))

    def forward(self, ws, noise_mode="random", force_fp32=False):
        assert noise_mode in ["random", "const", "none"] and force_fp32
        x = self.conv(ws).view(-1, *self.shape)
        noise = torch.randn_like(x) if noise_mode == "random" else self.noise_const * (noise_mode == "const")
        return (x + 0.1 * noise).clamp(-1, 1)


@persistence.persistent_class
class Generator(torch.nn.Module):
    def __init__(self, z_dim, c_dim, w_dim, img_resolution, img_channels):
        super().__init__()
        self.z_dim, self.c_dim, self.w_dim = z_dim, c_dim, w_dim
        self.img_resolution, self.img_channels = img_resolution, img_channels
        self.mapping = MappingNetwork(z_dim, c_dim, w_dim)
        self.synthesis = SynthesisNetwork(w_dim, img_resolution, img_channels)

    def forward(self, z, c, truncation_psi=1, truncation_cutoff=None, **synthesis_kwargs):
        return self.synthesis(self.mapping(z, c, truncation_psi, truncation_cutoff), **synthesis_kwargs)
"""

MISC = """
def assert_shape(tensor, shape):
    assert tensor.ndim == len(shape)
    assert all(wanted is None or size == wanted for size, wanted in zip(tensor.shape, shape)), tuple(tensor.shape)
"""

LEGACY = """
import pickle


def load_network_pkl(f):
    data = pickle.load(f)
    data["G_ema"].read_by = "legacy"
    return data
"""

STYLEGAN = {
    "dnnlib/__init__.py": DNNLIB,
    "torch_utils/__init__.py": "",
    "torch_utils/misc.py": MISC,
    "torch_utils/persistence.py": PERSISTENCE,
    "training/__init__.py": "",
    "training/networks.py": NETWORKS,
}

# Run in such a clone: a snapshot as its training loop writes them, and what it makes of some latents.
PICKLING = """
import copy
import pickle
import torch
from training.networks import Generator

torch.manual_seed(0)
for classes in (0, 3):
    G = Generator(z_dim=6, c_dim=classes, w_dim=8, img_resolution=8, img_channels=3).eval().requires_grad_(False)
    G_ema = copy.deepcopy(G)
    G_ema.mapping.w_avg.add_(1)
    with open(f"network-{classes}.pkl", "wb") as file:
        pickle.dump(dict(G=G, D=None, G_ema=G_ema, training_set_kwargs=dict(), augment_pipe=None), file)
    z, labels = torch.randn(4, 6), torch.tensor([0, 2, 1, 1])
    c = torch.nn.functional.one_hot(labels, 3).float() if classes else torch.zeros(4, 0)
    x = [G_ema(z, c, truncation_psi=psi, noise_mode="const", force_fp32=True) for psi in (1, 0.5)]
    torch.save({"z": z, "labels": labels, "x": x}, f"network-{classes}.pt")
"""

CONFIG = """
import yaml

import utils.ops as ops


class Empty:
    pass


class Configurations:
    def __init__(self, cfg_file):
        self.DATA, self.MODEL, self.RUN, self.MODULES = Empty(), Empty(), Empty(), Empty()
        self.DATA.img_size, self.DATA.num_classes = 32, 10
        defaults = dict(
            backbone="resnet", z_prior="gaussian", z_dim=128, g_shared_dim="N/A", g_conv_dim=64, apply_attn=False,
            attn_g_loc=["N/A"], g_cond_mtd="W/O", g_init="ortho", g_depth="N/A", info_type="N/A", apply_g_sn=False,
        )
        self.MODEL.__dict__.update(defaults)
        with open(cfg_file) as file:
            for part, values in yaml.safe_load(file).items():
                getattr(self, part).__dict__.update(values)
        self.MODULES.g_linear = ops.snlinear if self.MODEL.apply_g_sn else ops.linear
"""

OPS = """
import torch


def linear(**settings):
    return torch.nn.Linear(**settings)


def snlinear(**settings):
    return torch.nn.utils.spectral_norm(torch.nn.Linear(**settings))
"""

BACKBONE = """
import torch

import utils.ops as ops


class Generator(torch.nn.Module):
    def __init__(self, z_dim, g_shared_dim, img_size, g_conv_dim, apply_attn, attn_g_loc, g_cond_mtd, num_classes,
                 g_init, g_depth, mixed_precision, MODULES, MODEL):
        super().__init__()
        self.size, self.conditional = img_size, g_cond_mtd != "W/O"
        if self.conditional:
            self.shared = torch.nn.Embedding(num_classes, g_shared_dim)
        wide = z_dim + (g_shared_dim if self.conditional else 0)
        self.linear0 = MODULES.g_linear(in_features=wide, out_features=g_conv_dim, bias=True)
        self.linear1 = MODULES.g_linear(in_features=g_conv_dim, out_features=3 * img_size**2, bias=True)

    def forward(self, z, label, shared_label=None, eval=False):
        assert eval and label.dtype == torch.int64
        z = torch.cat([z, self.shared(label)], 1) if self.conditional else z
        return torch.tanh(self.linear1(torch.relu(self.linear0(z)))).view(-1, 3, self.size, self.size)
"""

STUDIOGAN = {
    "src/config.py": CONFIG,
    "src/utils/ops.py": OPS,
    "src/models/big_resnet.py": BACKBONE,
    "src/models/resnet.py": BACKBONE,
}

TRAINED = """
import sys

import torch

sys.path.insert(0, "src")
import config
from models.big_resnet import Generator

torch.manual_seed(0)
for name in ("ReACGAN", "SNGAN"):
    cfgs = config.Configurations(f"{name}.yaml")
    names = ("z_dim", "g_shared_dim", "g_conv_dim", "apply_attn", "attn_g_loc", "g_cond_mtd", "g_init", "g_depth")
    settings = {name: getattr(cfgs.MODEL, name) for name in names}
    Gen = Generator(img_size=cfgs.DATA.img_size, num_classes=cfgs.DATA.num_classes, mixed_precision=False,
                    MODULES=cfgs.MODULES, MODEL=cfgs.MODEL, **settings)
    z, label = torch.randn(4, cfgs.MODEL.z_dim), torch.tensor([0, 3, 1, 1])
    Gen.train()(z, label, eval=True)
    optimizer = {"state": {}, "param_groups": [{"lr": 2e-4, "params": list(range(len(list(Gen.parameters()))))}]}
    torch.save({"state_dict": Gen.state_dict(), "optimizer": optimizer},
               f"model=G-{name}-best-weights-step=2000.pth")
    torch.save({"z": z, "label": label, "x": Gen.eval()(z, label, eval=True).detach()}, f"{name}.pt")
"""


def write(folder, files):
    """Write a clone."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))
    return folder


UNPACKING = """
import sys
import cloudpickle
import torch

with open(sys.argv[1], "rb") as file:
    run, _ = cloudpickle.load(file)
torch.save(run(None), sys.argv[1] + ".pt")
"""


def unpacked_elsewhere(network, *inputs):
    """What a network makes in another process, which it was sent to as units of work are."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "parcel")
        file.write_bytes(pack(lambda _: network(*inputs)).content.tobytes())
        subprocess.run([sys.executable, "-c", UNPACKING, file], check=True, cwd=folder)
        return torch.load(f"{file}.pt", weights_only=True)
