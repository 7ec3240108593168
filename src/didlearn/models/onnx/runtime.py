"""A graph with operators that are not known here, run by onnxruntime: images without gradients."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import torch
from torch import nn

from didlearn.errors import MissingExtraError, ModelError, first_line


class RuntimeNet(nn.Module):
    """images = session(z) or session(z, second input), on the CPU, each call on the thread that asks."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = str(path.resolve())
        self._session: Any = _session(self.path)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or another process begins with: a session stays where it was made."""
        return self.__dict__ | {"_session": None}

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Run it; return its first output on the inputs' device."""
        if self._session is None:
            self._session = _session(self.path)
        names = [value.name for value in self._session.get_inputs()]
        arrays = {name: x.detach().cpu().numpy() for name, x in zip(names, inputs, strict=True)}
        made = self._session.run([self._session.get_outputs()[0].name], arrays)[0]
        return torch.from_numpy(made).to(inputs[0].device)


def _session(path: str) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError(
            f'{path} is an ONNX network that only onnxruntime can run: pip install "didlearn[onnx]"'
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # where it prints what it then raises
            return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path} cannot be run by onnxruntime ({first_line(error)}): export it again") from error
