"""A folder for each question, and beside them what two questions share; importing this registers every check.

A check of another package is announced by an entry point of the group ``didlearn.checks``, which names its class.
"""

import warnings
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from didlearn.audit.check import CHECKS, register

__all__ = ["CHECKS"]

for _folder in sorted(path.parent.name for path in Path(__file__).parent.glob("*/check.py")):
    import_module(f"{__name__}.{_folder}.check")

for _found in entry_points(group=__name__):
    try:
        register(_found.load())
    except Exception as error:  # noqa: BLE001 (another package's fault must not take every command with it)
        warnings.warn(f"the check {_found.name!r} of another package cannot be used: {error}", stacklevel=2)

# The order of the page: the question a reader asks first comes first.
for _name in sorted(CHECKS, key=lambda name: (CHECKS[name].position, name)):
    CHECKS[_name] = CHECKS.pop(_name)
