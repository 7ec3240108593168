"""A running ``didlearn label``, and requests to it written by hand: what a hostile client would send."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.typed import exit_code


@dataclass
class Served:
    process: subprocess.Popen | Forked
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


class Forked:
    """``didlearn ARGS`` in a process of its own that has loaded all that this one has: loading it takes two seconds.

    What one does with it is named as ``subprocess.Popen`` names it.
    """

    def __init__(self, *args):
        readable, writable = os.pipe()
        self.returncode = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads hold nothing that a server needs
            self.pid = os.fork()
        if not self.pid:
            become(args, writable)
        os.close(writable)
        self.stdout = os.fdopen(readable, encoding="utf-8")

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout=60):
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            assert time.monotonic() < deadline, "the process does not end"
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


def become(args, writable):
    """Run the command line on these arguments with stdout into a pipe, and never come back to the tests."""
    code = 1
    try:
        os.dup2(writable, 1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv[:] = ["didlearn", *args]
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
        code = exit_code()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 (whatever it is, it ends here and not in the tests)
        traceback.print_exc()
    finally:
        os._exit(code)


@contextmanager
def serving(run, *flags, program=False):
    """Run ``didlearn label`` as a process of its own, on demand as a program that loads everything itself."""
    words = ["label", str(run), *flags]
    command = [sys.executable, "-m", "didlearn", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True) if program else Forked(*words)
    try:
        line = process.stdout.readline()
        assert line.startswith("label at http://127.0.0.1:"), line
        yield Served(process, line.split()[-1])
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
        process.stdout.close()
