"""The verdict of gaussianity, case by case, and its words for the spectrum's edge."""

from types import SimpleNamespace

import numpy as np
import pytest

from didlearn.checks.feature_groups import FEWEST_ROWS
from didlearn.checks.gaussianity.verdict import GaussianityLimits, agreed, edge_words, judge_features, judge_unfit
from didlearn.random_matrix import pivotal_samples
from didlearn.result.parts import Decision, settled_by
from didlearn.result.values import Estimate
from didlearn.result.words import number


def edges(**values):
    return {
        name: Estimate(value=value, low=value, high=value, n=100, method="given")
        for name, value in ({"gram_edge": 0.0, "whitened_edge": 0.0} | values).items()
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gram_edge": 0.14}, "the spectrum's upper edge is 14\u202f% beyond the mixture's"),
        ({"gram_edge": -0.2}, "the spectrum's upper edge is 20\u202f% below the mixture's"),
        ({"whitened_edge": 3.2}, "the whitened spectrum's upper edge is 4.2 times the mixture's"),
        ({"gram_edge": 1.0}, "the spectrum's upper edge is 2 times the mixture's"),
        ({"gram_edge": 1000}, f"the spectrum's upper edge is more than {number(1000)} times the mixture's"),
        (
            {"whitened_edge": 7.8e9},
            f"the whitened spectrum's upper edge is more than {number(1000)} times the mixture's",
        ),
        (
            {"whitened_edge": 3.2, "whitened_edge_heldout": 3.6},
            "the whitened spectrum's upper edge is 4.2 times the mixture's (of held-out real images 4.6 times)",
        ),
    ],
)
def test_the_larger_shift_is_named_with_its_size(values, words):
    assert edge_words(edges(**values)) == words


LIMITS = GaussianityLimits(alpha=0.05, tolerance=0.1, fluctuation=3.0)
FINE = {
    "gram_edge": (0.02, -0.05, 0.09), "whitened_edge": (0.03, -0.05, 0.11),
    "gram_pvalue": (0.3,) * 3, "whitened_pvalue": (0.4,) * 3,
    "radius_ratio": (1.1, 0.9, 1.4), "leverage_ratio": (1.0, 0.8, 1.2),
    "radius_pvalue": (0.5,) * 3, "leverage_pvalue": (0.5,) * 3,
}  # fmt: skip
# Of four tests that share .05, one rejects at .0125 or less.
REJECTED = (0.0125,) * 3


def battery(repeats=0, projected=False):
    """Features of 200 images in 80 dimensions, two classes, as far as a verdict looks at them."""
    group = SimpleNamespace(features=np.zeros((200, 80)), counts=[100, 100], repeats=repeats)
    return SimpleNamespace(group=group, rank=80, pivotal=SimpleNamespace(projected=projected, dimension=20))


def judge(of=None, **changed):
    found = {n: Estimate(value=v, low=a, high=b, n=200, method="given") for n, (v, a, b) in (FINE | changed).items()}
    return judge_features(found, of or battery(), LIMITS)


def test_features_that_cannot_be_told_from_gaussian_ones_pass():
    found = judge()
    assert found.verdict == "pass"
    assert "cannot be told from Gaussian ones (p = 0.3)" in found.reason


def test_a_rejected_spectrum_fails_where_an_edge_lies_surely_beyond():
    beyond = {"gram_edge": (0.3, 0.1, 0.5)}
    found = judge(gram_pvalue=REJECTED, **beyond)
    assert found.verdict == "fail"
    assert "30\u202f% beyond the mixture's" in found.reason
    assert judge(gram_pvalue=(0.0126,) * 3, **beyond).verdict == "pass", "not rejected"
    assert judge(gram_pvalue=REJECTED, gram_edge=(0.3, -0.1, 0.5)).verdict == "pass", "within the replicates' range"
    assert judge(gram_pvalue=REJECTED, gram_edge=(0.1, 0.05, 0.2)).verdict == "pass", "tolerated"
    assert judge(gram_pvalue=REJECTED, gram_edge=(0.3, None, None)).verdict == "pass", "an open end lies nowhere"


def test_an_edge_too_far_in_fails_too():
    assert judge(whitened_pvalue=REJECTED, whitened_edge=(-0.3, -0.5, -0.1)).verdict == "fail"


def test_a_range_that_touches_the_mixture_s_edge_is_not_beyond_it():
    for shift in ((0.3, 0.0, 0.5), (-0.3, -0.5, 0.0)):
        assert judge(gram_pvalue=REJECTED, gram_edge=shift).verdict == "pass"


def test_of_two_norms_the_first_is_said_with_its_own_real_images_beside():
    wild = {f"{name}_ratio": (value, value - 0.5, value + 0.5) for name, value in (("radius", 4.0), ("leverage", 5.0))}
    beside = {"radius_ratio_heldout": (2.0, 1.0, 3.0), "leverage_ratio_heldout": (9.0, 8.0, 10.0)}
    found = judge(**wild, **beside, radius_pvalue=REJECTED, leverage_pvalue=REJECTED)
    assert found.answer.endswith("varies 4 times as much as a Gaussian's (of held-out real images 2 times).")


def test_what_is_rejected_and_tolerated_says_so():
    assert "differ from Gaussian ones by no more than is tolerated" in judge(gram_pvalue=REJECTED).reason
    assert "cannot be told from Gaussian ones" in judge(gram_pvalue=(0.1,) * 3).reason


@pytest.mark.parametrize("name", ["radius", "leverage"])
def test_a_norm_that_varies_too_much_fails_where_the_variance_is_rejected(name):
    wild = {f"{name}_ratio": (4.0, 3.5, 4.5)}
    found = judge(**wild, **{f"{name}_pvalue": REJECTED})
    assert found.verdict == "fail"
    assert "varies 4 times as much as a Gaussian's" in found.reason
    assert judge(**wild).verdict == "pass"
    assert judge(**wild, **{f"{name}_pvalue": (0.1,) * 3}).verdict == "pass"
    assert judge(**{f"{name}_ratio": (3.0, 2.5, 3.5), f"{name}_pvalue": REJECTED}).verdict == "pass"


def test_a_failure_says_for_which_methods():
    wild = {"leverage_ratio": (4.0, 3.5, 4.5), "leverage_pvalue": REJECTED}
    assert "though they describe the plain Gram matrix (p = 0.3)" in judge(**wild).answer
    assert "though" in judge(gram_pvalue=(0.05,) * 3, **wild).answer
    assert "though" not in judge(gram_pvalue=(0.049,) * 3, **wild).answer
    assert "though" not in judge(radius_ratio=(3.1, 3, 4), **wild).answer


def test_more_repeats_than_are_tolerated_fail():
    assert judge(battery(repeats=21)).verdict == "fail"
    assert "15\u202f% of the images repeat others exactly" in judge(battery(repeats=30)).reason
    assert judge(battery(repeats=20)).verdict == "pass"


def test_too_few_images_for_all_dimensions_leave_it_open_and_say_how_many_settle_it():
    found = judge(battery(projected=True))
    assert found.verdict == "inconclusive"
    assert (found.settles.of, found.settles.number) == ("images", pivotal_samples(80, 2).total)
    assert f"{number(200)} images allow 20 of 80 dimensions" in found.reason
    assert found.settles.clause in found.reason


def test_images_that_cannot_be_tested_leave_it_open():
    rows = np.random.default_rng(0).normal(size=(FEWEST_ROWS, 4))
    fit, few, alike = (SimpleNamespace(features=x, name="generated") for x in (rows, rows[1:], np.ones_like(rows)))
    assert judge_unfit(fit) is None
    assert judge_unfit(few).settles.number == FEWEST_ROWS
    assert judge_unfit(few).answer.endswith(f"give at least {FEWEST_ROWS} of each class.")
    assert judge_unfit(alike).verdict == "inconclusive"
    assert judge_unfit(alike).settles is None


def test_embeddings_must_agree():
    passed, opened = Decision("pass", "fine", "Fine."), Decision("inconclusive", "few", "Few.", settled_by(9, "images"))
    assert agreed({"pixels": passed}) == passed
    both = agreed({"pixels": passed, "inception": passed})
    assert (both.verdict, both.answer) == ("pass", "Fine. All 2 embeddings agree.")
    apart = agreed({"pixels": passed, "inception": opened})
    assert (apart.verdict, apart.settles) == ("inconclusive", None)
    assert apart.reason == "the embeddings disagree: pass in pixels, inconclusive in inception"
    assert agreed({"pixels": opened, "inception": opened}).settles == opened.settles
