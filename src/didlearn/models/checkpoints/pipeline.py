"""A folder of a diffusers pipeline: the one place where its opening belongs."""

from __future__ import annotations

from pathlib import Path

from didlearn.errors import UsageError
from didlearn.models.checkpoints.described import config_of
from didlearn.models.formats.loaded import Code, Loaded, refuse_unused

INDEX = "model_index.json"


def is_pipeline(path: Path, code: Code) -> bool:  # noqa: ARG001 (as every format is asked)
    """Tell whether a folder is one."""
    return (path / INDEX).is_file()


def check_pipeline(path: Path, code: Code) -> None:
    """Refuse code beside it: its networks are diffusers' own.

    Raises:
        UsageError: some was named.
    """
    refuse_unused(code, f"{path}, a diffusers pipeline")


def load_pipeline(path: Path, code: Code) -> Loaded:  # noqa: ARG001
    """Open it as a latent model; see ``open_pipeline``."""
    return open_pipeline(path)


def open_pipeline(folder: Path) -> Loaded:
    """Open a pipeline without text or classes (a ``UNet2DModel`` and its scheduler) as a latent model.

    Raises:
        UsageError: it is of a kind that is not opened.
    """
    kind = config_of(folder, INDEX).get("_class_name", "pipeline")
    raise UsageError(
        f"{folder} is a diffusers pipeline ({kind}), which is not opened as a whole: give a factory that samples with "
        "it, file.py:name with trust_code, the folder of its AutoencoderKL, or samples drawn with it"
    )
