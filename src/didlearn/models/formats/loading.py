"""Which loader a file or folder goes to, by what it holds: one line a format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from didlearn.errors import UsageError
from didlearn.exported.archive import load_exported
from didlearn.foreign.kinds import known_file
from didlearn.models.checkpoints.architecture import check_architecture, is_weights, load_weights
from didlearn.models.checkpoints.autoencoder_kl import check_autoencoder_kl, is_autoencoder_kl, load_autoencoder_kl
from didlearn.models.checkpoints.biggan import check_biggan, is_biggan, load_biggan
from didlearn.models.checkpoints.checkpoint import split_key
from didlearn.models.checkpoints.pipeline import check_pipeline, is_pipeline, load_pipeline
from didlearn.models.checkpoints.studiogan import check_studiogan, is_studiogan, load_studiogan
from didlearn.models.checkpoints.stylegan import check_stylegan, is_stylegan, load_stylegan
from didlearn.models.formats.factory import load_model_factory
from didlearn.models.formats.loaded import Code, Loaded, refuse_unused
from didlearn.models.formats.model_folder import is_model_folder, load_directory
from didlearn.models.onnx.file import check_onnx, is_onnx, load_onnx
from didlearn.naming import option
from didlearn.readiness.paths import quoted, typed_path
from didlearn.trusted import check_factory, check_torchscript, is_factory, is_torchscript, load_torchscript


class Format(NamedTuple):
    """One way to load a model.

    Attributes:
        is_one: whether a path that exists, and what was said of code, are of this format. check: refuses what may not
            run or does not go together, reading nothing. load: opens it; it checks by itself.
    """

    is_one: Callable[[Path, Code], bool]
    check: Callable[[Path, Code], None]
    load: Callable[[Path, Code], Loaded]


def _load_folder(path: Path, code: Code) -> Loaded:  # noqa: ARG001 (as every format is called)
    module, described = load_directory(path)
    declared = described.model_dump(include={"latent_shape", "value_range", "prior", "classes"})
    return Loaded(module, "directory", described.name or path.resolve().name, declared)


def _load_exported(path: Path, code: Code) -> Loaded:
    return Loaded(load_exported(path, code.trusted), "exported", path.stem)


def _load_torchscript(path: Path, code: Code) -> Loaded:
    return Loaded(load_torchscript(path, code.trusted), "torchscript", path.stem)


def _check_torchscript(path: Path, code: Code) -> None:
    refuse_unused(code, f"{path}, a TorchScript file")
    check_torchscript(path, code.trusted)


def _check_plain(path: Path, code: Code) -> None:
    refuse_unused(code, str(path))


_FOLDERS = (
    Format(lambda path, _: is_model_folder(path), _check_plain, _load_folder),
    Format(is_pipeline, check_pipeline, load_pipeline),
    Format(is_autoencoder_kl, check_autoencoder_kl, load_autoencoder_kl),
    Format(is_biggan, check_biggan, load_biggan),
)
_FILES = (
    Format(is_studiogan, check_studiogan, load_studiogan),
    Format(is_weights, check_architecture, load_weights),
    Format(lambda path, _: path.suffix.lower() == ".pt2", _check_plain, _load_exported),
    Format(lambda path, _: is_torchscript(path), _check_torchscript, _load_torchscript),
    Format(is_onnx, check_onnx, load_onnx),
    Format(is_stylegan, check_stylegan, load_stylegan),
)


def is_network_folder(path: Path) -> bool:
    """Tell whether a folder is a model, and no folder of samples."""
    return _format(path, Code()) is not None


def check_loadable(source: str, code: Code) -> None:
    """Refuse what names no model, or may not be loaded as things are said, before anything is read.

    Raises:
        UsageError: it names none, or what was said does not go with it. TrustError: it would run code.
    """
    path, found = _found(source, code)
    if found is not None:
        found.check(path, code)
        return
    refuse_unused(code, f"the factory {source}")
    check_factory(source, code.trusted)


def load_network(source: str, code: Code) -> Loaded:
    """Load a model from a file, a folder or a factory.

    Raises:
        UsageError: it names none, or what was said does not go with it. TrustError: it would run code.
        ModelError: it cannot be loaded.
    """
    path, found = _found(source, code)
    if found is not None:
        found.check(path, code)
        return found.load(path, code)
    refuse_unused(code, f"the factory {source}")
    return Loaded(load_model_factory(source, code.trusted), "factory", source.rpartition(":")[2])


def _found(source: str, code: Code) -> tuple[Path, Format | None]:
    """Return the path and its format; none for a factory."""
    path = typed_path(source)
    keyed = typed_path(split_key(source)[0])
    if not path.exists() and not keyed.is_file():
        if is_factory(source):
            return path, None
        raise UsageError(f"there is no model {quoted(source)}; give {kinds()}")
    found = _format(path if path.exists() else keyed, code)
    if found is None:
        raise _refusal(path if path.exists() else keyed)
    return path, found


def _format(path: Path, code: Code) -> Format | None:
    formats = _FOLDERS if path.is_dir() else _FILES
    return next((form for form in formats if form.is_one(path, code)), None)


def _refusal(path: Path) -> UsageError:
    known = known_file(path)
    if known is not None:
        return UsageError(f"{path} is {known.what}: {known.remedy}")
    return UsageError(f"{path} is nothing that is known; give {kinds()}")


def kinds() -> str:
    """What names a model."""
    return (
        f"a model folder (model.json), torch.export (.pt2), ONNX (.onnx), with {option('trust_code', True)} "
        "TorchScript (.pt), file.py:factory or pkg.module:factory, weights with the class they go into "
        f"({option('architecture', None)}), or a folder, .zip, .tar or .npz of samples"
    )
