"""Import every module of didlearn and say how many: what a Python, or a set of versions, must do at the least."""

import importlib
import pkgutil
import sys

import didlearn

names = [
    found.name for found in pkgutil.walk_packages(didlearn.__path__, "didlearn.") if found.name != "didlearn.__main__"
]
for name in names:
    importlib.import_module(name)
print(f"{len(names)} modules imported by Python {sys.version.split()[0]}")
