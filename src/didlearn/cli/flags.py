"""How flags are declared, and how those that cannot be used are refused."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand

from didlearn.errors import UsageError


def option(flags: str, help_: str, panel: str, **more: Any) -> Any:
    """Declare a flag, "--name -n", in a panel of the help."""
    return typer.Option(*flags.split(), help=help_, rich_help_panel=panel, show_default=False, **more)


class OnceOnly(TyperCommand):
    """A command that refuses unknown flags with the list of valid ones, and a flag given twice."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Look at the flags as typed, before anything takes the last of two."""
        known = {flag: param for param in self.params for flag in (*param.opts, *param.secondary_opts)}
        known |= {"--help": None}  # type: ignore[dict-item]
        seen: set[str] = set()
        for flag in (word.split("=", 1)[0] for word in args if word.startswith("-") and word.strip("-")):
            if flag.startswith("--") and flag not in known:
                valid = ", ".join(sorted(name for name in known if name.startswith("--")))
                raise UsageError(f"there is no flag {flag}; valid are {valid}")
            param = known.get(flag)
            if param is not None and param.name in seen and not getattr(param, "multiple", False):
                raise UsageError(f"{flag} is given twice; give it once")
            seen |= {param.name} if param is not None and param.name else set()
        return super().parse_args(ctx, args)
