"""The gaussianity check on features whose law is known.

Mistakes seen: replicates from plug-in moments (Gaussian features rejected), effects read at different numbers of
images, projection of one group only, labels lost on the way.
"""

import numpy as np
import pytest
from scipy.stats import kstest

from didlearn.audit.running.run_check import run_check
from didlearn.checks.gaussianity.check import Gaussianity
from didlearn.checks.gaussianity.classifiers import LEAST_SQUARES
from didlearn.random_matrix import limiting_spectrum
from tests.checks.features import Lookup, subject_of

P = 40
CHECK = Gaussianity(tested=120, replicates=79)  # as many as the significance takes


def gaussian(n, seed, p=P):
    return np.random.default_rng(seed).normal(size=(n, p)) * np.linspace(0.2, 3, p) + 5


def elliptical(n, seed):
    chi = np.random.default_rng(seed + 99).chisquare(4, size=(n, 1)) / 4
    return (gaussian(n, seed) - 5) / np.sqrt(chi) + 5


def low_latent(n, seed, latent=4):
    net = np.random.default_rng(7)
    first, second = net.normal(size=(latent, 100)), net.normal(size=(100, P)) / 10
    z = np.random.default_rng(seed).normal(size=(n, latent))
    return np.maximum(z @ first / latent**0.5, 0) @ second


def duplicated(n, seed):
    return gaussian(n // 2, seed)[np.random.default_rng(seed).integers(n // 2, size=n)]


def mixture(n, seed, tails=False, p=P // 2):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    noise = rng.normal(size=(n, p)) * (1 + labels[:, None])
    noise = noise / np.sqrt(rng.chisquare(3, size=(n, 1)) / 3) if tails else noise
    return noise + 4 * np.eye(3, p)[labels], labels


def outcome(found):
    """What was found, of a check that describes: Gaussian, not Gaussian, or not to be told."""
    if found.verdict == "error":
        return "error"
    open_ = any(words in found.reason for words in ("disagree", "allow", "too few", "no spectrum"))
    assert found.verdict == "measured" or (open_ and found.verdict == "inconclusive")
    if open_:
        return "inconclusive"
    return "fail" if "not Gaussian" in found.reason else "pass"


def test_gaussian_features_pass():
    found = run_check(CHECK, subject_of(gaussian(800, 10), gaussian(400, 11)))
    assert outcome(found) == "pass"
    assert "Two moments describe these features for linear methods" in found.answer
    assert "% " in found.answer
    for name in ("radius_pvalue", "leverage_pvalue", "gram_pvalue", "whitened_pvalue"):
        assert found.estimates[name].value > 0.0125, name
    for name in ("gram_edge", "whitened_edge", "whitened_edge_matched", "gram_edge_heldout"):
        assert found.estimates[name].low < 0 < found.estimates[name].high
    assert found.estimates["limit_distance"].value < 0.05
    assert [figure.name for figure in found.figures] == [
        "spectrum_generated",
        "spectrum_heldout",
        "vectors_generated",
        "vectors_heldout",
        "whitened",
        "concentration",
    ]


@pytest.mark.parametrize("faulty", [elliptical, low_latent, duplicated])
@pytest.mark.usefixtures("one_limit")
def test_faults_fail_beside_gaussian_real_features(faulty):
    found = run_check(CHECK, subject_of(faulty(5 * P, 0), gaussian(5 * P, 1)))
    assert outcome(found) == "fail"
    assert "do not describe" in found.answer
    assert "held-out real images" in found.answer
    assert found.estimates["whitened_pvalue"].value <= 0.0125
    assert found.estimates["whitened_pvalue_heldout"].value > 0.0125


def test_many_repeats_fail_where_the_spectra_no_longer_show_them():
    found = run_check(CHECK, subject_of(duplicated(1200, 0)))
    assert outcome(found) == "fail"
    assert "repeat others exactly" in found.reason


@pytest.fixture
def one_limit(monkeypatch):
    """The limiting spectrum, which takes most of the time and no p-value reads, found once."""
    monkeypatch.setattr("didlearn.checks.gaussianity.battery.limiting_spectrum", once(limiting_spectrum))


def once(function):
    """Do what the function did the first time."""
    kept: list = []

    def called(*args, **options):
        if not kept:
            kept.append(function(*args, **options))
        return kept[0]

    return called


@pytest.fixture
def few_likelihoods(monkeypatch):
    """Classifiers of likelihoods, which take most of the time, on 40 rotations of three classes."""
    monkeypatch.setattr("didlearn.checks.gaussianity.classifiers._FITS", 120)


@pytest.fixture
def fewer_likelihoods(monkeypatch):
    """The same, where no p-value of theirs is looked at, on as few as are ever taken."""
    monkeypatch.setattr("didlearn.checks.gaussianity.classifiers._FITS", 57)


# 40 rotations place a p-value to a fortieth, which kstest hardly sees in 40 of them.
@pytest.mark.parametrize(("trials", "replicates"), [(40, 39), pytest.param(200, 99, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("one_limit")
def test_p_values_are_uniform_under_the_null(trials, replicates):
    names = ("gram_pvalue", "whitened_pvalue", "radius_pvalue", "leverage_pvalue")
    values: dict[str, list[float]] = {name: [] for name in names}
    check = Gaussianity(tested=40, replicates=replicates, alpha=0.1)
    for seed in range(trials):
        found = run_check(check, subject_of(gaussian(120, seed, 10), seed=seed))
        for name in names:
            values[name].append(found.estimates[name].value)
    for name in names:
        assert kstest(values[name], "uniform").pvalue > 0.005, name


@pytest.mark.usefixtures("few_likelihoods", "one_limit")
def test_classes_are_compared_about_their_own_moments():
    own, labels = mixture(600, 0)
    real, known = mixture(400, 1)
    found = run_check(CHECK, subject_of(own, real, labels, known))
    assert outcome(found) == "pass"
    for name in ("ls_svm", "ridge", "softmax", "logistic"):
        error, surrogate = found.estimates[f"{name}_error"], found.estimates[f"{name}_error_surrogate"]
        assert surrogate.low - 0.03 <= error.value <= surrogate.high + 0.03
        assert found.estimates[f"{name}_pvalue_heldout"].value > 0.025  # the least of 40 rotations is a 41st
    assert {"class_alignment", "clustering", "clustering_pvalue_heldout"} <= set(found.estimates)
    rows = next(table for table in found.tables if table.name == "classifiers").rows
    assert len(rows) == 24
    squares = [row for row in rows if row[2] in LEAST_SQUARES]
    assert all(abs(float(row[5]) - float(row[6])) < 0.06 for row in squares), "rotations agree with the limit"
    # As one class the same features are no Gaussian: three clusters of different size.
    assert outcome(run_check(CHECK, subject_of(own))) == "fail"


@pytest.mark.usefixtures("fewer_likelihoods")
def test_heavy_tailed_classes_fail():
    own, labels = mixture(600, 0, tails=True)
    assert outcome(run_check(CHECK, subject_of(own, None, labels))) == "fail"


@pytest.mark.usefixtures("fewer_likelihoods")
def test_small_classes_are_left_out_and_named():
    own, labels = mixture(300, 0)
    labels[:5] = 7
    found = run_check(CHECK, subject_of(own, None, labels))
    assert outcome(found) in ("pass", "inconclusive")
    assert "left out: 3, 4, 5, 6, 7." in found.notes[0]


def test_too_few_images_are_inconclusive_and_say_how_many():
    found = run_check(CHECK, subject_of(gaussian(100, 0)))
    assert outcome(found) == "inconclusive"
    assert "all of them need 200 images" in found.reason
    assert found.estimates["whitened_dimension"].value == 20


def test_fewer_images_than_dimensions_still_find_heavy_tails():
    x = np.random.default_rng(0).normal(size=(150, 200)) / np.sqrt(np.random.default_rng(1).chisquare(2, (150, 1)))
    assert outcome(run_check(CHECK, subject_of(x))) == "fail"
    calm = run_check(CHECK, subject_of(np.random.default_rng(0).normal(size=(150, 200))))
    assert outcome(calm) == "inconclusive"
    assert "leverage_pvalue" not in calm.estimates


def test_wide_features_are_projected_both_alike():
    own, real = gaussian(600, 0), gaussian(600, 0)
    found = run_check(Gaussianity(tested=120, dimension=12), subject_of(own, real))
    assert found.estimates["whitened_dimension"].value == 12
    rows = found.tables[0].rows
    assert [row[3] for row in rows] == [12, 12]


def test_images_with_the_same_features_are_no_crash():
    found = run_check(CHECK, subject_of(np.ones((100, 8)), gaussian(100, 0, 8)))
    assert outcome(found) == "inconclusive"
    assert "no spectrum" in found.reason
    found = run_check(CHECK, subject_of(gaussian(100, 0, 8), np.ones((100, 8))))
    assert outcome(found) in ("pass", "inconclusive")
    assert any("Held-out images were left out" in note for note in found.notes)


def test_constant_features_change_nothing():
    x = gaussian(400, 0)
    padded = np.concatenate([x, np.full((400, 5), 3.0)], axis=1)
    found = run_check(CHECK, subject_of(padded))
    assert outcome(found) == "pass"
    assert found.estimates["whitened_dimension"].value == P


def test_features_that_are_not_numbers_are_an_error():
    x = gaussian(100, 0)
    x[3, 3] = np.nan
    found = run_check(CHECK, subject_of(x))
    assert found.verdict == "error"
    assert "NaN or infinity" in found.reason


def test_exact_repeats_are_counted():
    x = gaussian(400, 0)
    x[:7] = x[7:14]
    found = run_check(CHECK, subject_of(x))
    assert found.estimates["exact_repeats"].value == 7
    assert any("7 of 400" in note for note in found.notes)


@pytest.mark.usefixtures("one_limit")
def test_embeddings_that_disagree_leave_it_open(monkeypatch):
    calm, tails = gaussian(400, 0), elliptical(400, 0)
    other = Lookup(tails)
    other.name = "tails"
    monkeypatch.setattr("didlearn.checks.gaussianity.run.open_embedding", lambda spec, **_: other)
    check = Gaussianity.validated({"tested": 120, "embeddings": "tails.pt"})
    assert check.embeddings == ("tails.pt",)
    found = run_check(check, subject_of(calm))
    assert outcome(found) == "inconclusive"
    assert "disagree" in found.reason
    assert [row[0] for row in found.tables[0].rows] == ["lookup", "tails"]
    agreed = run_check(check, subject_of(tails))
    assert outcome(agreed) == "fail"
    assert "All 2 embeddings agree" in agreed.answer


def test_too_few_replicates_for_alpha_are_refused():
    found = run_check(Gaussianity(replicates=39), subject_of(gaussian(100, 0)))
    assert found.verdict == "error"
    assert "at least 79" in found.reason


@pytest.mark.slow
@pytest.mark.parametrize("faulty", [elliptical, low_latent, duplicated])
def test_power(faulty):
    verdicts = [outcome(run_check(CHECK, subject_of(faulty(5 * P, seed), seed=seed))) for seed in range(20)]
    assert verdicts.count("fail") >= 18


@pytest.mark.slow
def test_a_large_latent_is_not_rejected():
    verdicts = [outcome(run_check(CHECK, subject_of(low_latent(800, seed, 400), seed=seed))) for seed in range(20)]
    assert verdicts.count("fail") <= 2
