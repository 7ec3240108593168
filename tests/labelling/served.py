"""A running ``didlearn label``, and requests to it written by hand: what a hostile client would send."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass
class Served:
    process: subprocess.Popen
    address: str
    headers: dict = field(default_factory=dict)

    @property
    def port(self):
        return urlsplit(self.address).port

    @property
    def token(self):
        return parse_qs(urlsplit(self.address).query)["token"][0]

    def own(self):
        """The headers of the page's own requests."""
        return {"Cookie": f"didlearn-label-{self.port}={self.token}", "Origin": f"http://127.0.0.1:{self.port}"}

    def ask(self, method, path, body=None, headers=None, *, known=True, host=None):
        """Send one request exactly as given; return (status, headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        sent = {"Host": host or f"127.0.0.1:{self.port}"} | (self.own() if known else {}) | (headers or {})
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            sent = {"Content-Type": "application/json", "Content-Length": str(len(data))} | sent
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(data)
        reply = connection.getresponse()
        found = reply.status, dict(reply.headers), reply.read()
        connection.close()
        return found

    def enter(self, name):
        return json.loads(self.ask("POST", "/api/person", {"name": name})[2])

    def press(self, person, position, answer):
        return self.ask("POST", "/api/label", {"person": person, "position": position, "answer": answer})[0]


@contextmanager
def serving(run, *flags):
    """Run ``didlearn label`` as a process of its own."""
    command = [sys.executable, "-m", "didlearn", "label", str(run), *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith("label at http://127.0.0.1:"), line
        yield Served(process, line.split()[-1])
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
        process.stdout.close()
