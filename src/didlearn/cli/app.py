"""The command line. torch and everything that needs it are imported only once a command really runs."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import lru_cache, partial
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from didlearn.checks import CHECKS
from didlearn.cli.commands.audit import audit_command, check_command
from didlearn.cli.commands.cache import cache
from didlearn.cli.commands.compare import compare
from didlearn.cli.commands.demo import demo
from didlearn.cli.commands.history import history
from didlearn.cli.commands.label import label
from didlearn.cli.commands.report import report
from didlearn.cli.commands.sample import sample
from didlearn.cli.commands.statistics import statistics
from didlearn.cli.commands.study import study
from didlearn.cli.commands.train import train
from didlearn.cli.options import OnceOnly
from didlearn.cli.shown import shown
from didlearn.cli.stops import INTERRUPTED, code_of
from didlearn.errors import DidlearnError

_MADE: dict[str, Callable[[], Callable[..., None]]] = {
    "audit": audit_command,
    **{name: partial(check_command, check) for name, check in CHECKS.items()},
    **{
        made.__name__: partial(lambda made: made, made)
        for made in (report, compare, cache, demo, history, label, sample, statistics, train, study)
    },
}


@lru_cache(None)
def _command(name: str) -> TyperCommand:
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name, cls=OnceOnly)(_MADE[name]())
    return cast(TyperCommand, typer.main.get_command(alone))


class _Commands(Mapping[str, TyperCommand]):
    """The commands by name, each made when it is asked for: flags of one are not the price of another's help."""

    def __getitem__(self, name: str) -> TyperCommand:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_MADE)

    def __len__(self) -> int:
        return len(_MADE)


class _Root(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = cast(MutableMapping[str, Any], _Commands())


app = typer.Typer(
    name="didlearn",
    cls=_Root,
    help="Did the generative model learn its distribution? How many different images can it make, and are they copies?",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from didlearn._version import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; exit with 2 and one sentence on an error."""
    # Threads that spin while they wait for one another slow a busy machine down by a factor of twenty and more.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except DidlearnError as error:
        print(f"error: {shown(error)}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt as stop:
        print("stopped: nothing was begun that has to be kept", file=sys.stderr)
        raise SystemExit(code_of(stop)) from None
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 (whatever nobody thought of)
        # Exit code 1 says that a check failed, which a mistake of ours must not.
        if "DIDLEARN_TRACEBACK" in os.environ:
            raise SystemExit(_traced()) from None
        print(f"error: {shown(_unforeseen(error))}", file=sys.stderr)
        raise SystemExit(2) from None


def _unforeseen(error: Exception) -> str:
    said = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return (
        f"{type(error).__name__}: {said} (unforeseen: please report it with what DIDLEARN_TRACEBACK=1 in the "
        "environment prints)"
    )


def _traced() -> int:
    traceback.print_exc()
    return 2
