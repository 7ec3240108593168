"""How far the spectrum's edge lies from the mixture's, in words."""

import pytest

from didlearn.checks.gaussianity.verdict import edge_words
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
