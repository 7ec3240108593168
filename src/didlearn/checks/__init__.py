"""A folder for each question, and beside them what two questions share; importing this registers every check."""

from importlib import import_module
from pathlib import Path

from didlearn.audit.check import CHECKS

for _folder in sorted(path.parent.name for path in Path(__file__).parent.glob("*/check.py")):
    import_module(f"{__name__}.{_folder}.check")

# The order of the page: the question a reader asks first comes first.
for _name in sorted(CHECKS, key=lambda name: CHECKS[name].position):
    CHECKS[_name] = CHECKS.pop(_name)
