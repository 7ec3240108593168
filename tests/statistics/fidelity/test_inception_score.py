"""The Inception Score.

Mistakes seen: KL the other way round, the mean of logits for that of probabilities, 0 log 0, splits.
"""

import math

import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.errors import DataError
from didlearn.statistics.fidelity.inception_score import are_probabilities, inception_influence, inception_score
from didlearn.statistics.fidelity.vendi import vendi_score


def test_sure_answers_score_the_number_of_classes_and_unsure_ones_nothing():
    sure = np.repeat(np.eye(5), 4, axis=0)
    assert dl.inception_score(1e4 * sure) == pytest.approx(5, rel=1e-12)
    assert inception_score(sure, probabilities=True) == pytest.approx(5, rel=1e-12)
    assert inception_score(np.zeros((20, 5))) == 1
    assert inception_score(np.repeat([[3.0, 1, 0]], 9, axis=0)) == pytest.approx(1, abs=1e-12), "all are alike"


def test_of_unequal_shares_it_is_the_exponential_of_their_entropy():
    rows = np.repeat(np.eye(3), [5, 3, 2], axis=0)
    assert inception_score(rows, probabilities=True) == pytest.approx(vendi_score(rows))


def test_two_unsure_answers():
    """p and q mirrored about one half: log 2 less the entropy of either."""
    p, q = 0.8, 0.2
    wanted = 2 * math.exp(p * math.log(p) + q * math.log(q))
    assert inception_score([[p, q], [q, p]], probabilities=True) == pytest.approx(wanted)
    assert inception_score(np.log([[p, q], [q, p]])) == pytest.approx(wanted)


def test_laws():
    rng = np.random.default_rng(0)
    logits = 3 * rng.normal(size=(60, 8))
    found = inception_score(logits)
    assert 1 < found < 8
    assert inception_score(logits + rng.normal(size=(60, 1))) == pytest.approx(found), "a constant of each image"
    assert inception_score(np.repeat(logits, 3, axis=0)[::-1]) == pytest.approx(found)
    assert inception_score(torch.tensor(logits)) == pytest.approx(found)
    assert inception_score(logits[:, ::-1]) == pytest.approx(found)
    assert inception_score(100 * logits) > found > inception_score(logits / 100)


def test_influence_is_the_derivative():
    logits = 2 * np.random.default_rng(1).normal(size=(12, 4))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = inception_influence(logits)
    assert found.pull.sum() == pytest.approx(0, abs=1e-12)

    def log_score(weights):
        mean = weights @ p
        return weights @ (p * np.log(p / mean)).sum(axis=1)

    even, step = np.full(12, 1 / 12), 1e-6
    assert found.log == pytest.approx(log_score(even))
    for row in range(12):
        moved = (1 - step) * even + step * np.eye(12)[row]
        assert found.pull[row] == pytest.approx((log_score(moved) - found.log) / step, abs=1e-4)


def test_what_is_probability():
    assert are_probabilities(np.array([[0.25, 0.75], [0, 1]]))
    assert not are_probabilities(np.array([[0.25, 0.75], [0.5, 1]]))
    assert not are_probabilities(np.array([[-0.25, 1.25]]))


def test_what_is_refused():
    with pytest.raises(DataError, match=r"two classes at least, and the scores have 1"):
        inception_score(np.ones((5, 1)))
    with pytest.raises(DataError, match="leave probabilities=True for logits"):
        inception_score(np.ones((5, 2)), probabilities=True)
    with pytest.raises(DataError, match="NaN"):
        inception_score([[math.nan, 1], [1, 1]])
