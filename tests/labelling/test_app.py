"""The application by itself, asked as a server would ask it: what it answers, and whom the guard lets past."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from didlearn.errors import UsageError
from didlearn.labelling.app import Labelling, make_app
from didlearn.labelling.guard import Guard
from didlearn.labelling.requests import LARGEST_MESSAGE, named
from didlearn.labelling.serve import label_run
from didlearn.labelling.store import Store

PORT, TOKEN = 8123, "secret"
OWN = {"host": f"127.0.0.1:{PORT}", "cookie": f"didlearn-label-{PORT}={TOKEN}", "origin": f"http://127.0.0.1:{PORT}"}


@pytest.fixture
def app(sheet):
    store = Store.open(sheet.run, sheet.fingerprint)
    yield make_app(Labelling(sheet, store, 0, 10, None, lambda: None), TOKEN, PORT)
    store.close()


def ask(app, method, path, body=None, **headers):
    """Send one request; return the status, the headers and the body."""
    sent, told = [], OWN | {"content-type": "application/json"} | headers
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in told.items() if value is not None],
    }  # fmt: skip
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()

    async def receive():
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message):
        sent.append(message)

    # In a thread of its own: a browser test of the same process leaves a running loop behind in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(app(scope, receive, send))).result()
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(part.get("body", b"") for part in sent[1:])


def test_a_press_is_stored_by_position_and_taken_back(app):
    person = json.loads(ask(app, "POST", "/api/person", {"name": " Ada "})[2])
    assert (person["name"], person["answers"]) == ("Ada", [None] * 10)
    assert ask(app, "POST", "/api/label", {"person": 1, "position": 3, "answer": "d"})[0] == 200
    assert json.loads(ask(app, "POST", "/api/person", {"name": "Ada"})[2])["answers"][3] == "d"
    assert json.loads(ask(app, "POST", "/api/undo", {"person": 1})[2]) == {"position": 3, "answer": None}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"person": 1, "position": 10, "answer": "d"}, 404),
        ({"person": 1, "position": 0, "answer": "x"}, 422),
        ({"person": 1, "position": 0, "answer": "d", "more": 1}, 422),
        (b"{", 422),
        (b" " * (LARGEST_MESSAGE + 1), 413),
    ],
)
def test_what_is_no_answer_is_refused(app, body, status):
    ask(app, "POST", "/api/person", {"name": "Ada"})
    assert ask(app, "POST", "/api/label", body)[0] == status


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"cookie": None}, {"sec-fetch-site": "cross-site"}],
)
def test_the_guard_lets_nobody_else_past(headers):
    async def guarded(scope, receive, send):
        raise AssertionError("it was reached")

    assert ask(Guard(guarded, TOKEN, PORT), "GET", "/labels/1", **headers)[0] == 403


@pytest.mark.parametrize("name", ["", " ", "a" * 61, "a\nb"])
def test_a_name_can_be_printed(name):
    assert named(" Ada ") == "Ada"
    with pytest.raises(ValueError, match="printable"):
        named(name)


@pytest.mark.parametrize(("flag", "arguments"), [("pairs", {"pairs": 0}), ("port", {"port": 65536})])
def test_arguments_that_make_no_sense_are_refused_before_anything_is_opened(tmp_path, flag, arguments):
    with pytest.raises(UsageError, match=flag):
        label_run(tmp_path / "no run", **arguments)
