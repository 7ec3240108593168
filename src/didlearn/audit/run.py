"""``audit``: open what is to be audited, run the checks, and keep every result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from didlearn.audit.check import Check
from didlearn.audit.described import describe_audited, environment_of
from didlearn.audit.kept import claim_run, settings_of
from didlearn.audit.matched_classes import Audited, match_audited
from didlearn.audit.opening import check_points, open_generator
from didlearn.audit.outside_names import refuse_taken_names
from didlearn.audit.real_sets import open_real
from didlearn.audit.running.budget import TimeBudget, seconds_in
from didlearn.audit.running.loop import run_checks
from didlearn.audit.spec import build_checks, rebuilt, refuse_keyword
from didlearn.audit.subject import Subject
from didlearn.claim import at_work
from didlearn.embeddings import Embedding, embed, open_embedding
from didlearn.embeddings.features_cache import FeaturesCache, cache_limit
from didlearn.embeddings.moments import FeatureMoments, read_moments
from didlearn.embeddings.open import check_embedding
from didlearn.embeddings.pixels import GivenFeatures
from didlearn.embeddings.probe import probe_on
from didlearn.errors import UsageError
from didlearn.foreign.files import refuse_outward_links
from didlearn.images import open_images
from didlearn.images.open import check_images
from didlearn.images.points import check_noise
from didlearn.models.open import check_model
from didlearn.models.reconstructor import check_autoencoder, open_autoencoder
from didlearn.parallel import default_threads, limited_blas
from didlearn.progress import Progress, silent
from didlearn.readiness.devices import check_device
from didlearn.readiness.outputs import check_folder
from didlearn.result.files import RUN_FILES, AuditResult
from didlearn.units.cluster import check_backend, placed


def audit(
    *,
    generator: Any = None,
    train: Any = None,
    heldout: Any = None,
    train_statistics: str | Path | None = None,
    outside: Mapping[str, Any] | None = None,
    checks: Iterable[str | Check] | None = None,
    seed: int = 0,
    budget: str | float | None = None,
    embedding: str | Embedding = "pixels",
    weights: str | Path | None = None,
    points: bool = False,
    noise: float | None = None,
    heldout_fraction: float = 0.2,
    drop_shared: bool = False,
    size: int | None = None,
    channels: int | None = None,
    crop: int | None = None,
    megapixels: int | None = None,
    skip_broken: bool = False,
    latent_shape: Sequence[int] | None = None,
    value_range: tuple[float, float] | str | None = "infer",
    prior: Any = None,
    classes: int | None = None,
    classes_of: str | Embedding | None = None,
    architecture: str | None = None,
    architecture_arguments: Mapping[str, Any] | None = None,
    code_path: str | None = None,
    trust_code: bool = False,
    autoencoder: Any = None,
    device: str = "cpu",
    batch_size: int = 256,
    threads: int | None = None,
    backend: str | None = None,
    address: str | None = None,
    output: str | Path | None = None,
    restart: bool = False,
    no_cache: bool = False,
    progress: Progress = silent,
    **unknown: Any,
) -> AuditResult:
    """Ask every question the inputs allow, and return the answers with their evidence.

    The keywords are the options that ``AuditSpec`` declares, and it says what each does. Data and models may be objects
    here, and a check may bring its parameters.

    Args:
        generator: what ``open_model`` takes. train, heldout: what ``open_images`` takes. outside: the same, by name.
        train_statistics: ``mu`` and ``sigma`` of training images' features, an ``.npz`` file.
        checks: names, or checks with parameters of their own; all when ``None``.
        budget: time for all checks, ``"20m"`` or seconds; those that go through the decoder are asked with as many
            images and as long a search as fit, and say so. Unless given, each as it is asked.
        embedding: a spec, or an ``Embedding``. classes_of: the same, of a classifier of the generator's classes.
        autoencoder: what ``open_autoencoder`` takes.
        backend: who does the units of drawing, embedding, searches and chains: ``"threads"``, ``"loky"`` (processes),
            ``"dask"``, ``"ray"``; processes for what is long, and threads else, when ``None``.
        address: of a cluster; without one it is begun here.
        output: run folder; written after every check, and its report at the end. What the same audit left there is not
            done again: a kill loses the units that were being done.
        restart: forget what is left there, also of an audit of something else.
        no_cache: neither take features of real images from the user's cache nor keep them there.
        progress: called with (what, done, total): of the whole audit with "checks", their numbers; of a check that goes
            through the decoder with "passes", its passes of an image; of checks after it with "later passes", theirs
            and how many they are. A total of 0: a sentence.
        unknown: refused, with the keyword that is meant.

    Returns:
        One result per check, with provenance. A check that fails to run has verdict ``error``; the others go on.

    Raises:
        UsageError, DataError, ModelError, MissingExtraError: an input cannot be opened or used, or the run folder
            holds an audit of something else. StorageError: it cannot be written to any more.
    """
    if unknown:
        refuse_keyword(next(iter(unknown)), unknown)
    chosen = _checks(checks)
    refuse_taken_names(outside or {})
    check_device(device)
    cache_limit()
    check_backend(backend, address)
    allowed = None if budget is None else seconds_in(budget)
    if output is not None:
        check_folder(output)
    code: dict[str, Any] = {
        "architecture": architecture,
        "architecture_arguments": architecture_arguments or None,
        "code_path": code_path,
    }
    pictured = {"size": size, "channels": channels, "megapixels": megapixels, "skip_broken": skip_broken}
    of_pictures = {"crop": crop, "value_range": value_range, "autoencoder": autoencoder}
    check_points(points, noise, embedding, pictured | of_pictures)
    if points:
        embedding = GivenFeatures()
    check_model(generator, trust_code, **code, points=points)
    if isinstance(embedding, str):
        check_embedding(embedding, trust_code, None if weights is None else Path(weights))
    check_autoencoder(autoencoder, trust_code)
    if isinstance(classes_of, str):
        check_embedding(classes_of, trust_code)
    for source in (train, heldout, *(outside or {}).values()):
        check_images(source)
    moments = None if train_statistics is None else read_moments(train_statistics)
    threads = default_threads() if threads is None else threads
    with _limited(threads):
        opening: dict[str, Any] = pictured | {"points": points}
        beside = None if autoencoder is None else open_autoencoder(autoencoder, trust_code=trust_code, device=device)
        real = open_real(train, heldout, seed, heldout_fraction, drop_shared, opening | {"crop": crop})
        others = {name: open_images(spec, name=name, **opening) for name, spec in (outside or {}).items()}
        said: dict[str, Any] = {
            "latent_shape": latent_shape,
            "value_range": value_range,
            "prior": prior,
            "classes": classes,
            **code,
        }
        model = open_generator(generator, said, opening, trust_code=trust_code, device=device)
        audited = match_audited(model, real.train, real.heldout, others)
        workdir = None if output is None else Path(output)
        telling = classes_of
        if isinstance(telling, str):
            telling = open_embedding(telling, train=audited.train, trust_code=trust_code, device=device)
        # The fingerprint is of the code that weights go into, wherever that lies.
        said |= opening | {
            "crop": crop,
            "noise": noise,
            "autoencoder": beside and beside.name,
            "classes_of": telling and telling.name,
            "architecture": None,
            "code_path": None,
        }
        described, environment = (
            describe_audited(audited) | ({} if moments is None else {"train_statistics": moments.described()}),
            environment_of(
                device=device,
                threads=threads,
                batch_size=batch_size,
                seed=seed,
                settings=settings_of(said, (generator, autoencoder, embedding, classes_of)),
            ),
        )
        with _at_work(workdir), placed(backend, address, threads):
            records = None if workdir is None else claim_run(workdir, described, environment, restart=restart)
            space = embedding
            if isinstance(space, str):
                space = open_embedding(
                    space,
                    train=audited.train,
                    heldout=audited.heldout,
                    trust_code=trust_code,
                    weights=None if weights is None else Path(weights),
                    cache=None if workdir is None else workdir / "cache",
                    seed=seed,
                    device=device,
                    threads=threads,
                    progress=progress,
                )
            elif (known := real[0] if real[0] is not None else real[1]) is not None:
                probe_on(space.to(device), known, device)
            if moments is not None:
                _check_moments(moments, space, audited, device)
            subject = Subject(
                audited.model,
                audited.train,
                audited.heldout,
                train is not None and heldout is None,
                audited.outside,
                space,
                seed,
                device,
                batch_size,
                threads,
                workdir=workdir,
                records=records,
                progress=progress,
                autoencoder=beside,
                classifier=telling,
                trust_code=trust_code,
                cache=None if no_cache else FeaturesCache.of_user(),
                statistics=moments,
                points=points,
                noise=check_noise(noise),
            )
            begun = AuditResult(
                checks=(),
                subject=described | {"embedding": space.name},
                environment=environment,
                notes=real.notes + audited.notes,
            )
            within = None if allowed is None else TimeBudget(str(budget), allowed)
            result = run_checks(chosen, subject, begun, workdir, within, restart=restart)
            if workdir is not None and result.checks:
                from didlearn.report import write_report  # with matplotlib, for those who asked for a page

                write_report(workdir)
            return result


def _check_moments(moments: FeatureMoments, space: Embedding, audited: Audited, device: str) -> None:
    """Refuse statistics of another embedding, before anything is measured."""
    known = next((images for images in (audited.train, audited.heldout) if images is not None), None)
    shape = known.shape if known is not None else audited.model.image_shape if audited.model is not None else None
    if shape is not None:
        trial = np.full((1, *shape), 0.5, np.float32)
        moments.check_embedding(space.name, embed(space, trial, device=device).shape[1])


def _at_work(folder: Path | None) -> AbstractContextManager[None]:
    """Hold the run folder, if there is one, against a second audit."""
    if folder is None:
        return nullcontext()
    folder.mkdir(parents=True, exist_ok=True)
    refuse_outward_links(folder, RUN_FILES)
    return at_work(folder, "give another --output")


def _checks(checks: Iterable[str | Check] | None) -> list[Check]:
    asked = build_checks((), {}) if checks is None else checks
    built = [rebuilt(check) if isinstance(check, Check) else build_checks([check], {})[0] for check in asked]
    names = [check.name for check in built]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"check {twice[0]!r} is asked for twice; name it once")
    return built


@contextmanager
def _limited(threads: int) -> Iterator[None]:
    """Hold torch and the BLAS libraries to a number of threads, and put the settings back."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with limited_blas(threads):
            yield
    finally:
        torch.set_num_threads(before)
