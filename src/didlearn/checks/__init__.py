"""A folder for each question, and beside them what two questions share; importing this registers every check.

A check of another package is announced by an entry point of the group ``didlearn.checks``, which names its class.
"""

import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

from didlearn.audit.check import CHECKS, register

__all__ = ["CHECKS"]

for _folder in sorted(path.parent.name for path in Path(__file__).parent.glob("*/check.py")):
    import_module(f"{__name__}.{_folder}.check")


def _is_announced() -> bool:
    """Whether some package may announce a check; to parse what all of them announce takes a tenth of a second."""
    folders = [Path(entry or ".") for entry in sys.path]
    files = (file for folder in folders for file in folder.glob("*.*-info/entry_points.txt"))
    return any(folder.is_file() for folder in folders) or any(__name__.encode() in file.read_bytes() for file in files)


def _announced() -> "list[EntryPoint]":
    if not _is_announced():
        return []
    from importlib.metadata import entry_points

    return list(entry_points(group=__name__))


for _found in _announced():
    try:
        register(_found.load())
    except Exception as error:  # noqa: BLE001 (another package's fault must not take every command with it)
        warnings.warn(f"the check {_found.name!r} of another package cannot be used: {error}", stacklevel=2)

# The order of the page: the question a reader asks first comes first.
for _name in sorted(CHECKS, key=lambda name: (CHECKS[name].position, name)):
    CHECKS[_name] = CHECKS.pop(_name)
