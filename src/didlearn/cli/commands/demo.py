"""``didlearn demo``: the three audits of ``make demo``, for those who have the package and not its source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from didlearn.cli.shown import shown
from didlearn.errors import DataError

GENERATORS: Final = ("sound", "collapsed", "memorised")
SMALL: Final[dict[str, dict[str, Any]]] = {
    "inversion": {"images": 8, "rounds": 1},
    "likelihood": {"images": 8, "budget": 240},
    "typicality": {"images": 8, "budget": 240, "drawn": 24},
}


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the runs and the page.")] = Path(
        "runs/demo"
    ),
    samples: Annotated[int, typer.Option("--samples", min=100, help="Images drawn of each generator.")] = 10_000,
    checks: Annotated[str, typer.Option("--checks", help="Some checks only, with commas.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", show_default=False)] = False,
) -> None:
    """Audit three small generators of digits, and set them side by side on one page."""
    from didlearn.audit.spec import make_spec
    from didlearn.checks import CHECKS
    from didlearn.cli.commands.auditing import audited
    from didlearn.cli.commands.compare import compare

    models = generators_of_digits()
    asked = [name.strip() for name in checks.split(",") if name.strip()]
    drawn = {name: {"samples": samples} for name, check in CHECKS.items() if "samples" in check.parameters()}
    runs = []
    for name in GENERATORS:
        said = {"train": "digits", "generator": str(models / name), "seed": 0, "checks": asked}
        chosen = {
            check: values for part in (drawn, SMALL) for check, values in part.items() if check in (asked or CHECKS)
        }
        audited(make_spec(said, {"parameters": chosen}).arguments(), output / name, quiet)
        runs.append(output / name)
    compare(runs, output / "compare.html")


def generators_of_digits() -> Path:
    """Return the folder of the three models: beside the package's modules, or in a checkout of its source.

    Raises:
        DataError: they are in neither.
    """
    package = Path(__file__).parents[2]
    for folder in (package / "examples" / "digits", package.parents[1] / "examples" / "digits"):
        if all((folder / name).is_dir() for name in GENERATORS):
            return folder
    raise DataError(f"the demonstration's models are not beside {shown(package)}; install the package again")
