"""``audit``: open what is to be audited, run the checks, and keep every result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from didlearn.audit.check import Check
from didlearn.audit.described import describe_audited, environment_of
from didlearn.audit.kept import claim_run, kept_in, settings_of
from didlearn.audit.matched_classes import Audited, match_audited
from didlearn.audit.opening import check_points, open_generator
from didlearn.audit.outside_names import refuse_taken_names
from didlearn.audit.real_sets import open_real
from didlearn.audit.run_check import run_check
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
from didlearn.parallel import default_threads
from didlearn.progress import CHECKS_DONE, Progress, silent
from didlearn.readiness.devices import check_device
from didlearn.readiness.outputs import check_folder, storing
from didlearn.result.answer import answer_of
from didlearn.result.files import RUN_FILES, AuditResult
from didlearn.result.values import CheckResult
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
    embedding: str | Embedding = "pixels",
    weights: str | Path | None = None,
    points: bool = False,
    noise: float | None = None,
    heldout_fraction: float = 0.2,
    drop_shared: bool = False,
    size: int | None = None,
    channels: int | None = None,
    megapixels: int | None = None,
    skip_broken: bool = False,
    latent_shape: Sequence[int] | None = None,
    value_range: tuple[float, float] | str | None = "infer",
    prior: Any = None,
    classes: int | None = None,
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
        embedding: a spec, or an ``Embedding``. autoencoder: what ``open_autoencoder`` takes.
        backend: who does the units of drawing, embedding, searches and chains: ``"threads"``, ``"loky"`` (processes),
            ``"dask"``, ``"ray"``; processes for what is long, and threads else, when ``None``.
        address: of a cluster; without one it is begun here.
        output: run folder; written after every check, and its report at the end. What the same audit left there is not
            done again: a kill loses the units that were being done.
        restart: forget what is left there, also of an audit of something else.
        no_cache: neither take features of real images from the user's cache nor keep them there.
        progress: called with (what, done, total): of the whole audit with "checks", their numbers.
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
    if output is not None:
        check_folder(output)
    pictured = {"size": size, "channels": channels, "megapixels": megapixels, "skip_broken": skip_broken}
    of_networks = {"latent_shape": latent_shape, "prior": prior, "classes": classes, "autoencoder": autoencoder}
    check_points(points, noise, embedding, pictured | of_networks)
    if points:
        embedding = GivenFeatures()
    else:
        check_model(generator, trust_code)
    if isinstance(embedding, str):
        check_embedding(embedding, trust_code, None if weights is None else Path(weights))
    check_autoencoder(autoencoder, trust_code)
    for source in (train, heldout, *(outside or {}).values()):
        check_images(source)
    moments = None if train_statistics is None else read_moments(train_statistics)
    threads = default_threads() if threads is None else threads
    with _limited(threads):
        opening: dict[str, Any] = pictured | {"points": points}
        beside = None if autoencoder is None else open_autoencoder(autoencoder, trust_code=trust_code, device=device)
        real = open_real(train, heldout, seed, heldout_fraction, drop_shared, opening)
        others = {name: open_images(spec, name=name, **opening) for name, spec in (outside or {}).items()}
        said: dict[str, Any] = {
            "latent_shape": latent_shape,
            "value_range": value_range,
            "prior": prior,
            "classes": classes,
        }
        made_of = {name: value for name, value in opening.items() if name != "points"}
        model = open_generator(generator, said, made_of, points=points, trust_code=trust_code, device=device)
        audited = match_audited(model, real.train, real.heldout, others)
        workdir = None if output is None else Path(output)
        said |= opening | {"noise": noise, "autoencoder": beside and beside.name}
        described, environment = (
            describe_audited(audited) | ({} if moments is None else {"train_statistics": moments.described()}),
            environment_of(
                device=device,
                threads=threads,
                batch_size=batch_size,
                seed=seed,
                settings=settings_of(said, (generator, autoencoder, embedding)),
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
                notes=real.notes + audited.notes + (() if moments is None else moments.notes),
            )
            result = _run(chosen, subject, begun, workdir, restart=restart)
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
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


def _run(
    checks: list[Check], subject: Subject, audited: AuditResult, output: Path | None, *, restart: bool
) -> AuditResult:
    kept = kept_in(None if restart else output, audited)
    if kept.differs:
        subject.progress(f"what {output} holds is asked again: {kept.differs}", 0, 0)
    asked = {check.name: kept.of(check) for check in checks}
    # What is kept stands in the file from the first save on: a kill later must not lose it.
    results = {name: result for name, known in kept.results.items() if (result := asked.get(name, known)) is not None}
    audited = _with_results(audited, results, checks)
    for number, check in enumerate(checks):
        subject.progress(CHECKS_DONE, number, len(checks))
        if asked[check.name] is not None:
            subject.progress(f"{check.name}: kept from the run before", 0, 0)
            continue
        why = kept.changed(check)
        subject.progress(f"check: {check.name}", 0, 0)
        if why:
            subject.progress(f"{check.name} is asked again: {why}", 0, 0)
        results[check.name] = run_check(check, subject)
        audited = _with_results(audited, results, checks)
        if output is not None:
            with storing(output):
                audited.save(output)
    if checks:
        subject.progress(CHECKS_DONE, len(checks), len(checks))
    return audited


def _with_results(audited: AuditResult, results: dict[str, CheckResult], checks: list[Check]) -> AuditResult:
    """Return the audit with results in the order asked for, then those that an earlier run left, and their answer."""
    order = dict.fromkeys([*(check.name for check in checks), *results])
    done = tuple(results[name] for name in order if name in results)
    return audited.model_copy(update={"checks": done, "answer": answer_of(done) if done else None})
