"""A study that takes no time, in a module that worker processes can import."""

import os
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from didlearn.errors import ModelError, UsageError
from didlearn.result.values import CheckResult, Table
from didlearn.studies.study import Study


@dataclass(frozen=True)
class Toy(Study):
    """Draws numbers. ``TOY_PAUSE`` is how long each takes; ``cache/started`` gets a line for each cell begun."""

    name: ClassVar[str] = "toy"
    question: ClassVar[str] = "Are these numbers drawn?"
    FULL: ClassVar[dict[str, Any]] = {"count": 9, "widths": (1, 2, 3)}

    count: int = 3
    widths: tuple[int, ...] = (1, 2)
    words: tuple[str, ...] = ("a",)
    label: str = "x"
    diverging: tuple[int, ...] = ()
    refused: bool = False

    def cells(self):
        return [{"width": width, "seed": seed} for seed in range(self.count) for width in self.widths]

    def run_cell(self, cell, rng, place):
        place.cache.mkdir(parents=True, exist_ok=True)
        with (place.cache / "started").open("a") as file:
            file.write(f"{os.getpid()} {cell['width']} {cell['seed']}\n")
        time.sleep(float(os.environ.get("TOY_PAUSE", "0")))
        if self.refused:
            raise UsageError("this cannot be asked")
        if cell["seed"] in self.diverging:
            raise ModelError(f"it diverged at {cell['seed']}")
        drawn = rng.numpy("value").standard_normal(3)
        return {"value": drawn[0], "list": tuple(drawn.astype(np.float32)), "deep": {"count": np.int64(cell["width"])}}

    def summarise(self, rows):
        lines = tuple((row["width"], row["seed"], row["value"]) for row in rows)
        table = Table(
            name="numbers", title="All numbers", columns=("width", "seed", "value"), rows=lines, csv="numbers.csv"
        )
        return CheckResult(
            check=self.name, verdict="measured", answer=f"{len(rows)} are.", tables=(table,), notes=("A note.",)
        )
