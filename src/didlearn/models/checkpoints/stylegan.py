"""StyleGAN2, ADA, 3 and XL: a ``.pkl`` of NVIDIA's code, which holds the network's source and needs its repository."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import cast

import torch
from torch import nn

from didlearn.errors import ModelError, UsageError
from didlearn.foreign.kinds import is_stylegan_pickle
from didlearn.models.checkpoints.cloned import ClonedNet
from didlearn.models.formats.loaded import Code, Loaded, digest_of, refuse_unused, sources_below
from didlearn.readiness.paths import typed_path
from didlearn.trusted import check_clone, run_clone, unpickle

_CHOICES = ("truncation_psi", "truncation_cutoff")


class StyleGan(ClonedNet):
    """images = G(z, c) in single precision, the noise of each layer held at what it was saved with.

    The latent is z, as in training: w is inside, and has no law of its own.
    """

    value_range, prior = (-1, 1), "normal"

    def __init__(self, network: nn.Module, choices: Mapping[str, object]) -> None:
        super().__init__()
        self.network, self.choices = network, dict(choices)
        self.latent_shape = (int(cast(int, network.z_dim)),)
        self.classes = int(cast(int, network.c_dim)) or None

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> object:
        """Latents (n, z_dim) and classes (n,) to images (n, C, H, W) in about [-1, 1]."""
        c = z.new_zeros(len(z), 0)
        if labels is not None:
            c = nn.functional.one_hot(labels, self.classes or 1).to(z.dtype)
        return self.network(z, c, noise_mode="const", force_fp32=True, **self.choices)


def is_stylegan(path: Path, code: Code) -> bool:  # noqa: ARG001 (as every format is asked)
    """Tell whether a file is such a pickle; nothing in it is run."""
    return path.is_file() and is_stylegan_pickle(path)


def check_stylegan(path: Path, code: Code) -> None:
    """Refuse it where its code may not run, or its repository is not there.

    Raises:
        TrustError: code may not run. UsageError: there is no clone.
    """
    refuse_unused(code, f"{path}, a StyleGAN network", arguments=True, path=True)
    check_clone(_what(path), code.path, code.trusted)
    for name in code.arguments:
        if name not in _CHOICES:
            raise UsageError(f"a StyleGAN network takes no argument {name!r}; it takes {', '.join(_CHOICES)}")


def load_stylegan(path: Path, code: Code) -> Loaded:
    """Unpickle ``G_ema`` with the code of its repository.

    Raises:
        ModelError: it cannot be unpickled with that code, or holds no generator.
    """
    check_stylegan(path, code)
    assert code.path is not None, "checked"
    folder = str(typed_path(code.path))
    network = run_clone(_what(path), folder, lambda import_: _generator(path, folder, import_))
    notes = [f"{name} is {value}: the distribution that is audited is the one truncated so"
             for name, value in code.arguments.items() if (name, value) != ("truncation_psi", 1)]  # fmt: skip
    digest = digest_of([path.read_bytes(), *sources_below(folder), repr(sorted(code.arguments.items())).encode()])
    opened = StyleGan(network, code.arguments).opened_by(load_stylegan, path, code)
    return Loaded(opened, "stylegan", path.stem, code=digest, notes=tuple(notes))


def _generator(path: Path, folder: str, import_: Callable[[str], ModuleType]) -> nn.Module:
    """Return ``G_ema``; the repository's own loader, which knows TensorFlow's files too, goes before pickle's."""
    if (Path(folder) / "legacy.py").is_file():
        with path.open("rb") as file:
            held = import_("legacy").load_network_pkl(file)
    else:
        held = unpickle(path)
    network = held.get("G_ema", held.get("G")) if isinstance(held, Mapping) else held
    lacking = [name for name in ("z_dim", "c_dim") if not hasattr(network, name)]
    if not isinstance(network, nn.Module) or lacking:
        raise ModelError(f"{path} holds no generator of StyleGAN's kind (a module with z_dim and c_dim)")
    return network


def _what(path: Path) -> str:
    return f"{path} is a StyleGAN network, pickled with its code"
