"""What a file or folder is that cannot be read as it is, and what would do; nothing in it is run.

A pickle is looked at opcode by opcode, which makes none of its objects.
"""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_LOOKED_AT = 200_000  # bytes of a pickle
_MOST_OPCODES = 20_000
_SAMPLES = "draw samples with it into a folder, .npz or .pt file"
_FACTORY = f"give a factory that loads it, file.py:name with trust_code, or {_SAMPLES}"
_CLASS = f"name the class of its network too, architecture=file.py:Class with trust_code, or {_SAMPLES}"
_MODEL = f"name it as the generator, or {_SAMPLES}"
_PIXELS = "save its pixels with numpy.savez('x.npz', x=pixels), (N, H, W) or (N, H, W, C)"
_UNPACK = "unpack it and name the folder or the .tar (read as it is), or pack the pictures as .zip"

_PICKLED = (
    "pickled, and unpickling would run its code",
    f"{_PIXELS}; a network: save it with torch.export.save, or {_FACTORY}",
)
_BY_SUFFIX = {
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt"), _PICKLED),
    ".h5": ("an HDF5 file", f"read it with h5py and {_PIXELS}; a network in it: {_SAMPLES}"),
    ".hdf5": ("an HDF5 file", f"read it with h5py and {_PIXELS}; a network in it: {_SAMPLES}"),
    ".keras": ("a Keras network", _SAMPLES),
    ".csv": ("a table of text", f"reshape its rows and {_PIXELS}"),
    ".tsv": ("a table of text", f"reshape its rows and {_PIXELS}"),
    ".tar": ("called a tar archive, and is compressed, damaged or none", _UNPACK),
    ".tgz": ("a compressed tar archive", _UNPACK),
    ".gz": ("a packed file", _UNPACK),
    ".bz2": ("a packed file", _UNPACK),
    ".xz": ("a packed file", _UNPACK),
    ".zst": ("a packed file", _UNPACK),
    ".7z": ("a 7z archive", _UNPACK),
    ".rar": ("a rar archive", _UNPACK),
    ".tfrecord": ("a file of TensorFlow records", f"read it with TensorFlow and {_PIXELS}"),
    ".tfrecords": ("a file of TensorFlow records", f"read it with TensorFlow and {_PIXELS}"),
    ".arrow": ("an Arrow table", "save it as .parquet, or name the save_to_disk folder it is in"),
    ".onnx": ("an ONNX network", _MODEL),
    ".gguf": ("weights alone", _FACTORY),
    ".bin": ("weights alone", _CLASS),
    ".mp4": ("a film", "save its frames as pictures"),
    ".webm": ("a film", "save its frames as pictures"),
    ".avi": ("a film", "save its frames as pictures"),
    ".py": ("Python code", "name the factory in it too, as in file.py:make"),
    ".ipynb": ("a notebook", "put the factory into a .py file, as in file.py:make"),
}
_IN_FOLDER = (
    ("model_index.json", "a diffusers pipeline", _FACTORY),
    ("saved_model.pb", "a TensorFlow network", _SAMPLES),
    ("G_ema.pth", "a folder of BigGAN weights", _FACTORY),
    ("G.pth", "a folder of BigGAN weights", _FACTORY),
    ("hparams.yaml", "a Lightning log", _FACTORY),
    ("diffusion_pytorch_model.safetensors", "a folder of diffusers weights", _FACTORY),
    ("diffusion_pytorch_model.bin", "a folder of diffusers weights", _FACTORY),
    ("pytorch_model.bin", "a folder of weights with their configuration (BigGAN, transformers)", _FACTORY),
    ("model.safetensors", "a folder of weights with their configuration (transformers)", _FACTORY),
)


_TENSOR, _PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
_CIFAR_KEYS = {"batch_label", "filenames", "fine_labels", "coarse_labels"}
_PLAIN = ("torch.", "collections.", "numpy.", "_codecs.", "builtins.", "__builtin__.")


class Known(NamedTuple):
    """What something is, "a Lightning checkpoint", and what would do."""

    what: str
    remedy: str


class Pickle(NamedTuple):
    """What a pickle names: the classes and functions it would call, its texts, and its first opcode."""

    called: tuple[str, ...]
    texts: tuple[str, ...]
    first: str


def known_folder(path: Path) -> Known | None:
    """Say what a folder without pictures is, as far as its files tell."""
    held = next(((what, remedy) for name, what, remedy in _IN_FOLDER if (path / name).is_file()), None)
    return None if held is None else Known(*held)


def known_file(path: Path) -> Known | None:
    """Say what a file is, by what it holds and by its name."""
    pickle = torch_pickle(path) or _bare_pickle(path)
    if pickle is not None:
        return _pickled(pickle)
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return Known("a file of weights alone, without the network", _CLASS)
    return Known(*_BY_SUFFIX[suffix]) if suffix in _BY_SUFFIX else None


def is_tensor_file(path: Path) -> bool:
    """Tell whether a file that ``torch.save`` wrote holds one tensor, or a list of them, and nothing else."""
    pickle = torch_pickle(path)
    return pickle is not None and (_is_tensor(pickle) or _is_list_of_tensors(pickle))


def is_cifar_pickle(path: Path) -> bool:
    """Tell whether a file is pickled and begins as a CIFAR batch of the Python version does: a dict with its keys."""
    pickle = _bare_pickle(path)
    if pickle is None or pickle.first != "EMPTY_DICT":
        return False
    return {"data", "labels"} <= set(pickle.texts) or bool(_CIFAR_KEYS & set(pickle.texts[:1]))


def is_stylegan_pickle(path: Path) -> bool:
    """Tell whether a file is pickled and names what NVIDIA's pickles of networks do."""
    pickle = _bare_pickle(path)
    return pickle is not None and _is_stylegan(pickle)


def torch_pickle(path: Path) -> Pickle | None:
    """Look at what ``torch.save`` has written; ``None`` if it is no such file."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = next((n for n in archive.namelist() if n.count("/") == 1 and n.endswith("/data.pkl")), None)
            if inside is None:
                return None
            with archive.open(inside) as file:
                return _looked_at(file.read(_LOOKED_AT))
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, EOFError):
        return None
    except Exception:  # noqa: BLE001 (a packed stream may be broken in any way)
        return None


def _bare_pickle(path: Path) -> Pickle | None:
    try:
        with path.open("rb") as file:
            data = file.read(_LOOKED_AT)
    except OSError:
        return None
    return _looked_at(data) if data[:1] == b"\x80" and data[1:2] in (b"\2", b"\3", b"\4", b"\5") else None


def _looked_at(data: bytes) -> Pickle:
    called, texts = [], []
    recent: list[str] = []
    first = ""
    for name, argument in _opcodes(data):
        first = first or (name if name not in ("PROTO", "FRAME") else "")
        if name in ("GLOBAL", "INST"):
            called.append(str(argument).replace(" ", "."))
        elif name == "STACK_GLOBAL":
            called.append(".".join(recent[-2:]))
        elif isinstance(argument, (str, bytes)) and name not in ("PERSID", "FLOAT", "INT", "LONG"):
            text = argument.decode("latin-1") if isinstance(argument, bytes) else argument
            recent = [*recent[-1:], text]
            texts.append(text[:200])
    return Pickle(tuple(called), tuple(texts), first)


def _opcodes(data: bytes) -> Iterator[tuple[str, object]]:
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if number >= _MOST_OPCODES:
                return
            yield opcode.name, argument
    except Exception:  # noqa: BLE001 (cut off, or no pickle after all)
        return


def _is_tensor(pickle: Pickle) -> bool:
    """It begins by rebuilding a tensor; a list or dict of them begins with itself."""
    called = pickle.called[pickle.called[:1] == (_PARAMETER,) :]
    return pickle.first == "GLOBAL" and called[:1] == (_TENSOR,)


def _is_list_of_tensors(pickle: Pickle) -> bool:
    others = [name for name in pickle.called if name not in (_TENSOR, _PARAMETER, "collections.OrderedDict")]
    plain = all(name.startswith("torch.") and name.endswith("Storage") for name in others)
    return pickle.first == "EMPTY_LIST" and plain and bool({_TENSOR, _PARAMETER} & set(pickle.called))


def _weights(pickle: Pickle) -> bool:
    return any(text.endswith((".weight", ".bias", ".running_mean", "weight", "bias")) for text in pickle.texts)


def _pickled(pickle: Pickle) -> Known:
    texts, own = set(pickle.texts), [name for name in pickle.called if not _is_plain(name)]
    if "pytorch-lightning_version" in texts:
        return Known("a Lightning checkpoint: weights and training state, not the network", _CLASS)
    if _is_stylegan(pickle):
        return Known("a StyleGAN network, pickled with its code", _MODEL)
    if _is_tensor(pickle):
        return Known("a tensor", f"name it where images are asked for, or {_PIXELS}")
    if own:
        return Known(f"a whole pickled object ({own[0]}); unpickling it would run its code", _FACTORY)
    if _weights(pickle):
        bare = all("." in text or text.endswith(("weight", "bias")) for text in pickle.texts[:1])
        what = "a state_dict: weights" if bare else f"a checkpoint with {pickle.texts[0]!r}: weights"
        return Known(f"{what}, not the network", _CLASS)
    return Known(*_PICKLED)


def _is_stylegan(pickle: Pickle) -> bool:
    return "G_ema" in pickle.texts or any(n.startswith(("torch_utils.persistence", "dnnlib")) for n in pickle.called)


def _is_plain(name: str) -> bool:
    return not name.startswith("torch.nn.") and name.startswith(_PLAIN)
