"""What the ``label`` command does: serve the page, or write out what was labelled."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Self

from didlearn.errors import MissingExtraError, UsageError
from didlearn.labelling.export import write_csv
from didlearn.labelling.outcome import RESULT_FILE, write_outcome
from didlearn.labelling.sheet import Sheet
from didlearn.labelling.store import Store
from didlearn.naming import option


def label_run(
    run: Path,
    *,
    port: int = 0,
    labeller: str | None = None,
    pairs: int | None = None,
    seed: int = 0,
    export: Path | None = None,
    finish: bool = False,
    browse: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the labelling page of a run until interrupted, or export and finish without serving.

    Args:
        run: the run folder of an audit. port: to serve on; any free one if 0. labeller: who labels; else the page asks.
        pairs: how many pairs each labeller is asked. seed: of the order they come in.
        export: write the labels there as CSV, and stop. finish: write the estimate from the labels, and stop.
        browse: open a browser at the page.
        say: told each line of the command's output.

    Raises:
        UsageError, ResultError: the arguments or the run cannot be used.
        MissingExtraError: the server is not installed.
    """
    if pairs is not None and pairs < 1:
        raise UsageError(f"{option('pairs', None)} is {pairs}; give 1 or more")
    if not 0 <= port <= 65535:
        raise UsageError(f"{option('port', None)} is {port}; give 0 to 65535")
    sheet = Sheet.load(run)
    store = Store.open(run, sheet.fingerprint)
    try:
        if export is not None:
            write_csv(export, sheet, store.labels())
            say(str(export))
        if export is not None or finish:
            write_outcome(sheet, store.labels())
            say(str(run / RESULT_FILE))
        else:
            _serve(sheet, store, port, labeller, pairs, seed, browse, say)
    finally:
        store.close()


def _serve(
    sheet: Sheet,
    store: Store,
    port: int,
    labeller: str | None,
    pairs: int | None,
    seed: int,
    browse: bool,
    say: Callable[[str], None],
) -> None:
    try:
        import uvicorn

        from didlearn.labelling.app import Labelling, make_app
        from didlearn.labelling.connection import TimedConnection
    except ImportError:
        raise MissingExtraError("labelling needs a server; install it with: pip install 'didlearn[label]'") from None
    name = None if labeller is None else _checked_name(labeller)
    with _listen(port) as listening, Writer(sheet, store) as writer:
        port, token = listening.getsockname()[1], secrets.token_urlsafe(32)
        app = make_app(Labelling(sheet, store, seed, pairs, name, writer.changed), token, port)
        config = uvicorn.Config(
            app, http=TimedConnection, log_level="warning", access_log=False, lifespan="off", server_header=False
        )
        _announce(f"http://127.0.0.1:{port}/?token={token}", browse, say)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
    say(f"labels: {sheet.run / RESULT_FILE}; take them in with: didlearn report {sheet.run}")


def _checked_name(labeller: str) -> str:
    from didlearn.labelling.requests import named

    try:
        return named(labeller)
    except ValueError as error:
        raise UsageError(f"{option('labeller', None)} is {labeller!r}: {error}") from None


def _announce(address: str, browse: bool, say: Callable[[str], None]) -> None:
    say(f"label at {address}")
    if browse:
        webbrowser.open(address)


def _listen(port: int) -> socket.socket:
    """Return a socket on loopback and no other interface."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()
    except OSError as error:
        listening.close()
        another = option("port", None)
        raise UsageError(f"port {port} cannot be used ({error.strerror}); give another {another}, or 0") from None
    return listening


class Writer:
    """Keeps ``RUN/labels/result.json`` up to date beside the server, so that a press never waits for an estimate.

    Whatever a kill keeps it from writing is in the store, and written when labelling is started again.
    """

    def __init__(self, sheet: Sheet, store: Store) -> None:
        self._sheet, self._store = sheet, store
        self._wake, self._stopping = threading.Event(), False
        self._wake.set()
        self._thread = threading.Thread(target=self._run, name="labels", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def changed(self) -> None:
        """Say that there is something new to write."""
        self._wake.set()

    def __exit__(self, *_: object) -> None:
        """Write what is new and end, before the store is closed."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            self._wake.wait()
            self._wake.clear()
            stopping = self._stopping
            labels = self._store.labels()
            if labels or (self._sheet.run / RESULT_FILE).exists():
                # A full disk, say, must not end labelling: the store says so itself where it cannot go on.
                with contextlib.suppress(OSError):
                    write_outcome(self._sheet, labels)
