"""Open the generator, as pictures or as points, and refuse what does not go with points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from didlearn.embeddings import Embedding
from didlearn.errors import OutputError, UsageError
from didlearn.images.points import check_noise
from didlearn.models import Sampler, open_model
from didlearn.models.faults import Unusable
from didlearn.naming import option


def check_points(points: bool, noise: float | None, embedding: str | Embedding, given: Mapping[str, Any]) -> None:
    """Refuse what goes with pictures beside points, and what goes with points beside pictures.

    Args:
        points: whether rows of numbers are audited. noise, embedding: as given.
        given: options of pictures and of networks, by name.

    Raises:
        UsageError: one does not go with the other.
    """
    if not points:
        if noise is not None:
            raise UsageError(
                f"{option('noise', None)} is what changes points mildly; give {option('points', True)} too"
            )
        return
    check_noise(noise)
    if embedding != "pixels":
        raise UsageError(f"points are compared as they are; leave {option('embedding', None)} out")
    beside = next((name for name, value in given.items() if value not in (None, False, "infer")), None)
    if beside is not None:
        raise UsageError(f"{option(beside, None)} goes with pictures; leave it out beside {option('points', True)}")


def open_generator(
    generator: Any, said: Mapping[str, Any], opening: Mapping[str, Any], *, trust_code: bool, device: str
) -> Sampler | None:
    """Open the generator, where there is one; one that makes no images is what the audit found, for every check to say.

    Args:
        generator: what ``open_model`` takes. said: of the model. opening: of pictures, or that it makes points.
        trust_code: whether its code may run. device: torch's.
    """
    if generator is None:
        return None
    try:
        return open_model(generator, **said, **opening, trust_code=trust_code, device=device)
    except OutputError as error:
        return Unusable(str(generator) if isinstance(generator, str | Path) else "the generator", str(error))
