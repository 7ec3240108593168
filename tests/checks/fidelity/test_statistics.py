"""The Fréchet distance from a statistics file: the number that the features give, and no verdict of its own."""

import numpy as np
import pytest

import didlearn as dl
from didlearn.checks.fidelity.check import Fidelity
from didlearn.errors import UsageError
from tests.typed import didlearn

SMALL = Fidelity(samples=300, permutations=19)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Digits as samples, and the statistics of a part of them."""
    folder = tmp_path_factory.mktemp("statistics")
    pixels = dl.open_images("digits").read_raw(range(1797))
    np.savez(folder / "samples.npz", pixels[:300])
    np.savez(folder / "train.npz", pixels[300:1000])
    np.savez(folder / "heldout.npz", pixels[1000:])
    done = didlearn("statistics", folder / "train.npz", "-o", folder / "train-statistics.npz")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("statistics of 700 images, 64 features: ")
    return folder, (pixels.reshape(1797, -1) / 255).astype(np.float32)


def test_it_is_the_distance_of_the_features_and_of_held_out_images_in_their_place(files):
    folder, rows = files
    found = dl.audit(
        train=folder / "train.npz", heldout=folder / "heldout.npz", generator=folder / "samples.npz",
        train_statistics=folder / "train-statistics.npz", checks=[SMALL], threads=1,
    )["fidelity"].estimates  # fmt: skip
    wanted = dl.frechet_distance(real=rows[300:1000], generated=rows[:300])
    assert found["frechet_distance_statistics"].value == pytest.approx(wanted, rel=1e-9)
    null = found["frechet_distance_statistics_heldout"]
    assert (null.n, found["frechet_distance_statistics"].n) == (300, 300)
    assert null.low < null.value < null.high


def test_without_real_images_it_is_measured_and_judges_nothing(files):
    folder, rows = files
    result = dl.audit(
        generator=folder / "samples.npz", train_statistics=folder / "train-statistics.npz", checks=[SMALL], threads=1
    )
    found = result["fidelity"]
    assert found.verdict == "measured"
    assert list(found.estimates) == ["frechet_distance_statistics"]
    assert found.estimates["frechet_distance_statistics"].value == pytest.approx(
        dl.frechet_distance(real=rows[300:1000], generated=rows[:300]), rel=1e-9
    )
    assert result.subject["train_statistics"]["images"] == 700


def test_fewer_held_out_images_are_no_null(files):
    folder, _ = files
    few = dl.open_images(folder / "heldout.npz").subset(range(100))
    found = dl.audit(
        train=folder / "train.npz", heldout=few, generator=folder / "samples.npz",
        train_statistics=folder / "train-statistics.npz", checks=[SMALL], threads=1,
    )["fidelity"]  # fmt: skip
    assert "frechet_distance_statistics_heldout" not in found.estimates
    assert any("no null" in note for note in found.notes)


def test_statistics_of_other_features_are_refused_before_anything_is_measured(files, tmp_path):
    folder, _ = files
    np.savez(tmp_path / "inception.npz", mu=np.zeros(2048), sigma=np.eye(2048))
    with pytest.raises(UsageError, match="2048 features, and the embedding pixels has 64"):
        dl.audit(train="digits", train_statistics=tmp_path / "inception.npz", generator=folder / "samples.npz")
    done = didlearn("audit", "--train", "digits", "--train-statistics", tmp_path / "none.npz", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no file" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_peer_s_file_does_not_say_its_embedding_and_that_is_said(files, tmp_path):
    folder, rows = files
    np.savez(tmp_path / "peer.npz", mu=rows.mean(0), sigma=np.cov(rows, rowvar=False))
    found = dl.audit(
        generator=folder / "samples.npz", train_statistics=tmp_path / "peer.npz", checks=[SMALL], threads=1
    )["fidelity"]
    assert any("does not say which embedding" in note for note in found.notes)


def test_statistics_are_written_to_an_npz_alone(tmp_path):
    done = didlearn("statistics", "digits", "-o", tmp_path / "x.txt")
    assert (done.returncode, "x.npz" in done.stderr) == (2, True)
