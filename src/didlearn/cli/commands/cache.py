"""``didlearn cache``."""

from __future__ import annotations

from typing import Annotated

import typer

from didlearn.cli.shown import shown


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Forget all of it.", show_default=False)] = False,
) -> None:
    """Show how much is kept of real images' features for other runs, and where."""
    from didlearn.embeddings.features_cache import FeaturesCache, cache_folder, cache_limit
    from didlearn.result.words import number

    kept = FeaturesCache(cache_folder() / "features", cache_limit())
    if clear:
        kept.clear()
    held = kept.held()
    spaces = f"{number(held.embeddings)} embedding{'s' * (held.embeddings != 1)}"
    of = f"of {number(held.images)} images in {spaces}, " if held.images else ""
    print(f"features {of}{held.bytes / 1e9:.3g} of {kept.limit / 1e9:.3g} GB: {shown(kept.folder)}")
