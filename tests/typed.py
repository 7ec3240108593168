"""A command as typed, run in this process: what a process of its own would print and exit with, without its imports.

That the program is a program (exit codes, stdout, ``python -m didlearn``) is seen by the few tests that start one.
"""

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from didlearn.cli.app import main


class Done(NamedTuple):
    """What is left of a command, named as ``subprocess.run`` names it."""

    returncode: int
    stdout: str
    stderr: str


def didlearn(*args, cwd=None):
    """Run ``didlearn ARGS`` in a folder; a fault that is no refusal is raised here as it is."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(sys, "argv", ["didlearn", *map(str, args)]))
        stack.enter_context(mock.patch.dict(os.environ))
        stack.enter_context(contextlib.chdir(cwd or Path.cwd()))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        code = exit_code()
    return Done(code, out.getvalue(), err.getvalue())


def exit_code():
    """Run the command line on ``sys.argv`` and return what it exits with."""
    try:
        main()
    except SystemExit as stopped:
        return stopped.code or 0
    return 0
