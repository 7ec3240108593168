"""From a generator of known law, through the support check and people who err, to an interval that covers."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import didlearn as dl
from didlearn.checks.support.check import Support
from didlearn.labelling.outcome import outcome
from didlearn.labelling.sheet import PARTS, Sheet
from didlearn.labelling.store import Label
from didlearn.models.oracles import DiscreteGenerator

IMAGES, SAMPLES = 1_500, 1_200


def pictures(count, seed):
    noise = np.random.default_rng(seed).normal(size=(count, 1, 10, 10))
    blurred = gaussian_filter(noise, sigma=(0, 0, 1.2, 1.2))
    return np.clip(128 + 60 * blurred / blurred.std(), 0, 255).astype(np.uint8)


POINTS, REAL = pictures(IMAGES, 1), pictures(1_200, 2)


def audited(run, seed, threshold=None):
    """Audit a generator of ``IMAGES`` equally likely pictures; return its sheet."""
    generator = DiscreteGenerator(POINTS, sigma=0.02)
    check = Support(samples=SAMPLES, threshold=threshold)
    support = dl.audit(generator=generator, heldout=REAL, checks=[check], seed=seed, threads=1)["support"]
    return Sheet(run, support, *(support.arrays[f"sheet_{part}"] for part in PARTS))


def really_same(sheet):
    """Which pairs show one picture twice: the planted ones are known, the others go by their nearest picture."""
    shown = sheet.pictures.reshape(len(sheet), 2, -1).astype(float)
    known = POINTS.reshape(IMAGES, -1).astype(float)
    near = [[np.square(known - one).sum(1).argmin() for one in pair] for pair in shown]
    return np.where(sheet.truth < 0, [a == b for a, b in near], sheet.truth == 1)


def labelled(sheet, rng, people):
    same = really_same(sheet)
    said = [
        Label(str(p), pair, "d" if rng.random() < (eta if same[pair] else theta) else "n", "")
        for p, (eta, theta) in enumerate(people)
        for pair in range(len(sheet))
    ]
    return outcome(sheet, said)


def covered(estimate):
    return (estimate.low or 0) <= IMAGES <= (np.inf if estimate.high is None else estimate.high)


def counts(run, people, trials):
    rng = np.random.default_rng(0)
    found = [labelled(audited(run, seed), rng, people) for seed in range(trials)]
    names = ("effective_support", "uncorrected_effective_support")
    return [sum(covered(one.estimates[name]) for one in found) for name in names]


# P(2 or more misses of 4 at 95 %) = 1.4 %, P(3 or more of 12) = 2 %.
@pytest.mark.parametrize(("trials", "misses"), [(4, 1), pytest.param(12, 2, marks=pytest.mark.slow)])
def test_people_who_err_cover_the_truth_end_to_end(tmp_path, trials, misses):
    corrected, uncorrected = counts(tmp_path, [(0.7, 0.05)], trials)
    assert corrected >= trials - misses
    assert uncorrected <= trials // 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("people", [[(0.7, 0.05)], [(0.9, 0.1), (0.7, 0.05)]], ids=str)
def test_coverage_in_200_trials(tmp_path, people):
    assert counts(tmp_path, people, 200)[0] >= 0.93 * 200


@pytest.mark.parametrize(("threshold", "verdict"), [(0.2, "inconclusive"), (1.6, "measured")])
def test_people_put_right_a_criterion_that_is_wrong(tmp_path, threshold, verdict):
    """Too lax, it counts pairs that only look alike; far too strict, the sheet ends among duplicates, which is said."""
    sheet = audited(tmp_path, 0, threshold)
    found = labelled(sheet, np.random.default_rng(0), [(0.9, 0.05), (0.9, 0.05)])
    estimate = found.estimates["effective_support"]
    assert found.verdict == verdict
    assert covered(estimate)
    if verdict == "inconclusive":
        assert estimate.low is None
        assert "larger threshold" in found.reason
        assert "at most about" in found.answer
    if threshold == 1.6:
        assert not covered(sheet.support.estimates["effective_support"])
