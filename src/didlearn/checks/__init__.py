"""One file per question. Importing this package registers every check."""

from importlib import import_module
from pkgutil import iter_modules

from didlearn.check import CHECKS

for _module in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")

# The order of the page: the question a reader asks first comes first.
for _name in sorted(CHECKS, key=lambda name: CHECKS[name].position):
    CHECKS[_name] = CHECKS.pop(_name)
