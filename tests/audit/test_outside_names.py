"""Names that the program uses itself are refused for outside sets, however they are given, before any work."""

import pytest

import didlearn as dl
from didlearn.audit.outside_names import TAKEN, refuse_taken_names
from didlearn.errors import UsageError


@pytest.mark.parametrize("name", [*TAKEN, "Held_Out", "heldout", "TRAIN", "its-own samples"])
def test_groups_of_its_own(name):
    with pytest.raises(UsageError, match=r"an outside set cannot be called .*other-"):
        refuse_taken_names([name])


@pytest.mark.parametrize("names", [["svhn", "svhn_contrast"], ["a_published", "a"], ["train_published"]])
def test_names_that_make_the_name_of_another_estimate(names):
    with pytest.raises(UsageError, match="would give two numbers the name"):
        refuse_taken_names(names)


def test_others_are_taken():
    refuse_taken_names(["svhn", "mnist", "noisy", "my train set", "x", "other-noise", "test"])
    refuse_taken_names([])


def test_nothing_is_opened_before(tmp_path):
    with pytest.raises(UsageError, match="'generated' is what the program calls"):
        dl.audit(train=tmp_path / "nowhere", generator="nothing", outside={"generated": "nothing"})


def test_groups_of_the_inversion_are_all_taken():
    for group in ("train", "held-out", "generated", "shifted", "noise"):
        assert group in TAKEN
