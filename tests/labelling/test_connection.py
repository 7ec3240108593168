"""Clients that open a connection and then are in no hurry."""

import contextlib
import socket
import threading
import time

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from didlearn.labelling.connection import TimedConnection

PATIENCE = 0.5


class Impatient(TimedConnection):
    patience = PATIENCE


def slow(_):
    time.sleep(3 * PATIENCE)
    return PlainTextResponse("done")


@pytest.fixture(scope="module")
def port():
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here")), Route("/slow", slow)])
    server = uvicorn.Server(uvicorn.Config(app, http=Impatient, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def ask(port, path="/"):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: client.recv(4096), b""))


BEGINNINGS = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost:",
    "half a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
    "half a second request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
}


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_who_does_not_finish_a_request_is_dropped(port, beginning):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(beginning)
        with contextlib.suppress(ConnectionResetError):
            while client.recv(4096):
                pass


def test_a_byte_now_and_then_buys_no_time(port):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client, contextlib.suppress(OSError):
        for _ in range(200):
            client.sendall(b"G")
            time.sleep(PATIENCE / 5)
    assert time.monotonic() - began < 20 * PATIENCE


def test_an_answer_may_take_longer_than_a_request(port):
    assert ask(port, "/slow").endswith(b"done")


def test_a_hundred_idle_connections_stop_nobody(port):
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)).sendall(b"GET")
        assert ask(port).endswith(b"here")
