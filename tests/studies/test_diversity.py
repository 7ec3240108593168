from dataclasses import replace

import numpy as np
import pytest

import didlearn as dl
from didlearn.audit.subject import Subject
from didlearn.errors import ModelError
from didlearn.models import open_model
from didlearn.studies.diversity import class_supports, copying, diversity, even_chance, within_class_distance

SUPPORTS = (4, 12, 60)


@pytest.fixture
def conditional(tmp_path):
    """Real images in pairs that look alike; three classes of generated ones, each drawn from so many images."""
    rng = np.random.default_rng(1)
    base = rng.integers(20, 230, (3, 80, 8, 8))
    alike = base + rng.integers(-3, 4, base.shape)
    real = np.concatenate([base, alike], axis=1).astype(np.uint8)
    made = [rng.integers(20, 230, (n, 8, 8))[rng.integers(0, n, 500)] for n in SUPPORTS]
    order = rng.permutation(1500)
    np.savez(
        tmp_path / "bank.npz", x=np.concatenate(made).astype(np.uint8)[order], y=np.repeat(np.arange(3), 500)[order]
    )
    np.savez(tmp_path / "real.npz", x=real.reshape(-1, 8, 8), y=np.repeat(np.arange(3), 160))
    train = dl.open_images(str(tmp_path / "real.npz"))
    return Subject(open_model(str(tmp_path / "bank.npz")), train, train, seed=1)


def test_classes_have_the_supports_they_were_given(conditional):
    found = class_supports(conditional, 1500)
    distance = found.pop("distance")
    assert 0 < distance < 0.2
    assert list(found) == ["0", "1", "2"]
    for truth, sides in zip(SUPPORTS, found.values(), strict=True):
        value, low, high = sides["generated"]
        assert low < truth < high
        assert value == pytest.approx(truth, rel=0.15)
        # 80 pairs among 160: one in 159 of all pairs.
        assert sides["real"][0] == pytest.approx(159, rel=0.5)


def test_the_distance_is_one_for_all_classes():
    """The two hundredth smallest distance within a class, over classes; pairs across classes do not count."""
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((90, 2)), np.repeat([0, 1, 2], 30)
    features[labels == 2] *= 50
    within = [np.linalg.norm(features[i] - features[j]) for i in range(90) for j in range(i) if labels[i] == labels[j]]
    assert within_class_distance(features.astype(np.float32), labels) == pytest.approx(sorted(within)[199], rel=1e-5)


def test_a_class_of_one_image_has_no_support(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "real.npz", x=rng.integers(0, 255, (41, 8, 8), dtype=np.uint8), y=np.array([0] * 40 + [1]))
    np.savez(tmp_path / "bank.npz", x=rng.integers(0, 255, (60, 8, 8), dtype=np.uint8), y=np.array([0, 1] * 30))
    train = dl.open_images(str(tmp_path / "real.npz"))
    found = class_supports(Subject(open_model(str(tmp_path / "bank.npz")), train, train), 60)
    assert found["1"]["real"] is None
    assert found["1"]["generated"] is not None


def test_rows_are_the_checks_own_estimates(conditional):
    row = diversity(conditional, 1500)
    weights = np.full(3, 1 / 3)
    assert row["effective_support"][0] == pytest.approx(1 / (weights**2 / np.array(SUPPORTS)).sum(), rel=0.15)
    assert all(len(entry) == 3 for entry in row.values())
    unseen = np.random.default_rng(2).integers(20, 230, (200, 8, 8)).astype(np.uint8)
    copied = copying(replace(conditional, heldout=dl.open_images(unseen)), 1500)
    assert {"copied_fraction", "training_preference_pvalue"} <= copied.keys()


def test_a_check_without_numbers_is_an_error(conditional):
    nothing = Subject(conditional.model, None, None)
    with pytest.raises(ModelError, match="gave no numbers"):
        copying(nothing, 100)


def test_half_of_all_batches_of_the_even_chance_size_repeat_an_image():
    """Against the birthday problem itself: 23 people for 365 days; an open end stays open."""
    assert even_chance([365.0, None, 4.6e5]) == [23.0, None, pytest.approx(799, abs=1)]
    assert even_chance(None) == [None, None, None]


def test_a_support_estimated_below_one_image_is_one():
    assert even_chance([0.5, 0.2, 1.0]) == even_chance([1.0, 1.0, 1.0])
