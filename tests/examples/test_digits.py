"""The generators that the demo audits are what they are called, and their recipe runs."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import didlearn
from didlearn.images import Images
from didlearn.images.split import split_heldout
from didlearn.rng import Stream

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
NAMES = ("sound", "collapsed", "memorised")
SAME = 0.245  # about where the audit of 20 000 samples draws the line between duplicates and look-alikes
LOOKALIKE = 0.79  # the 200th closest pair of all digits


@pytest.fixture(scope="module")
def parts() -> tuple[Images, Images]:
    return split_heldout(didlearn.open_images("digits"), seed=0, fraction=0.2)


def flat(images: Images) -> np.ndarray:
    return images.read(range(len(images))).flatten(1).numpy()


def samples(name: str, count: int = 4000) -> np.ndarray:
    drawn = didlearn.open_model(str(DIGITS / name)).draw(count, Stream(1), threads=1)
    assert drawn.finite.all()
    return (drawn.images.reshape(count, -1) / 255).astype(np.float32)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))


def share_within(x: np.ndarray, distance: float) -> float:
    return float((distances(x, x)[np.triu_indices(len(x), 1)] < distance).mean())


def test_were_trained_on_the_training_part_of_the_demos_audit(parts):
    """A change of the split or of the fingerprint would make the held-out part of the demo dishonest."""
    assert f"`{parts[0].fingerprint[:12]}`" in (DIGITS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_is_a_small_model_folder_of_digits(name):
    model = didlearn.open_model(str(DIGITS / name))
    assert model.image_shape == (1, 8, 8)
    assert sum(file.stat().st_size for file in (DIGITS / name).iterdir()) < 300_000


def test_sound_repeats_itself_no_more_than_real_digits_do():
    x = samples("sound")
    assert share_within(x, SAME) < 1e-6
    assert share_within(x, LOOKALIKE) < 1.3 * 200 / (1797 * 1796 / 2)


def test_sound_is_as_near_to_its_training_images_as_to_images_it_never_saw(parts):
    x, train, heldout = samples("sound"), *map(flat, parts)
    near = distances(x, train).min(1)
    assert near.min() > 0.3
    assert 0.9 < np.median(near) / np.median(distances(heldout, train).min(1)) < 1.4
    trained = near < distances(x, heldout).min(1)
    assert trained.mean() < len(train) / (len(train) + len(heldout)) + 0.025


def test_sound_makes_every_digit_as_often(parts):
    train = parts[0]
    nearest = distances(samples("sound"), flat(train)).argmin(1)
    shares = np.bincount(train.labels[nearest], minlength=10) / len(nearest)
    assert shares.min() > 0.05
    assert shares.max() < 0.2


def test_sound_reaches_as_far_as_digits_do(parts):
    x, heldout = samples("sound"), flat(parts[1])
    assert np.quantile(distances(heldout, x).min(1), 0.95) < 2
    assert 0.9 < np.sqrt(x.var(0).sum() / heldout.var(0).sum()) < 1.1


def test_collapsed_makes_few_pictures_and_copies_none(parts):
    x = samples("collapsed")
    assert 5 < 1 / share_within(x, SAME) < 60
    assert distances(x, flat(parts[0])).min() > 0.5


def test_memorised_shows_two_hundred_training_images_equally_often(parts):
    x, train = samples("memorised"), flat(parts[0])
    near = distances(x, train)
    assert (near.min(1) < 0.15).mean() > 0.9
    assert 180 < 1 / share_within(x, SAME) < 240
    shown = np.bincount(near.argmin(1)[near.min(1) < 0.15], minlength=len(train))
    assert (shown > 0).sum() == pytest.approx(200, abs=5)
    assert shown.max() < 60


def test_recipe_runs_and_repeats_itself(tmp_path, monkeypatch):
    """As a program, and in this process, where much else has been drawn before."""
    asked = [str(DIGITS / "train.py"), "--steps", "3", "--out"]
    subprocess.run([sys.executable, *asked, str(tmp_path / "a")], check=True, capture_output=True, timeout=120)
    monkeypatch.setattr(sys, "argv", [*asked, str(tmp_path / "b")])
    threads = torch.get_num_threads()
    try:
        runpy.run_path(str(DIGITS / "train.py"), run_name="__main__")
    finally:
        torch.set_num_threads(threads)
    for name in NAMES:
        weights = [(tmp_path / run / name / "weights.safetensors").read_bytes() for run in ("a", "b")]
        assert weights[0] == weights[1]
        drawn = didlearn.open_model(str(tmp_path / "a" / name)).draw(8, Stream(0), threads=1)
        assert drawn.images.shape == (8, 1, 8, 8)
