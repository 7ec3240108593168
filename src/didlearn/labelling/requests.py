"""What the page may send: small JSON objects of known fields, and nothing else."""

from __future__ import annotations

import json
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, field_validator
from starlette.exceptions import HTTPException
from starlette.requests import Request

from didlearn.labelling.store import Key

LARGEST_MESSAGE: Final = 4096
_DRAINED: Final = 64 * 2**20
_LONGEST_NAME: Final = 60
Ordinal = Annotated[StrictInt, Field(ge=0, le=10**6)]
M = TypeVar("M", bound=BaseModel)


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(_Message):
    """Who labels."""

    name: str

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        return named(name)


class Press(_Message):
    """A person's answer on the pair at a position of their order."""

    person: Ordinal
    position: Ordinal
    answer: Key


class Undo(_Message):
    """Take a person's last press back."""

    person: Ordinal


def named(name: str) -> str:
    """Return a person's name without spaces around it.

    Raises:
        ValueError: it is empty, too long, or holds characters that cannot be printed.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ValueError(f"a name has 1 to {_LONGEST_NAME} printable characters")
    return name


async def message(request: Request, kind: type[M]) -> M:
    """Read a request's body as ``kind``.

    Raises:
        HTTPException: 415 no JSON type, 413 too long (nothing of it is kept), 422 not of that form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send application/json")
    body = await _body(request)
    try:
        return kind.model_validate(json.loads(body))
    except (ValueError, ValidationError, RecursionError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "this is no JSON"
        raise HTTPException(422, first) from None


async def _body(request: Request) -> bytes:
    """Return the body; one that is too long is read to its end (within reason) so that the refusal is heard."""
    body, seen = b"", 0
    async for part in request.stream():
        seen += len(part)
        body = body + part if seen <= LARGEST_MESSAGE else b""
        if seen > _DRAINED:
            break
    if seen > LARGEST_MESSAGE:
        raise HTTPException(413, f"a message has at most {LARGEST_MESSAGE} bytes")
    return body
