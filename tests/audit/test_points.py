"""Features given as a file give the numbers that the embedding gives; faults are found among points too."""

from pathlib import Path

import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.audit.spec import build_checks
from didlearn.embeddings import Embedding, embed
from didlearn.errors import DataError, UsageError
from tests.typed import didlearn

SHARED = Path(__file__).parents[3] / "shared"
SMALL = {
    "support": {"samples": 200, "threshold": 0.5},
    "memorization": {"samples": 200, "threshold": 0.5},
    "fidelity": {"samples": 200, "permutations": 19},
    "gaussianity": {"samples": 200},
    "concentration": {"samples": 200, "replicates": 19},
}


class Bent(Embedding):
    """Features in which every bit matters."""

    name = "bent"
    probed = True

    def __call__(self, images):
        weights = torch.randn(64, 12, generator=torch.Generator().manual_seed(0))
        return torch.tanh(images.flatten(1) @ weights)


def differences(pictures, points):
    return {
        (check.check, name): (estimate, points[check.check].estimates.get(name))
        for check in pictures.checks
        for name, estimate in check.estimates.items()
        if points[check.check].estimates.get(name) != estimate
    }


def test_features_as_a_file_give_the_embedding_s_numbers_to_the_last_bit(tmp_path):
    digits = dl.open_images("digits")
    parts = {"train": range(300), "heldout": range(300, 500), "generator": [*range(500, 680), *range(20)]}
    for name, chosen in parts.items():
        np.savez(tmp_path / f"{name}.npz", digits.read_raw(list(chosen)))
        np.save(tmp_path / f"{name}.npy", embed(Bent(), dl.open_images(tmp_path / f"{name}.npz")))
    checks = build_checks(list(SMALL), SMALL)
    pictures = dl.audit(**{n: tmp_path / f"{n}.npz" for n in parts}, embedding=Bent(), checks=checks, threads=1)
    points = dl.audit(**{n: tmp_path / f"{n}.npy" for n in parts}, points=True, checks=checks, threads=1)
    looks = {("fidelity", "fine_detail"), ("fidelity", "brightness_shift")}
    # Which real rows count as one picture, and which copies as certain, rests on what a mild change is.
    mild = {("support", "threshold"), ("support", "false_duplicate_rate"), ("memorization", "certain_copies")}
    different = set(differences(pictures, points))
    assert looks <= different <= looks | mild
    assert sum(len(check.estimates) for check in points.checks) > 80
    assert [c.verdict for c in points.checks] == [c.verdict for c in pictures.checks]


@pytest.mark.skipif(not (SHARED / "embeddings").is_dir(), reason="the shared real data are absent")
def test_squeezenet_s_features_of_cifar_10_too(tmp_path):
    source = f"{SHARED / 'embeddings' / 'architectures.py'}:squeezenet"
    space = dl.open_embedding(source, trust_code=True)
    with np.load(SHARED / "data" / "cifar10_train_first20k.npz") as file:
        pixels = file["x_train"][:130]
    for name, part in (("train", pixels[:40]), ("heldout", pixels[40:85]), ("generator", pixels[85:])):
        np.savez(tmp_path / f"{name}.npz", part)
        np.save(tmp_path / f"{name}.npy", embed(space, dl.open_images(tmp_path / f"{name}.npz")))
    names = ("train", "heldout", "generator")
    given = {"fidelity": {"samples": 45, "permutations": 19}, "memorization": {"samples": 45, "threshold": 8.0}}
    checks = build_checks(list(given), given)
    pictures = dl.audit(
        **{n: tmp_path / f"{n}.npz" for n in names}, embedding=source, trust_code=True, checks=checks, threads=1
    )
    points = dl.audit(**{n: tmp_path / f"{n}.npy" for n in names}, points=True, checks=checks, threads=1)
    assert {name for _, name in differences(pictures, points)} == {"fine_detail", "brightness_shift"}


def gaussian(count, seed):
    """Rows whose columns have quite different sizes."""
    return np.random.default_rng(seed).normal(size=(count, 6)) * [1, 10, 0.1, 5, 2, 1]


PLAIN = {
    "support": {"samples": 600},
    "memorization": {"samples": 600},
    "fidelity": {"samples": 600, "permutations": 99},
}


def audited(generated, *names, **more):
    """An audit by the checks of these names, by all if there are none."""
    checks = build_checks(names or list(PLAIN), {name: PLAIN[name] for name in names or PLAIN})
    return dl.audit(
        train=gaussian(1500, 1), heldout=gaussian(800, 2), generator=generated, points=True, checks=checks, threads=1,
        **more,
    )  # fmt: skip


@pytest.mark.usefixtures("no_figure_files")
def test_a_perfect_sampler_fails_nothing_and_its_page_is_written(tmp_path):
    result = audited(gaussian(600, 3), output=tmp_path)
    assert "fail" not in [check.verdict for check in result.checks]
    assert "error" not in [check.verdict for check in result.checks]
    assert "points" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_planted_faults_are_found():
    blurred = gaussian(600, 4) * 0.01
    copies = gaussian(1500, 1)[:600] + 0.01 * gaussian(600, 5)
    few = np.repeat(gaussian(30, 6), 20, axis=0) + 0.01 * gaussian(600, 7)
    assert audited(copies, "memorization")["memorization"].verdict == "fail"
    assert audited(few, "support")["support"].verdict == "fail"
    assert audited(blurred, "fidelity")["fidelity"].verdict == "fail"


def test_how_much_noise_is_mild_decides_what_a_copy_is():
    near = gaussian(1500, 1)[:600] + 0.02 * gaussian(600, 5)
    thresholds = [
        audited(near, "memorization", noise=noise)["memorization"].estimates["copy_threshold"].point
        for noise in (0.005, 0.02)
    ]
    assert thresholds[0] < thresholds[1]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--points", "--embedding", "classifier"], "leave --embedding out"),
        (["--points", "--size", "16"], "--size goes with pictures"),
        (["--points", "--noise", "2"], "--noise 2"),
        (["--noise", "0.1"], "give --points too"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, flags, words):
    np.save(tmp_path / "x.npy", gaussian(50, 0))
    done = didlearn("audit", "--train", "x.npy", "--generator", "x.npy", *flags, "-q", cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr, done.stderr
    assert not (tmp_path / "runs").exists()


def test_columns_that_do_not_match_are_said(tmp_path):
    with pytest.raises(DataError, match="training images are"):
        dl.audit(train=gaussian(50, 0), heldout=gaussian(50, 1)[:, :5], generator=gaussian(50, 2), points=True)
    result = dl.audit(
        train=gaussian(90, 0), heldout=gaussian(90, 1), generator=gaussian(50, 2)[:, :5], points=True,
        checks=["fidelity"],
    )  # fmt: skip
    assert "rows hold 5 numbers, the real ones 6" in result["fidelity"].reason
    with pytest.raises(UsageError, match="noise"):
        dl.audit(train=gaussian(50, 0), noise=0.1)
