"""TorchScript archives: a language that reaches no Python, checked for the few operators that touch files."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path

import torch

from didlearn.errors import ModelError, TrustError
from didlearn.models.drawing import first_line
from didlearn.naming import option

MAX_CODE_BYTES = 256 * 2**20
# aten::save writes and aten::from_file reads or creates any file; torchbind classes run whatever C++ they wrap.
_REACHES_OUT = re.compile(
    r"\b(save|from_file|load_tensor)\b|\btorch\s*\.\s*classes\b|\bops\b(?!\.(aten|prim|quantized|torchvision)\b)"
)


def load_torchscript(path: Path, trust_code: bool = False) -> torch.jit.ScriptModule:
    """Load a TorchScript archive onto the CPU.

    Raises:
        TrustError: its code names operators that touch files or lie outside torch's own, and ``trust_code`` is false.
        ModelError: it cannot be loaded.
    """
    code = _read_code(path)
    found = next((match for text in code.values() if (match := _REACHES_OUT.search(text))), None)
    if found and not trust_code:
        raise TrustError(
            f"{path}: its TorchScript code names {found[0]!r}, which may reach files or other libraries; "
            f"if you trust it, give {option('trust_code', True)}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.jit.load(str(path), map_location="cpu")
    except Exception as error:
        raise ModelError(f"{path} cannot be loaded as TorchScript: {first_line(error)}") from error


def _read_code(path: Path) -> dict[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len({entry.filename for entry in entries}) != len(entries):
                raise ModelError(f"{path} holds two entries of one name; save the model again")
            if sum(entry.file_size for entry in entries) > path.stat().st_size + MAX_CODE_BYTES:
                raise ModelError(
                    f"{path} unpacks to far more than its size; a TorchScript archive is hardly compressed"
                )
            return {
                entry.filename: archive.read(entry).decode("utf-8", "replace")
                for entry in entries
                if entry.filename.endswith(".py")
            }
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} cannot be read as a TorchScript archive: {first_line(error)}") from error
