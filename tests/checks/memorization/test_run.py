"""The whole check of copying on a bank of which a known share are training images."""

import numpy as np
import pytest
from torch import nn

from didlearn.audit.subject import Subject
from didlearn.checks.memorization import run as module
from didlearn.checks.memorization.check import Memorization
from didlearn.checks.memorization.run import run_memorization
from didlearn.checks.memorization.verdict import judge_copying
from didlearn.embeddings.classifier import ClassifierEmbedding
from didlearn.images import open_images
from didlearn.models.formats.bank import Bank
from didlearn.rng import Stream


def pictures(count, seed, size=6):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, size, size)).astype(np.uint8)


TRAIN, HELDOUT = pictures(300, 0), pictures(120, 1)


def answer(samples, check=None, **options):
    steps = []

    def progress(name, done, of):
        steps.append((name, done, of))

    subject = Subject(
        Bank(open_images(samples)),
        train=open_images(TRAIN),
        heldout=open_images(HELDOUT),
        outside={"noise": open_images(pictures(30, 3))},
        progress=progress,
        **options,
    )
    return run_memorization(check or Memorization(samples=100), subject, Stream(0)), steps


@pytest.fixture(scope="module")
def found():
    """Sixty fresh pictures and forty training images."""
    return answer(np.concatenate([pictures(60, 2), TRAIN[:40]]))


def test_forty_of_a_hundred_are_copies(found):
    result = found[0]
    assert result.estimates["copied_fraction"].value == pytest.approx(0.4)
    assert result.estimates["certain_copies"].value == pytest.approx(0.4)
    assert result.estimates["copied_fraction_heldout"].value == 0
    assert result.verdict == "fail"


def test_training_images_hit_are_told_apart_from_held_out_ones(found):
    distance, index = (found[0].arrays[f"generated_{what}"] for what in ("distance", "index"))
    assert sorted(index[distance == 0].tolist()) == list(range(40))
    assert len(found[0].arrays["heldout_distance"]) == len(found[0].arrays["heldout_index"]) == 100
    assert (found[0].arrays["heldout_distance"] > 0).all()


def test_the_pool_is_all_training_and_the_held_out_images_taken(found):
    estimates = found[0].estimates
    assert estimates["training_preference_expected"].value == pytest.approx(300 / 400)
    assert estimates["match_preference"].value == 1
    assert estimates["authenticity"].value <= 0.6


def test_the_page_holds_every_group(found):
    result = found[0]
    assert [series.label for series in result.figures[0].series] == [
        "generated", "held-out real", "noise", "mildly changed copies",
    ]  # fmt: skip
    assert [table.name for table in result.tables] == ["exact_copies", "cells"]
    assert len(result.tables[0].rows) == 40
    assert [gallery.name for gallery in result.galleries] == ["closest"]
    assert result.notes[0].startswith("A copy lies within ")
    assert not any("not exchangeable" in note for note in result.notes)


def test_it_tells_how_far_it_is(found):
    told = [step for step in found[1] if step[0] == "memorization"]
    assert told == [("memorization", done, 5) for done in range(1, 6)]


def test_the_parameters_are_passed_on():
    check = Memorization(samples=100, threshold=0.5, level=0.9, cells=1)
    result, _ = answer(pictures(100, 2), check)
    assert result.estimates["copy_threshold"].value == 0.5
    assert {estimate.level for estimate in result.estimates.values()} == {0.9}
    assert [(table.name, len(table.rows)) for table in result.tables] == [("cells", 1)]
    assert "it was given" in result.notes[0]


@pytest.mark.parametrize("split_off", [True, False])
def test_held_out_images_that_the_generator_may_have_seen_are_said_to_be_so(monkeypatch, split_off):
    asked = []

    def judge(estimates, copies, limits, honest, worn):
        asked.append((limits.tolerance, limits.alpha, limits.level, honest))
        return judge_copying(estimates, copies, limits, honest=honest, worn=worn)

    monkeypatch.setattr(module, "judge_copying", judge)
    answer(pictures(100, 2), Memorization(samples=100, tolerance=0.2, alpha=0.3, level=0.9), split_off=split_off)
    assert asked == [(0.2, 0.3, 0.9, not split_off)]


class Trained(ClassifierEmbedding):
    """Pixels that say they are a classifier's features."""

    name = "trained"

    def __init__(self):
        self.network = nn.Identity()  # type: ignore[assignment]

    def __call__(self, images):
        return images.flatten(1)


def test_features_of_a_classifier_trained_on_one_side_are_told():
    result, _ = answer(pictures(100, 2), embedding=Trained())
    assert any("not exchangeable" in note for note in result.notes)


def test_a_generator_of_another_shape_is_a_fault():
    result, _ = answer(pictures(100, 2, size=5))
    assert result.verdict == "error"


@pytest.mark.parametrize(("count", "verdict"), [(19, "inconclusive"), (20, "pass")])
def test_twenty_samples_are_the_fewest(count, verdict):
    check = Memorization(samples=100, tolerance=0.99)
    assert answer(pictures(count, 2), check)[0].verdict == verdict
