"""The birthday-paradox test end to end: oracle generators of known law, calibration, invariance, power."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.checks.sameness import PERTURBED
from didlearn.checks.support.check import Support
from didlearn.models.oracles import DiscreteGenerator, atom_probabilities
from didlearn.result.parts import Parts
from didlearn.result.values import Series


def two_level(n):
    """Half the mass on one image in eleven."""
    few = n // 11
    return np.concatenate([np.full(few, 0.5 / few), np.full(n - few, 0.5 / (n - few))])


LAWS = {
    "uniform": lambda n: np.full(n, 1 / n),
    "5 % atom": lambda n: atom_probabilities(n, 0.05),
    "10 % atom": lambda n: atom_probabilities(n, 0.1),
    "two-level": two_level,
    "Zipf": lambda n: (1 / np.arange(1, n + 1)) / (1 / np.arange(1, n + 1)).sum(),
}


def audit(generator, samples, changed=100, shown=True, **arguments):
    """Change a hundred real pictures mildly to see which are one, and not 400: that takes most of a small audit.

    Unless ``shown``, without the curve over distances and the sheet to label, which count anew for nobody to read.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("didlearn.checks.support.measure.PERTURBED", changed)
        if not shown:
            patch.setattr("didlearn.checks.support.page._pair_rates", lambda *_, **__: Series(label="none", x=(), y=()))
            patch.setattr("didlearn.checks.support.run._sheet", lambda *_: Parts())
        return dl.audit(generator=generator, checks=[Support(samples=samples)], threads=1, **arguments)["support"]


def covered(points, real, law, count, samples, trials, changed=PERTURBED):
    p = LAWS[law](count)
    hits = 0
    for trial in range(trials):
        generator = DiscreteGenerator(points[:count], p, sigma=0.004)
        found = audit(generator, samples, changed, shown=False, heldout=real, seed=trial)
        support = found.estimates["effective_support"]
        truth = generator.effective_support
        hits += (support.low or 0) <= truth <= (np.inf if support.high is None else support.high)
    return hits


# P(2 or more misses of 4 at 95 %) = 1.4 %, P(4 or more of 12) = 0.2 %.
@pytest.mark.parametrize(
    ("trials", "misses", "changed"), [(4, 1, 100), pytest.param(12, 3, PERTURBED, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("law", LAWS)
def test_intervals_cover_through_noisy_pictures(points, real, law, trials, misses, changed):
    assert covered(points, real[:400], law, 1_000, 500, trials, changed) >= trials - misses


@pytest.mark.slow
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("count", [2_000, 10_000, 50_000])
@pytest.mark.parametrize("law", LAWS)
def test_intervals_cover_in_300_trials(points, real, law, count):
    assert covered(points, real[:1000], law, count, 1_500, 300) >= 0.93 * 300


@pytest.fixture(scope="module")
def equal(points, real):
    """What is found of so many equally likely pictures in so many samples."""
    return cache(lambda count, samples: audit(DiscreteGenerator(points[:count], sigma=0.004), samples, heldout=real))


# 2 700 duplicate pairs give the effective support to 1.9 %, 20 000 to 0.7 %.
@pytest.mark.parametrize(("count", "samples"), [(600, 1_800), pytest.param(10_000, 20_000, marks=pytest.mark.slow)])
def test_effective_support_within_a_tenth(equal, count, samples):
    result = equal(count, samples)
    assert result.estimates["effective_support"].value == pytest.approx(count, rel=0.1)
    assert result.estimates["richness"].low <= count <= result.estimates["richness"].high
    assert result.verdict == "fail"  # 2 000 held-out pictures without a duplicate show more than that


@pytest.fixture(scope="module")
def plain(points, real):
    """The threshold where no real picture has a duplicate."""
    found = audit(DiscreteGenerator(points[:600], sigma=0.004), 400, shown=False, heldout=real)
    return found.estimates["threshold"].value


def test_one_real_near_duplicate_does_not_overturn_the_calibration(points, real, plain):
    spoiled = real.copy()
    spoiled[1] = spoiled[0]
    spoiled[3] = np.clip(spoiled[2].astype(int) + 1, 0, 255).astype(np.uint8)
    result = audit(DiscreteGenerator(points[:600], sigma=0.004), 400, shown=False, heldout=spoiled)
    assert result.estimates["threshold"].value == pytest.approx(plain, rel=0.02)


def test_many_real_duplicates_do_not_overturn_it_either(points, real, plain):
    """A tenth of the real set twice: pairs of one picture are not pairs of independent pictures."""
    spoiled = np.concatenate([real[:1800], real[:200]])
    result = audit(DiscreteGenerator(points[:600], sigma=0.004), 400, shown=False, heldout=spoiled)
    assert result.estimates["threshold"].value == pytest.approx(plain, rel=0.05)
    truth = 1 / (2 * 200 / 2000**2)  # Σp² of drawing from the spoiled set, without the diagonal
    own = result.estimates["effective_support_heldout"]
    assert own.low < truth < own.high


def test_verdicts(points, real):
    fresh = points[20_000:21_200]
    sound = audit(fresh, 1_200, PERTURBED, heldout=real)
    assert sound.verdict == "pass", sound.reason
    assert sound.estimates["effective_support"].value is None
    assert sound.estimates["effective_support"].high is None
    fewest = 1_200 * 1_199 / 2 / -math.log(0.0125 / 2)  # at each of four distances 98.75 %, at all of them 95 %
    assert sound.estimates["effective_support"].low == pytest.approx(fewest, rel=1e-3)
    collapsed = audit(DiscreteGenerator(points[:20], sigma=0.004), 1_000, heldout=real)
    assert collapsed.verdict == "fail"
    assert "too few" in collapsed.answer
    assert audit(fresh, 1_000).verdict == "measured"
    unsure = audit(fresh[:60], 1_000, heldout=real[:30])
    assert unsure.verdict == "inconclusive"
    assert "would settle it" in unsure.reason


@pytest.mark.parametrize(("trials", "failures"), [(5, 0), pytest.param(20, 2, marks=pytest.mark.slow)])
def test_a_sound_generator_rarely_fails(points, trials, failures):
    """Calibration of the verdict: fresh draws from the real law fail in few of many trials."""
    failed = sum(
        audit(
            points[600 * t : 600 * (t + 1)], 600, shown=False, heldout=points[600 * (t + 20) : 600 * (t + 21)]
        ).verdict
        == "fail"
        for t in range(trials)
    )
    assert failed <= failures


def test_heavy_atom_is_listed_and_taken_out(points, real):
    result = audit(DiscreteGenerator(points[:3_000], atom_probabilities(3_000, 0.05), sigma=0.004), 2_400, heldout=real)
    atom = result.estimates["largest_atom"]
    assert atom.low < 0.05 < atom.high
    assert result.estimates["effective_support"].value < 700
    rest = result.estimates["effective_support_without_atoms"]
    assert rest.low < 2_999 < rest.high
    assert result.estimates["heterogeneity"].low > 2
    assert {t.name for t in result.tables} >= {"atoms", "batches", "printed", "pairs", "criterion"}


def test_pictures_that_shade_into_one_another_are_not_counted_as_clusters(points, real):
    """A path through a few pictures: everything chains, and what counts clusters would see one picture."""
    t = np.linspace(0, 1, 150)[:, None, None, None]
    path = np.concatenate([np.rint((1 - t) * points[i] + t * points[i + 1]).astype(np.uint8) for i in range(10)])
    result = audit(path, 1_500, heldout=real)
    found = result.estimates
    assert 3 < found["effective_support"].value < 60
    assert found["collision_probability"].value == pytest.approx(1 / found["effective_support"].value)
    assert not {"richness", "chao1", "coverage", "heterogeneity", "largest_atom"} & set(found)
    assert any("shade into one another" in note for note in result.notes)
    assert result.verdict == "fail"


def test_a_bank_is_drawn_from_without_replacement(points):
    """A sample drawn twice is not a collision."""
    result = audit(points[:300], 20_000)
    assert result.estimates["effective_support"].value is None
    assert result.estimates["effective_support"].n == 300


def test_published_reading_beside_the_corrected_one(equal):
    result = equal(600, 1_800)
    size = result.estimates["even_chance_batch_size"]
    assert size.low <= 29 <= size.high  # 1.1774 √600
    table = next(t for t in result.tables if t.name == "printed")
    assert table.rows[0][1] == round(size.value) ** 2
    assert table.rows[0][2] == pytest.approx(dl.birthday_bound(0.5, round(size.value)))
    assert any("s² is not the support" in note for note in result.notes)


class Net(nn.Module):
    latent_shape, value_range = (4,), (0, 1)

    def __init__(self, mode="noise"):
        super().__init__()
        self.mode = mode
        self.linear = nn.Linear(4, 144)

    def forward(self, z):
        x = self.linear(z).sigmoid()
        if self.mode == "constant":
            x = 0 * x + 0.3
        if self.mode == "nan":
            x = x / (z[:, :1] > 0)
            x = torch.where(z[:, :1] > 0, x, torch.nan)
        if self.mode == "axes":
            return x.view(-1, 12, 12)
        if self.mode == "raises":
            raise ValueError("no such weight")
        return x.view(-1, 1, 12, 12) if self.mode != "small" else x[:, :64].view(-1, 1, 8, 8)


@pytest.mark.parametrize(
    ("mode", "verdict", "words"),
    [
        ("constant", "fail", "same image 300 times"),
        ("nan", "fail", "NaN"),
        ("small", "error", "size=8"),
        ("axes", "error", "3 axes"),
        ("raises", "error", "no such weight"),
    ],
)
def test_broken_generators_end_in_a_finding(real, mode, verdict, words):
    result = audit(Net(mode), 300, heldout=real[:300])
    assert result.verdict == verdict
    assert words in result.reason + result.answer


def test_a_bank_with_nan_ends_in_a_finding(real):
    broken = np.full((300, 1, 12, 12), 0.5, np.float32)
    broken[7, 0, 0, 0] = np.nan
    result = audit(broken, 300, heldout=real[:300])
    assert result.verdict == "error"
    assert "NaN" in result.reason


def test_a_conditional_model_is_measured_class_by_class(points, real):
    labels = np.arange(300) % 3
    bank = dl.open_model(DiscreteGenerator(points[:300], labels=labels, sigma=0.0))
    result = audit(bank, 1_500, heldout=real)
    table = next(t for t in result.tables if t.name == "classes")
    assert [row[0] for row in table.rows] == ["0", "1", "2"]
    for row in table.rows:
        assert row[4] < 100 < row[5]


@pytest.mark.parametrize("samples", [2, 30])
def test_too_few_samples_say_so(points, samples):
    result = audit(points[:samples], 100)
    assert result.verdict == "inconclusive"
    assert "too few" in result.reason
