"""``memorizing-bigan``: a BiGAN at the optimum of its objective that learned nothing (Arora et al. 2018, Theorem 3).

The generator repeats m memorised images, the encoder returns noise, and discriminators of growing capacity are trained
to tell (x̃ ⊙ z, E(x̃ ⊙ z)) from (G(z), z). For m far above their capacity they cannot, as they cannot tell an honest
generator, which draws a new x̃ for every z. A BiGAN that is trained on x̃ as usual is judged by the same discriminators.
Six measures, each a row of its own:

- ``advantage``: of one discriminator against one generator;
- ``bigan``: a trained BiGAN against discriminators of every width, and what its code says;
- ``network``: the generator as a ReLU network: its weights, how often it is not its definition, and the two cycles;
- ``code``: what an encoder's code says about the image, with encoders of which it is known beside it;
- ``sets``: the advantage where there is a training set and a set of seeds instead of laws (``finite_sets``);
- ``lemmas``: the two lemmas of the proof, for one discriminator (``lemmas``).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from didlearn.errors import UsageError
from didlearn.rng import Stream
from didlearn.statistics.intervals import clopper_pearson
from didlearn.statistics.means import mean
from didlearn.studies.memorizing_bigan.codes import hsic_pvalue, probe_accuracy
from didlearn.studies.memorizing_bigan.discriminators import DiscriminatorScore, distinguish
from didlearn.studies.memorizing_bigan.finite_sets import set_cells, sets_row
from didlearn.studies.memorizing_bigan.learned_pairs import learn
from didlearn.studies.memorizing_bigan.lemmas import lemma_cells, lemmas_row
from didlearn.studies.memorizing_bigan.pairs import generated_pairs, law_of, memorizing, real_pairs
from didlearn.studies.memorizing_bigan.settings import STUDY_NAME, MemorizingBigan
from didlearn.studies.memorizing_bigan.smoothed_law import SmoothedLaw
from didlearn.studies.study import StudyCell, StudyRow, Workplace
from didlearn.zoo.memorizing.generator import MemorizingGenerator, NoiseEncoder, noise_positions, noised

# Parts of the principal components of x̃ in the code, by variance: none, a tenth and all.
KNOWN_ENCODERS = {"noise-extracting": 0.0, "one tenth image": 0.1, "principal components": 1.0}
_UNITS = 2**22
_WORK = 2**24


def cells(settings: MemorizingBigan) -> list[StudyCell]:
    """Return the rows to be computed, each named by a small dictionary; one seed is whole before the next begins."""
    judged: list[StudyCell] = []
    for seed in range(settings.seeds):
        judged.append({"measure": "bigan", "seed": seed})
        judged += [
            {"measure": "advantage", "model": model, "support": support, "width": width, "seed": seed}
            for model, support in [("honest", None), *(("memorizing", m) for m in settings.supports)]
            for width in settings.widths
        ]
        judged += set_cells(settings, seed)
    networks: list[StudyCell] = [{"measure": "network", "support": m} for m in settings.supports]
    return [{"measure": "code", "encoder": name} for name in KNOWN_ENCODERS] + networks + lemma_cells(settings) + judged


def run_cell(settings: MemorizingBigan, cell: StudyCell, stream: Stream, place: Workplace) -> StudyRow:
    """Compute one row of JSON values.

    Args:
        settings: of the study. cell: one of ``cells(settings)``.
        stream: the cell's own; what cells share (the memorised images) is drawn from its seed and their names.
        place: where a BiGAN is trained.

    Raises:
        UsageError: the cell names no measure, model or encoder. DataError: the data cannot be read.
        ModelError: the training of the BiGAN diverged.
    """
    measures: dict[str, Callable[[MemorizingBigan, StudyCell, Stream], StudyRow]] = {
        "advantage": _advantage,
        "bigan": lambda settings, _, stream: _bigan(settings, stream, place),
        "network": _network,
        "code": _code,
        "sets": sets_row,
        "lemmas": lemmas_row,
    }
    if cell.get("measure") not in measures:
        raise UsageError(f"{STUDY_NAME} has no measure {cell.get('measure')!r}; it has {', '.join(measures)}")
    return measures[cell["measure"]](settings, cell, stream)


def _advantage(settings: MemorizingBigan, cell: StudyCell, stream: Stream) -> StudyRow:
    real = real_pairs(law_of(settings), settings.latent)
    if cell["model"] == "honest":
        generated = real
    elif cell["model"] == "memorizing":
        # All discriminators of a seed face the same generator.
        shared = Stream(stream.seed, (STUDY_NAME, cell["support"], cell["seed"]))
        generated = generated_pairs(memorizing(settings, cell["support"], shared))
    else:
        raise UsageError(f"{STUDY_NAME} has no model {cell['model']!r}; it has honest and memorizing")
    return _judged(distinguish(real, generated, cell["width"], settings.training, stream), settings.test)


def _judged(found: DiscriminatorScore, test: int) -> StudyRow:
    return {
        "advantage": found.advantage.value,
        "low": found.advantage.low,
        "high": found.advantage.high,
        "real_taken": found.real_taken,
        "generated_taken": found.generated_taken,
        "test": test,
        "parameters": found.parameters,
        "steps": found.steps,
    }


def _bigan(settings: MemorizingBigan, stream: Stream, place: Workplace) -> StudyRow:
    """Train a BiGAN once for all widths: judge its pairs, and test its code as that of any other encoder."""
    law = law_of(settings)
    pairs, distance = learn(settings.recipe, law, settings.bigan_images, stream.child("bigan"), place)
    judged = [
        {"width": width}
        | _judged(distinguish(pairs.real, pairs.generated, width, settings.training, own), settings.test)
        for width in settings.widths
        for own in [stream.child("judged", width)]
    ]
    images, labels = law.draw_labelled(10 * settings.probed, stream.torch("images"))
    return {"frechet_distance": distance, "judged": judged} | _code_row(
        settings, images, labels, pairs.code(images), stream
    )


def _network(settings: MemorizingBigan, cell: StudyCell, stream: Stream) -> StudyRow:
    """Run the generator as the network it is: against its definition, and both cycles in units of Var(x̃)."""
    law, support = law_of(settings), cell["support"]
    generator = memorizing(settings, support, stream)
    count = max(256, min(settings.checked, _WORK // support))
    z = torch.randn(count, settings.latent, generator=stream.torch("codes"))
    x = noised(law.draw(count, stream.torch("fresh")), z)
    made = _in_parts(generator, z)
    wrong = int((made != generator.lookup(z)).flatten(1).any(dim=1).sum())
    low, high = clopper_pearson(wrong, count)
    return {
        "weights": sum(generator.weights().values()),
        "memory": support * made[0].numel(),
        "expected_mismatch": generator.mismatch,
        "checked": count,
        "mismatch": wrong / count,
        "mismatch_low": low,
        "mismatch_high": high,
        "z_cycle": float((NoiseEncoder(law.shape, settings.latent)(made) - z).square().max()),
        **_image_cycle(made - x, law, settings.latent, stream),
    }


def _image_cycle(error: torch.Tensor, law: SmoothedLaw, latent: int, stream: Stream) -> StudyRow:
    """Return the mean squared error (n, C, H, W) of G(E(x)) beside the code, over Var(x̃), with its interval."""
    pixels = _image_part(error, latent)
    variance = float(_image_part(law.draw(20_000, stream.torch("variance")), latent).var(dim=0).mean())
    cycle = mean((pixels.square().mean(dim=1) / variance).numpy())
    return {"x_cycle": cycle.value, "x_cycle_low": cycle.low, "x_cycle_high": cycle.high}


def _in_parts(generator: MemorizingGenerator, z: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([generator(part) for part in z.split(max(1, _UNITS // (3 * generator.support)))])


def _image_part(images: torch.Tensor, latent: int) -> torch.Tensor:
    """Return the coordinates (n, d − d̃) that carry no code."""
    flat = images.flatten(1)
    kept = torch.ones(flat.shape[1], dtype=torch.bool)
    kept[noise_positions(flat.shape[1], latent)] = False
    return flat[:, kept]


def _code(settings: MemorizingBigan, cell: StudyCell, stream: Stream) -> StudyRow:
    """Test x̃ against the code, and probe the code for the class, on images of which nothing else is known."""
    if cell["encoder"] not in KNOWN_ENCODERS:
        raise UsageError(f"{STUDY_NAME} has no encoder {cell['encoder']!r}; it has {', '.join(KNOWN_ENCODERS)}")
    law, share = law_of(settings), KNOWN_ENCODERS[cell["encoder"]]
    images, labels = law.draw_labelled(10 * settings.probed, stream.torch("images"))
    z = torch.randn(len(images), settings.latent, generator=stream.torch("codes"))
    noise = NoiseEncoder(law.shape, settings.latent)(noised(images, z))
    components = _components(_image_part(images, settings.latent).double(), settings.latent)
    return _code_row(settings, images, labels, (1 - share) ** 0.5 * noise + share**0.5 * components, stream)


def _code_row(
    settings: MemorizingBigan, images: torch.Tensor, labels: torch.Tensor | None, codes: torch.Tensor, stream: Stream
) -> StudyRow:
    pixels, law = _image_part(images, settings.latent).double(), law_of(settings)
    n = settings.probed
    hsic, p = hsic_pvalue(pixels[:n].numpy(), codes[:n].double().numpy(), stream.numpy("permutations"))
    row: StudyRow = {"hsic": hsic, "p": p, "images": n}
    if labels is None or law.labels is None:
        return row
    accuracy = probe_accuracy(codes.double().numpy(), labels.numpy(), 5 * n)
    chance = float(torch.bincount(law.labels).max()) / len(law.images)
    return row | {"accuracy": accuracy.value, "low": accuracy.low, "high": accuracy.high, "chance": chance}


def _components(pixels: torch.Tensor, latent: int) -> torch.Tensor:
    """Return the first ``latent`` principal components of (n, d), each of variance 1."""
    left, _, _ = torch.linalg.svd(pixels - pixels.mean(dim=0), full_matrices=False)
    return left[:, :latent] * len(pixels) ** 0.5
