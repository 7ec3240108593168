"""CMMD, MIND, the Inception Score and sFID in the check.

Mistakes seen: features of other images than the chosen ones, nulls at other numbers, a score that is judged, maps of
held-out images in the place of the training ones.
"""

from dataclasses import replace

import numpy as np
import pytest

import didlearn as dl
from didlearn.audit.running.run_check import run_check
from didlearn.checks.fidelity.check import Fidelity
from didlearn.checks.fidelity.measure import Sets
from didlearn.checks.fidelity.other_scores.numbers import distance_numbers
from didlearn.checks.fidelity.other_scores.table import other_table
from didlearn.embeddings.base import Head
from didlearn.embeddings.moments import FeatureMoments
from didlearn.result.values import Estimate
from didlearn.rng import Stream
from tests.checks.features import Lookup
from tests.checks.fidelity.test_check import P, law, subject_of

CHECK = Fidelity(permutations=99)
HEAD = Head(3 * np.eye(3, P), np.array([0.0, -1, 0.5]))


@pytest.fixture(scope="module")
def rows():
    """Generated ones of one cluster of three, held-out and training ones of the law."""
    own = law(1200, 0)
    return {"generated": own[own[:, 0] > 2.5][:250], "heldout": law(250, 1), "train": law(250, 2)}


@pytest.fixture(scope="module")
def found(rows):
    subject = subject_of(**rows)
    table = subject.embedding.table.numpy()
    subject.embedding.head = HEAD
    subject.embedding.spatial = Lookup(table[:, :2] ** 2)
    subject.embedding.spatial.name = "maps"
    moments = FeatureMoments.of(table[:, :2] ** 2, "maps", "file.npz")
    full = FeatureMoments.of(table, "", "file.npz")
    return run_check(CHECK, replace(subject, statistics=replace(full, spatial=moments)))


def test_they_are_of_the_images_they_name(rows, found):
    e = found.estimates
    for name, own in (("", rows["generated"]), ("_train", rows["train"])):
        pair = {"real": rows["heldout"].astype(np.float32), "generated": own.astype(np.float32)}
        assert e[f"cmmd{name}"].value == pytest.approx(dl.cmmd(**pair), rel=1e-9)
        spread = e[f"mind{name}"].high - e[f"mind{name}"].low
        assert abs(e[f"mind{name}"].value - dl.mind(**pair)) < spread / 2, "other directions"
        maps = {key: np.square(value[:, :2]) for key, value in pair.items()}
        assert e[f"spatial_frechet_distance{name}"].value == pytest.approx(dl.frechet_distance(**maps), rel=1e-6)
    assert e["mind"].low > e["mind_train"].high
    assert e["cmmd"].low > e["cmmd_train"].high


def test_the_inception_score_is_beside_that_of_as_many_held_out_images(rows, found):
    e = found.estimates
    heldout = dl.inception_score(HEAD.logits(rows["heldout"].astype(np.float32)))
    assert e["inception_score_heldout"].value == pytest.approx(heldout, rel=1e-6)
    assert (e["inception_score"].n, e["inception_score_heldout"].n) == (250, 250)
    generated = dl.inception_score(HEAD.logits(rows["generated"].astype(np.float32)))
    assert e["inception_score"].value == pytest.approx(generated, rel=1e-6)
    assert e["inception_score"].high < 1.2 < 2.5 < e["inception_score_heldout"].low < 3
    assert "classes of lookup" in e["inception_score"].method
    few = subject_of(rows["generated"], rows["heldout"][:100], rows["train"])
    few.embedding.head = HEAD
    e = run_check(CHECK, few).estimates
    assert (e["inception_score"].n, e["inception_score_heldout"].n) == (100, 100)


def test_of_a_file_s_spatial_moments_too(rows, found):
    maps = np.concatenate(
        [np.square(rows[name][:, :2].astype(np.float32)) for name in ("generated", "heldout", "train")]
    )
    for end, own in (("", maps[:250]), ("_heldout", maps[250:500])):
        wanted = dl.frechet_distance(real=maps, generated=own)
        assert found.estimates[f"spatial_frechet_distance_statistics{end}"].value == pytest.approx(wanted, rel=1e-6)


def test_none_of_them_is_judged(rows, found):
    bare = run_check(CHECK, subject_of(**rows))
    assert (bare.verdict, bare.answer, bare.effects) == (found.verdict, found.answer, found.effects)
    assert not {"inception_score", "spatial_frechet_distance"} & bare.estimates.keys()
    assert {"cmmd", "mind", "cmmd_train", "mind_train"} <= bare.estimates.keys()
    assert [row[0] for row in table_of(bare).rows] == ["CMMD", "MIND"]
    assert [row[0] for row in table_of(found).rows] == ["Inception Score", "CMMD", "MIND", "sFID"]


def table_of(result):
    return next(table for table in result.tables if table.name == "other_scores")


def test_spatial_moments_without_maps_are_left_aside_and_that_is_said(rows):
    subject = subject_of(**rows)
    table = subject.embedding.table.numpy()
    moments = FeatureMoments.of(table, "", "adm.npz")
    subject = replace(subject, statistics=replace(moments, spatial=FeatureMoments.of(table[:, :2], "", "adm.npz")))
    found = run_check(CHECK, subject)
    assert "spatial_frechet_distance_statistics" not in found.estimates
    assert any("adm.npz also holds mu_s and sigma_s" in note for note in found.notes)


@pytest.mark.parametrize("probabilities", [False, True])
def test_a_classifier_beside_the_embedding_gives_an_inception_score(rows, probabilities):
    subject = subject_of(**rows)
    scores = HEAD.logits(subject.embedding.table.numpy())
    if probabilities:
        scores = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    telling = Lookup(scores)
    telling.name = "telling"
    found = run_check(CHECK, replace(subject, classifier=telling)).estimates
    assert "classes of telling" in found["inception_score"].method
    for end, part in (("", scores[:250]), ("_heldout", scores[250:500])):
        wanted = dl.inception_score(part, probabilities=probabilities)
        assert found[f"inception_score{end}"].value == pytest.approx(wanted, rel=1e-4)


def test_the_null_is_read_and_both_share_their_directions():
    rng = np.random.default_rng(0)
    real, own = rng.normal(size=(2, 60, 4))
    found = distance_numbers(Sets(real, own, own), 0.9, Stream(0))
    assert found["mind"] == found["mind_train"]
    assert found["cmmd"] == found["cmmd_train"]
    assert (found["mind"].n, found["mind"].level, found["cmmd"].level) == (120, 0.9, 0.9)
    other = distance_numbers(Sets(real, own, own + 1), 0.9, Stream(0))
    assert other["mind"] == found["mind"]
    assert other["mind_train"].low > found["mind"].high


def test_the_table_s_columns():
    found = {
        name: Estimate(value=value, low=value - 1, high=value + 1, n=9, method="")
        for name, value in (
            ("mind", 5.0),
            ("mind_train", 2.0),
            ("inception_score", 8.0),
            ("inception_score_heldout", 7.0),
        )
    }
    assert other_table(found).rows == (
        ("Inception Score", 8, 7, 9, 7, 6, 8, "as real"),
        ("MIND", 5, 4, 6, 2, 1, 3, "0"),
    )
