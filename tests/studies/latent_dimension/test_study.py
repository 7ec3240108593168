import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.studies.latent_dimension.study import LatentDimension
from didlearn.zoo.registry import RECIPES

SMALL = {
    "critic_steps": 1,
    "discriminator_width": 2,
    "images": 4,
    "draws": 20,
    "starts": 1,
    "rounds": 0,
    "likelihood_images": 2,
    "budget": 120,
}


def model(name, latent, seed, error, planted=1.0):
    interval = [error, error / 2, error * 2]
    return {
        "model": name,
        "latent": latent,
        "seed": seed,
        "error": {"train": interval, "held-out": interval, "shuffled pixels": interval},
        "error_within": interval,
        "planted": planted,
        "norm": 1.0,
        "between": 1.0,
        "frechet_distance": 3.0 / latent,
    }


def test_gan_and_autoencoder_are_compared_in_ratios():
    rng = np.random.default_rng(0)
    rows = [
        model(name, latent, seed, level * np.exp(0.01 * rng.standard_normal()) / latent)
        for name, level in (("wgan-gp", 3.0), ("autoencoder", 1.0))
        for latent in (2, 8)
        for seed in range(3)
    ]
    result = LatentDimension().summarise(rows)
    for latent in (2, 8):
        gap = result.estimates[f"log_error_ratio_{latent}"]
        assert gap.value == pytest.approx(np.log(3), abs=0.05)
        assert gap.low < np.log(3) < gap.high
    assert "At the largest latent the GAN's error is 3" in result.answer
    assert not any("fewer than" in note for note in result.notes)
    assert len(result.tables[0].rows) == 12
    poor = LatentDimension().summarise([*rows[:-1], rows[-1] | {"planted": 0.4}])
    assert any("autoencoder at 8" in note for note in poor.notes)
    assert LatentDimension().summarise(rows[:1]).answer == "Too few models are finished to say."


def test_all_models_have_one_decoder_and_the_latent_they_are_asked_for():
    study = LatentDimension(width=6, discriminator_width=5, critic_steps=4)
    for cell in study.cells():
        recipe = study._recipe(cell)
        assert isinstance(recipe, RECIPES[cell["model"]])
        assert (recipe.latent, recipe.width, recipe.steps) == (cell["latent"], 6, study.steps)
        assert recipe.decoder((1, 28, 28)).width == 6
    assert {cell["model"] for cell in study.cells()} == {"wgan-gp", "autoencoder", "vae", "glo"}


def test_the_study_end_to_end(run):
    result, rows, page = run("latent-dimension", latents="3", seeds=1, **SMALL)
    assert len(rows) == 4
    assert sorted(row[0] for row in result.tables[0].rows) == ["autoencoder", "glo", "vae", "wgan-gp"]
    columns = result.tables[0].columns
    assert {"train", "held-out", "shifted by 1", "random phases", "shuffled pixels", "even grey"} <= set(columns)
    for text in (
        "latent dimension bound", "Mean squared errors", "Controls", "Perception against distortion",
        "Error of held-out against the latent dimension",
    ):  # fmt: skip
        assert text in page
    likelihoods = [row[-3] for row in result.tables[1].rows]
    assert all(np.isfinite(likelihoods))


def test_what_cannot_work_is_refused_before_anything_is_trained(run, tmp_path):
    with pytest.raises(UsageError, match="a budget of 10 gradient evaluations is too small"):
        run("latent-dimension", **SMALL | {"budget": 10})
    np.save(tmp_path / "large.npy", np.random.default_rng(0).integers(0, 255, (30, 16, 16), dtype=np.uint8))
    with pytest.raises(UsageError, match="give size="):
        run("latent-dimension", outside=str(tmp_path / "large.npy"), **SMALL)
    assert not list((tmp_path / "latent-dimension" / "models").glob("*"))
