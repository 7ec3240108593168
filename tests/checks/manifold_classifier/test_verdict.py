"""What is said of classes and of outside images."""

import pytest

from didlearn.checks.manifold_classifier.outliers import outlier_key
from didlearn.checks.manifold_classifier.page import SCORES
from didlearn.checks.manifold_classifier.verdict import say_classes, say_outside
from didlearn.result.values import Estimate


def area(value, high):
    return Estimate(value=value, low=None, high=high, n=30, method="given")


def told(value, high, **others):
    values = dict.fromkeys(SCORES, 0.1) | others
    found = {outlier_key("dark", score): area(value, value) for score, value in values.items()}
    return say_outside(found | {outlier_key("dark", "manifold"): area(value, high)}, "dark")


def test_accuracies_are_said_beside_one_another():
    shares = {
        "manifold_accuracy": 0.5,
        "neighbour_accuracy": 0.75,
        "linear_accuracy": 0.25,
        "mean_accuracy": 0.0,
        "chance": 0.1,
    }
    said = say_classes({name: area(value, value) for name, value in shares.items()})
    assert "manifold is right for 50 %" in said.replace("\u202f", " ")
    assert "training image for 75 %, a linear classifier for 25 %, guessing for 10 %" in said.replace("\u202f", " ")


@pytest.mark.parametrize(
    ("value", "high", "words"),
    [
        (0.2, 0.49, "worse than chance (AUROC 0.2)"),
        (0.2, 0.5, "AUROC 0.2;"),
        (0.0, 0.0, "worse than chance"),
        (0.2, None, "AUROC 0.2;"),
        (0.9, 1.0, "AUROC 0.9;"),
    ],
)
def test_worse_than_chance_is_what_surely_is(value, high, words):
    said = told(value, high)
    assert words in said
    assert ("worse" in said) == ("worse" in words)


def test_the_best_score_that_knows_no_generator_stands_beside_it():
    said = told(0.95, 1.0, contrast=0.8, neighbour=0.3)
    assert said.endswith("the variance of all pixels alone with 0.8.")
