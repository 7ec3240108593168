"""What was done to a picture, in words."""

import numpy as np
import pytest

from didlearn.alignment import find_originals
from didlearn.alignment.changes import describe_change
from didlearn.images.disguises import DISGUISES, exchanged, in_turn, noisy, relit
from tests.alignment.pictures import scenes


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        (in_turn(), "as it is"),
        (DISGUISES["mirrored"], "mirrored"),
        (DISGUISES["moved by a pixel"], "moved by a pixel"),
        (DISGUISES["moved by two, both ways"], "moved by 2.8 pixels"),
        (DISGUISES["turned by 10°"], "turned by 10°"),
        (DISGUISES["cropped by 4 pixels"], "cropped to 75 %"),
        (relit(0.75), "darker"),
        (DISGUISES["contrast of .6"], "with less contrast"),
        (DISGUISES["grey"], "grey"),
        (exchanged, "channels exchanged"),
        (DISGUISES["noise of 25 levels"], "noisier"),
    ],
)
def test_the_change_is_named(change, clause):
    hidden_well(scenes(200, seed=0), change, clause)


def test_lost_detail_is_named():
    grained = noisy(20)(scenes(200, seed=0), np.random.default_rng(1))
    hidden_well(grained, DISGUISES["half the resolution"], "softer")


def hidden_well(known, change, clause):
    """Most of what was changed is said to have been."""
    hidden = change(known[:20], np.random.default_rng(0))
    found = find_originals(hidden, known)
    said = [describe_change(hidden[i], known[i], found.maps[i]) for i in range(20) if found.index[i] == i]
    assert sum(clause in one.split(", ") for one in said) >= 0.8 * len(said) >= 12
