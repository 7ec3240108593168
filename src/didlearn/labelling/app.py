"""The labelling page as an ASGI application. Nothing it says tells a candidate from a planted pair."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from didlearn.arrays import Array
from didlearn.labelling.export import blind_csv
from didlearn.labelling.guard import Guard
from didlearn.labelling.requests import Person, Press, Undo, message
from didlearn.labelling.sheet import Sheet, Turn
from didlearn.labelling.store import Store

_ASSETS: Final = {
    "label.css": "text/css; charset=utf-8",
    "label.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class OrdinalConvertor(Convertor[int]):
    """A number of nine digits at most: Starlette's own takes any, and Python does not read one of thousands."""

    regex = "[0-9]{1,9}"

    def convert(self, value: str) -> int:
        """Read the number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Write the number."""
        return str(value)


register_url_convertor("ordinal", OrdinalConvertor())


@dataclass
class Labelling:
    """The handlers of the page.

    Attributes:
        sheet: the pairs. store: of the answers. seed: of the orders. limit: pairs a person is asked, all if ``None``.
        person: who labels, where the command line says so.
        changed: called after every change.
    """

    sheet: Sheet
    store: Store
    seed: int
    limit: int | None
    person: str | None
    changed: Callable[[], None]
    _orders: dict[int, list[Turn]] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """Return every address there is; reading is by GET alone, writing by POST alone."""
        get, post = ["GET"], ["POST"]
        return [
            Route("/", self.page, methods=get),
            Route("/assets/{name}", self.asset, methods=get),
            Route("/picture/{person:ordinal}/{position:ordinal}/{side:ordinal}", self.picture, methods=get),
            Route("/labels/{person:ordinal}", self.labels, methods=get),
            Route("/api/person", self.enter, methods=post),
            Route("/api/label", self.label, methods=post),
            Route("/api/undo", self.undo, methods=post),
        ]

    def page(self, _: Request) -> Response:
        """The one page; all that varies in it is escaped."""
        template = _templates().get_template("label.html")
        return HTMLResponse(template.render(run=self.sheet.run.resolve().name or "run", person=self.person or ""))

    def asset(self, request: Request) -> Response:
        """The style sheet and the script, by name and no path."""
        kind = _ASSETS.get(request.path_params["name"])
        if kind is None:
            raise HTTPException(404)
        return Response(
            (files("didlearn.labelling") / "page" / request.path_params["name"]).read_bytes(), media_type=kind
        )

    def picture(self, request: Request) -> Response:
        """One picture of the pair at a position of a person's order."""
        place = self._place(request.path_params["person"], request.path_params["position"])
        side = request.path_params["side"]
        if side not in (0, 1):
            raise HTTPException(404)
        return Response(_png_bytes(self.sheet.pictures[place.pair, side ^ place.swapped]), media_type="image/png")

    def labels(self, request: Request) -> Response:
        """A person's own answers as CSV, by position."""
        person = request.path_params["person"]
        order, name = self._order(person), self.store.name(person)
        position = {place.pair: at for at, place in enumerate(order)}
        own = [label for label in self.store.labels() if label.person == name and label.pair in position]
        text = blind_csv(sorted(((label.person, position[label.pair], label) for label in own), key=lambda row: row[1]))
        headers = {"Content-Disposition": 'attachment; filename="labels.csv"'}
        return PlainTextResponse(text, media_type="text/csv; charset=utf-8", headers=headers)

    async def enter(self, request: Request) -> Response:
        """Enter a person; return their number and what they have answered already."""
        name = (await message(request, Person)).name
        return JSONResponse(await run_in_threadpool(self._entered, name))

    async def label(self, request: Request) -> Response:
        """Store an answer; it is on the disk when this is confirmed."""
        press = await message(request, Press)
        place = self._place(press.person, press.position)
        await run_in_threadpool(self.store.say, press.person, place.pair, press.answer)
        self.changed()
        return JSONResponse({"position": press.position, "answer": press.answer})

    async def undo(self, request: Request) -> Response:
        """Take the last press back; return its position, and the answer that stands there now."""
        person = (await message(request, Undo)).person
        order = self._order(person)
        pair = await run_in_threadpool(self.store.undo, person)
        self.changed()
        position = next((at for at, place in enumerate(order) if place.pair == pair), None)
        answer = None if pair is None else (await run_in_threadpool(self.store.answers, person)).get(pair)
        return JSONResponse({"position": position, "answer": answer})

    def _entered(self, name: str) -> dict[str, object]:
        person = self.store.person(name)
        answers = self.store.answers(person)
        stand = [answers.get(place.pair) for place in self._order(person)]
        height, width = self.sheet.pictures.shape[2:4]
        return {"person": person, "name": name, "answers": stand, "width": width, "height": height}

    def _order(self, person: int) -> list[Turn]:
        if person not in self._orders:
            name = self.store.name(person)
            if name is None:
                raise HTTPException(404, "nobody has that number")
            self._orders[person] = self.sheet.order(self.seed, name, self.limit)
        return self._orders[person]

    def _place(self, person: int, position: int) -> Turn:
        order = self._order(person)
        if position >= len(order):
            raise HTTPException(404, "there is no such pair")
        return order[position]


def make_app(labelling: Labelling, token: str, port: int) -> Guard:
    """Return the application, guarded: only who knows the token, at loopback and ``port``, gets past."""
    return Guard(Starlette(routes=labelling.routes(), exception_handlers={HTTPException: _error_response}), token, port)


def _error_response(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)


def _templates() -> Environment:
    return Environment(loader=PackageLoader("didlearn.labelling", "page"), autoescape=True, undefined=StrictUndefined)


def _png_bytes(pixels: Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()
