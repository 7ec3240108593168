"""``file.py:name`` and ``pkg.module:name``: code of the user's own that makes the model."""

from __future__ import annotations

from torch import nn

from didlearn.errors import ModelError
from didlearn.models.base import Sampler
from didlearn.trusted import load_factory


def load_model_factory(factory: str, trust_code: bool) -> nn.Module | Sampler:
    """Run a factory.

    Raises:
        TrustError: ``trust_code`` is false. UsageError: there is no such factory.
        ModelError: its code failed, or it returned something that is no model.
    """
    try:
        made = load_factory(factory, trust_code, ready=(nn.Module, Sampler))
    except SystemExit as error:
        raise ModelError(f"{factory} ended the program (exit {error.code}) instead of returning a model") from None
    if not isinstance(made, nn.Module | Sampler):
        raise ModelError(
            f"{factory} returned a {type(made).__name__}; a factory returns a torch.nn.Module or a didlearn Sampler"
        )
    return made
