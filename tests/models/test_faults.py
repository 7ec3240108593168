"""What is so wrong with a sample that no statistic of it means anything."""

import numpy as np
import pytest

from didlearn.models.base import Samples
from didlearn.models.faults import find_fault

SHAPE = (1, 4, 4)


def samples(n=20, shape=SHAPE, dtype=np.uint8, broken=0, value=0):
    finite = np.arange(n) >= broken
    return Samples(np.full((n, *shape), value, dtype), None, finite)


def test_a_sound_sample_has_no_fault():
    assert find_fault(samples(), SHAPE, 20) is None
    assert find_fault(samples(dtype=np.float32, value=1.0005)) is None


@pytest.mark.parametrize(
    ("faulty", "verdict", "words"),
    [
        (samples(broken=3), "fail", "3 of 20 generated images"),
        (samples(shape=(3, 4, 4)), "error", "size=4 and channels=3"),
        (samples(dtype=np.float32, value=1.01), "error", "value_range=(LOW, HIGH)"),
        (samples(n=19), "inconclusive", "give at least 20"),
    ],
)
def test_each_fault_has_its_verdict_and_its_remedy(faulty, verdict, words):
    found = find_fault(faulty, SHAPE, 20)
    assert (found.verdict, words in found.reason) == (verdict, True)
    assert found.result("support").answer == found.answer


def test_too_few_samples_say_how_many_settle_it():
    settles = find_fault(samples(n=19), SHAPE, 20).result("support").settles
    assert (settles.number, settles.of) == (20, "samples")
    assert settles.sentence == "Give at least 20, better thousands."
