"""``didlearn statistics``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from didlearn.audit.spec import MEASURE, WORK
from didlearn.cli.options import declared, flag_option
from didlearn.cli.shown import shown


def statistics(
    data: Annotated[str, typer.Argument(help="Images, in any format that --train takes.", show_default=False)],
    output: Annotated[Path, flag_option("--output -o", "The .npz file to write.", WORK)],
    size: Annotated[int | None, declared("size")] = None,
    crop: Annotated[int | None, declared("crop")] = None,
    channels: Annotated[int | None, declared("channels")] = None,
    megapixels: Annotated[int | None, declared("megapixels")] = None,
    skip_broken: Annotated[bool, declared("skip_broken")] = False,
    embedding: Annotated[str, declared("embedding")] = "pixels",
    weights: Annotated[Path | None, declared("weights")] = None,
    trust_code: Annotated[bool, flag_option("--trust-code", "Let the code of an embedding run.", MEASURE)] = False,
    device: Annotated[str, declared("device")] = "cpu",
    batch_size: Annotated[int, declared("batch_size")] = 256,
    threads: Annotated[int | None, declared("threads")] = None,
    no_cache: Annotated[bool, declared("no_cache")] = False,
    seed: Annotated[int, declared("seed")] = 0,
) -> None:
    """Write the first two moments of a data set's features, mu and sigma, for a Fréchet distance."""
    from didlearn.audit.subject import Subject
    from didlearn.embeddings.features_cache import FeaturesCache
    from didlearn.embeddings.moments import FeatureMoments, write_moments
    from didlearn.embeddings.open import check_embedding, open_embedding
    from didlearn.errors import UsageError
    from didlearn.images import open_images
    from didlearn.parallel import default_threads
    from didlearn.readiness.devices import check_device
    from didlearn.readiness.outputs import check_file

    if output.suffix != ".npz":
        raise UsageError(f"statistics are written to a .npz file; give --output {output.stem}.npz")
    check_file(output)
    check_device(device)
    check_embedding(embedding, trust_code, weights)
    images = open_images(data, size=size, crop=crop, channels=channels, megapixels=megapixels, skip_broken=skip_broken)
    space = open_embedding(
        embedding, train=images, trust_code=trust_code, weights=weights, seed=seed, device=device, threads=threads
    )
    cache = None if no_cache else FeaturesCache.of_user()
    asked = Subject(
        None, images, embedding=space, device=device, batch_size=batch_size, threads=threads or default_threads(),
        cache=cache,
    )  # fmt: skip
    moments = FeatureMoments.of(asked.embed(images), space.name, images.name)
    print(f"statistics of {len(images)} images, {len(moments.mean)} features: {shown(write_moments(output, moments))}")
