"""The support from labels: simulated people whose error rates are known, and cases with a closed form."""

import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.statistics.birthday.collisions import collision_interval, effective_support
from didlearn.statistics.birthday.labelled import (
    CANDIDATE,
    FEWEST_PLANTED,
    UNANSWERED,
    Judgements,
    corrected_support,
    effective_pairs,
    error_rates,
    uncorrected_support,
)

ZIPF = 1 / np.arange(1, 20_001) ** 0.7
LAWS = {
    "common": (np.full(2_000, 1 / 2_000), 2_000),
    "uniform": (np.full(20_000, 1 / 20_000), 2_000),
    "rare": (np.full(50_000, 1 / 50_000), 800),
    "atom": (np.r_[0.03, np.full(100_000, 0.97 / 100_000)], 1_000),
    "zipf": (ZIPF / ZIPF.sum(), 1_500),
}
PEOPLE = [
    [(0.95, 0.02)],
    [(0.7, 0.2)],
    [(0.85, 0.1)],
    [(0.7, 0.2), (0.95, 0.05)],
    [(0.8, 0.1), (0.7, 0.2), (0.9, 0.05)],
]


def answers(rng, real, people, answered):
    said = np.stack([rng.random(len(real)) < np.where(real, *rates) for rates in people]).astype(int)
    said[rng.random(said.shape) > answered] = UNANSWERED
    return said


def simulate(rng, law, people, *, planted=40, near=0.85, false=0.5, answered=1.0):
    """Draw a sample, rank its pairs by a distance that errs, show 60 of the closest to people who err.

    ``near`` of the duplicates and ``false`` times as many other pairs lie within the automatic threshold; the
    second stratum holds the other duplicates.
    """
    p, samples = LAWS[law]
    sizes = rng.multinomial(samples, p)
    sizes = sizes[sizes > 1]
    cluster = np.repeat(sizes, sizes * (sizes - 1) // 2)
    close = rng.random(len(cluster)) < near
    strata, first = [cluster[close], cluster[~close]], close.sum() + rng.poisson(false * max(len(cluster), 1))
    held = np.array([first, max(first, 60 - first, (~close).sum())])
    shown = [min(held[0], 40), 0]
    shown[1] = min(held[1], 60 - shown[0])
    real, links = [], []
    for duplicates, all_, asked in zip(strata, held, shown, strict=True):
        chosen = rng.permutation(all_)[:asked]
        is_real = chosen < len(duplicates)
        real.append(is_real)
        own = 2 * duplicates[chosen[is_real]] - 4
        links.append(rng.poisson(1, asked))
        links[-1][is_real] = own
    kinds = np.concatenate([*real, np.ones(planted, bool), np.zeros(planted, bool)])
    truth = np.r_[np.full(sum(shown), CANDIDATE), np.ones(planted, int), np.zeros(planted, int)]
    stratum = np.r_[np.repeat([0, 1], shown), np.zeros(2 * planted, int)]
    counts = np.r_[np.concatenate(links), np.zeros(2 * planted, int)]
    return Judgements(answers(rng, kinds, people, answered), truth, stratum, counts, held, samples)


def covers(estimate, truth):
    return estimate.low <= truth and (estimate.high is None or truth <= estimate.high)


def coverage(law, people, trials, seed=0, **world):
    """Share of trials whose corrected, and whose uncorrected, interval holds 1/Σp²."""
    rng = np.random.default_rng(seed)
    truth = 1 / (LAWS[law][0] ** 2).sum()
    hits = np.zeros(2)
    for _ in range(trials):
        judged = simulate(rng, law, people, **world)
        hits += (
            covers(corrected_support(judged, rng)["effective_support"], truth),
            covers(uncorrected_support(judged)["uncorrected_effective_support"], truth),
        )
    return hits / trials


# At 95 % each: P(2 or more misses of 8) = 6 %, P(4 or more of 32) = 7 %; P(3 or more of 25) = 13 %, P(8 of 100) = 13 %.
@pytest.mark.parametrize(
    ("trials", "least", "mean"), [(8, 0.87, 0.9), pytest.param(25, 0.9, 0.93, marks=pytest.mark.slow)]
)
def test_the_corrected_interval_covers_and_the_uncorrected_does_not(trials, least, mean):
    settings = [("common", PEOPLE[1]), ("common", PEOPLE[3]), ("rare", PEOPLE[1]), ("uniform", PEOPLE[4])]
    found = np.array([coverage(law, people, trials) for law, people in settings])
    assert found[:, 0].min() >= least
    assert found[:, 0].mean() >= mean
    assert found[:, 1].mean() < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("people", PEOPLE, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_coverage_in_full(law, people):
    corrected, uncorrected = coverage(law, people, 300, seed=1)
    assert corrected >= 0.93
    if law in ("common", "rare") and people[0] != (0.95, 0.02):
        assert uncorrected < 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    "world", [{"answered": 0.5}, {"planted": 12}, {"false": 3.0}, {"false": 0.0, "near": 1.0}, {"near": 0.4}], ids=str
)
def test_coverage_with_less_to_go_by(world):
    found = [coverage(law, PEOPLE[i], 200, seed=2, **world)[0] for law, i in (("uniform", 2), ("common", 3))]
    assert min(found) >= 0.93


def census(duplicates, others, planted, said=None, samples=500):
    """All pairs of one stratum shown to one person who never errs (unless ``said``)."""
    truth = np.r_[np.full(duplicates + others, CANDIDATE), np.ones(planted, int), np.zeros(planted, int)]
    real = np.r_[np.ones(duplicates, int), np.zeros(others, int), np.ones(planted, int), np.zeros(planted, int)]
    zeros = np.zeros(len(truth), int)
    return Judgements(
        (real if said is None else said)[None], truth, zeros, zeros, np.array([duplicates + others]), samples
    )


def test_a_person_who_never_errs_and_sees_every_pair_leaves_the_error_of_the_sample_alone():
    found = corrected_support(census(30, 30, 5_000), np.random.default_rng(0))
    low, high = collision_interval(30, 0, 500)
    probability = found["collision_probability"]
    assert probability.value == pytest.approx(30 / (500 * 499 / 2))
    assert probability.low == pytest.approx(low, rel=0.03)
    assert probability.high == pytest.approx(high, rel=0.03)
    assert found["duplicate_pairs"].low == found["duplicate_pairs"].high == 30
    assert found["effective_support"].value == pytest.approx(1 / probability.value)


def test_without_errors_the_uncorrected_estimate_is_the_count():
    expected = effective_support(30, 0, 500)
    found = uncorrected_support(census(30, 30, 10))["uncorrected_effective_support"]
    assert (found.value, found.low, found.high) == (expected.value, expected.low, expected.high)


def test_rogan_and_gladen():
    """In a large stratum the estimate is (share called − θ)/(η − θ) of its pairs."""
    eta, theta, n, planted = 0.8, 0.2, 1_500, 1_500
    said = np.r_[np.arange(n) < 0.5 * n, np.arange(planted) < eta * planted, np.arange(planted) < theta * planted]
    judged = census(0, n, planted, said.astype(int), samples=2_000)
    found = corrected_support(judged, np.random.default_rng(0))["duplicate_pairs"]
    assert found.value == pytest.approx(n * (0.5 - theta) / (eta - theta), rel=0.03)
    raw = uncorrected_support(judged)["uncorrected_effective_support"]
    assert raw.value == pytest.approx((2_000 * 1_999 / 2) / (0.5 * n))


def test_a_sample_of_a_stratum_stands_for_all_of_it():
    whole, part = census(30, 30, 200), census(30, 30, 200)
    part = Judgements(part.said, part.truth, part.stratum, part.links, np.array([6_000]), 5_000)
    found = corrected_support(part, np.random.default_rng(0))["duplicate_pairs"]
    assert found.value == pytest.approx(3_000, rel=0.05)
    assert found.high - found.low > 1_000
    assert corrected_support(whole, np.random.default_rng(0))["duplicate_pairs"].value == 30


def test_links_widen_the_interval():
    judged = census(30, 30, 200)
    linked = Judgements(judged.said, judged.truth, judged.stratum, judged.links + 12, judged.sizes, 500)
    a, b = (corrected_support(j, np.random.default_rng(0))["effective_support"] for j in (judged, linked))
    assert b.high / b.low > 1.5 * a.high / a.low


def test_links_widen_it_as_much_as_for_the_sample_itself():
    """Twelve of 500 are one picture: 66 pairs, each with 20 other close partners, all seen by who never errs."""
    judged = census(66, 30, 5_000)
    linked = Judgements(judged.said, judged.truth, judged.stratum, judged.links + 20, judged.sizes, 500)
    found = corrected_support(linked, np.random.default_rng(0))["collision_probability"]
    # Quantiles of 4 000 draws at stratified levels, between order statistics.
    assert (found.low, found.high) == pytest.approx(collision_interval(66, 1320, 500), rel=0.03)


def test_fewer_planted_pairs_widen_the_interval():
    widths = []
    for planted in (20, 80, 1_000):
        said = np.r_[
            np.ones(20, int), np.zeros(40, int), np.arange(planted) < 0.8 * planted, np.arange(planted) < 0.1 * planted
        ]
        found = corrected_support(census(20, 40, planted, said.astype(int)), np.random.default_rng(0))
        widths.append(found["duplicate_pairs"].high - found["duplicate_pairs"].low)
    assert widths[0] > widths[1] > widths[2]


def test_no_duplicate_leaves_the_high_end_open():
    found = corrected_support(census(0, 60, 40), np.random.default_rng(0))["effective_support"]
    assert found.high is None
    assert found.low < (500 * 499 / 2) / 3.69 * 1.05


def test_one_picture_and_nothing_else():
    samples, total = 60, 60 * 59 // 2
    judged = census(total, 0, 500, samples=samples)
    judged = Judgements(
        judged.said, judged.truth, judged.stratum, judged.links + 2 * (samples - 2), judged.sizes, samples
    )
    found = corrected_support(judged, np.random.default_rng(0))["effective_support"]
    assert found.low == pytest.approx(1)
    assert found.high < 1.3


def test_a_person_who_guesses_tells_nothing():
    said = np.random.default_rng(0).integers(0, 2, 60 + 2 * 40)
    found = corrected_support(census(30, 30, 40, said), np.random.default_rng(0))["duplicate_pairs"]
    assert found.high - found.low > 40


def test_another_person_s_missing_answers_are_no_answers():
    alone = census(30, 30, 40)
    silent = np.full_like(alone.said, UNANSWERED)
    both = Judgements(np.concatenate([alone.said, silent]), alone.truth, alone.stratum, alone.links, alone.sizes, 500)
    a, b = (corrected_support(j, np.random.default_rng(0)) for j in (alone, both))
    assert a == b
    assert both.measured == [0]


def test_a_second_person_narrows_the_interval():
    rng = np.random.default_rng(3)
    one = simulate(rng, "common", [(0.8, 0.15)])
    real = corrected_support(one, np.random.default_rng(0))["effective_support"]
    rng = np.random.default_rng(3)
    three = simulate(rng, "common", [(0.8, 0.15), (0.9, 0.05), (0.9, 0.05)])
    better = corrected_support(three, np.random.default_rng(0))["effective_support"]
    assert better.high / better.low < real.high / real.low


def test_nothing_is_estimated_before_the_errors_are_known():
    judged = census(30, 30, FEWEST_PLANTED - 1)
    assert corrected_support(judged, np.random.default_rng(0)) == {}
    assert uncorrected_support(judged)
    unanswered = np.full_like(judged.said, UNANSWERED)
    silent = Judgements(unanswered, judged.truth, judged.stratum, judged.links, judged.sizes, 500)
    assert corrected_support(silent, np.random.default_rng(0)) == uncorrected_support(silent) == {}
    assert error_rates(silent, 0) == {}


def test_error_rates_are_those_on_planted_pairs():
    judged = census(10, 10, 40, np.r_[np.ones(20, int), np.arange(40) < 30, np.arange(40) < 4].astype(int))
    found = error_rates(judged, 0)
    assert (found["sensitivity"].value, found["false_alarms"].value) == (0.75, 0.1)
    assert found["sensitivity"].n == 40


def test_effective_pairs_are_those_of_the_collision_interval():
    total = 500 * 499 / 2
    found = effective_pairs(np.array([0.0, 30.0, 30.0, total]), np.array([0.0, 0.0, 400.0, total * 2 * 498]), 500)
    assert found[0] == total
    assert total >= found[1] > found[2] > 250
    assert found[3] == 250


@pytest.mark.parametrize(
    "change",
    [{"said": np.zeros((1, 3), int)}, {"sizes": np.array([4])}, {"stratum": np.full(20, 3)}, {"samples": 1}],
    ids=str,
)
def test_what_does_not_fit_together_is_refused(change):
    judged = census(5, 5, 5)
    with pytest.raises(UsageError, match=r"strata|must be"):
        Judgements(**(vars(judged) | change))
