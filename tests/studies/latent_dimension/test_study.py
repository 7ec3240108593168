import numpy as np
import pytest
from scipy.stats import t as student

from didlearn.errors import UsageError
from didlearn.studies.latent_dimension.study import LatentDimension
from didlearn.zoo.registry import RECIPES

SMALL = {
    "critic_steps": 1,
    "discriminator_width": 2,
    "images": 3,
    "reconstructed": 4,
    "draws": 20,
    "starts": 1,
    "rounds": 0,
    "likelihood_images": 2,
    "budget": 120,
}


@pytest.fixture
def short_search(monkeypatch):
    """Let a search end after 15 steps and not after 120: how near it comes is no test's business here."""
    monkeypatch.setattr("didlearn.inversion.race._FIRST", ((16, 5), (4, 5), (2, 5)))


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
        "reconstruction_distance": [10 * x for x in interval],
        "log_likelihood": [-100 * error, -110 * error, -90 * error],
        "likelihood_gap": [0.5, 0.4, 0.6],
        "line": {
            "at": [0.0, 1.0],
            "mean": [2.0, error],
            "low": [1.0, error / 2],
            "high": [3.0, 2 * error],
            "barrier": [0.0, 0.0, 0.5],
        },
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


def test_intervals_over_seeds_and_over_images_are_in_the_tables():
    """Errors and distances by their logarithms, likelihoods as they are; one seed has no interval."""
    errors = (0.1, 0.2, 0.4)
    rows = [model("vae", 8, seed, error) for seed, error in enumerate(errors)] + [model("glo", 8, 0, 0.1)]
    tables = {table.name: table for table in LatentDimension().summarise(rows).tables}
    alone, several = tables["over-seeds"].rows
    half = student.ppf(0.975, 2) * np.std(np.log(errors), ddof=1) / np.sqrt(3)
    assert several[:3] == ("vae", 8, 3)
    assert several[3:6] == pytest.approx((0.2, 0.2 * np.exp(-half), 0.2 * np.exp(half)))
    assert several[6:9] == pytest.approx((2.0, 2 * np.exp(-half), 2 * np.exp(half)))
    width = student.ppf(0.975, 2) * np.std(np.multiply(errors, 100), ddof=1) / np.sqrt(3)
    assert several[12:15] == pytest.approx((-70 / 3, -70 / 3 - width, -70 / 3 + width))
    assert alone[3:6] == (0.1, None, None)
    images = [row[3:] for row in tables["over-images"].rows if row[:3] == ("vae", 8, 1)]
    assert ("error, held-out", 0.2, 0.1, 0.4) in images
    assert ("Fréchet distance of reconstructions", 2.0, 1.0, 4.0) in images
    apart = [model("vae", 8, seed, error) for seed, error in enumerate((1e-200, 1.0))]
    low, high = LatentDimension().summarise(apart).tables[1].rows[0][4:6]
    assert 0 < low < 1e-290
    assert high > 1e290


def test_the_plane_is_of_reconstructions_and_likelihood_stands_against_the_dimension():
    rows = [model("vae", latent, seed, 1 / latent) for latent in (2, 4) for seed in (0, 1)]
    figures = {figure.name: figure for figure in LatentDimension(models=("vae",)).summarise(rows).figures}
    (points,) = figures["perception-distortion"].series
    assert points.x == (0.25, 0.25, 0.5, 0.5)
    assert points.y == (2.5, 2.5, 5.0, 5.0)
    assert (points.low[0], points.high[0]) == (1.25, 5.0)
    (line,) = figures["log-likelihood"].series
    assert (line.x, line.y, line.high) == ((2.0, 4.0), (-50.0, -25.0), (-49.5, -24.5))
    (distance,) = figures["reconstruction-distance"].series
    assert distance.y == (5.0, 2.5)
    none = [
        {key: row[key] for key in row if not key.startswith("likelihood") and key != "log_likelihood"} for row in rows
    ]
    assert "log-likelihood" not in {figure.name for figure in LatentDimension().summarise(none).figures}


def test_all_models_have_one_decoder_and_the_latent_they_are_asked_for():
    study = LatentDimension(width=6, discriminator_width=5, critic_steps=4)
    for cell in study.cells():
        recipe = study._recipe(cell, cell["model"])
        assert isinstance(recipe, RECIPES[cell["model"]])
        assert (recipe.latent, recipe.width, recipe.steps) == (cell["latent"], 6, study.steps)
        assert recipe.decoder((1, 28, 28)).width == 6
    assert {cell["model"] for cell in study.cells()} == {"wgan-gp", "autoencoder", "vae", "glo"}


def test_the_other_gans_are_offered_with_the_same_decoder():
    study = LatentDimension(models=("dcgan", "bigan", "r3gan"), latents=(5,), width=6, discriminator_width=3)
    for cell in study.cells():
        recipe = study._recipe(cell, cell["model"])
        assert isinstance(recipe, RECIPES[cell["model"]])
        assert (recipe.latent, recipe.decoder((1, 8, 8)).width) == (5, 6)
        assert vars(recipe)["discriminator_width"] == 3


def test_every_gan_is_compared_with_the_autoencoder():
    rows = [
        model(name, 8, seed, level * (1 + seed / 100))
        for name, level in (("wgan-gp", 3.0), ("r3gan", 2.0), ("autoencoder", 1.0))
        for seed in (0, 1)
    ]
    estimates = LatentDimension(models=("wgan-gp", "r3gan", "autoencoder")).summarise(rows).estimates
    assert set(estimates) == {"log_error_ratio_8", "log_error_ratio_r3gan_8"}
    assert estimates["log_error_ratio_r3gan_8"].value == pytest.approx(np.log(2))


def test_lines_are_drawn_at_the_least_and_the_greatest_dimension():
    rows = [model("vae", latent, seed, 1 / latent) for latent in (2, 4, 8) for seed in (0, 1)]
    rows[-1]["line"] = rows[-1]["line"] | {"mean": [6.0, 1.0]}
    figures = {figure.name: figure for figure in LatentDimension(models=("vae",)).summarise(rows).figures}
    assert {name for name in figures if name.startswith("line")} == {"line-2", "line-8"}
    (series,) = figures["line-8"].series
    assert (series.y, series.low, series.high) == ((4.0, 0.5625), (1.0, 0.0625), (4.0, 0.5625))


def test_widths_are_a_second_axis():
    study = LatentDimension(models=("vae",), latents=(2,), seeds=1, widths=(2, 4))
    assert study.cells() == [{"model": "vae", "latent": 2, "width": width, "seed": 0} for width in (2, 4)]
    assert [study._recipe(cell, "vae").width for cell in study.cells()] == [2, 4]
    rows = [
        model("vae", latent, seed, 1 / (latent * width)) | {"width": width, "decoder_weights": 10 * width}
        for latent in (2, 8)
        for width in (2, 4)
        for seed in (0, 1)
    ]
    result = study.summarise(rows)
    figures = {figure.name: figure for figure in result.figures}
    (capacity,) = figures["capacity-error"].series
    assert (capacity.x, capacity.y) == ((20.0, 40.0), (1 / 16, 1 / 32))  # at the greatest latent
    assert figures["capacity-reconstruction-distance"].series[0].y == (10 / 16, 10 / 32)
    assert figures["error-held-out"].series[0].y == (1 / 8, 1 / 32)  # of the greatest width
    assert "vae: 0.125 at 2, 0.0312 at 8" in result.answer
    assert result.tables[0].columns[:4] == ("model", "latent", "width", "seed")
    assert len(result.tables[1].rows) == 4  # over seeds: by latent and width


def test_semi_synthetic_rows_are_a_table_of_their_own():
    fitted = {
        "truth": "autoencoder", "model": "wgan-gp", "latent": 8, "seed": 1, "frechet_distance": 7.0,
        "error": {"held-out": [0.02, 0.01, 0.03], "moved": [0.03, 0.02, 0.04]},
        "true_error": {"held-out": [1e-6, 5e-7, 2e-6], "moved": [1e-3, 9e-4, 2e-3]},
        "known": {"held-out": 4e-6, "moved": 1e-3}, "reconstruction_distance": [3.0, 2.0, 4.0],
    }  # fmt: skip
    plain = [model("wgan-gp", latent, seed, 1 / latent + seed) for latent in (2, 8) for seed in (0, 1)]
    alone, both = (LatentDimension().summarise(rows) for rows in (plain, [*plain, fitted]))
    assert both.answer == alone.answer
    assert both.figures == alone.figures
    assert both.tables[:-1] == alone.tables
    (line,) = both.tables[-1].rows
    assert line == (
        "autoencoder", "wgan-gp", 8, 1, 0.02, 0.01, 0.03, 1e-6, 0.03, 0.02, 0.04, 1e-3, 1e-3, 1.125, 3.0, 2.0, 4.0, 7.0,
    )  # fmt: skip
    assert any(note.startswith("Semi-synthetic") for note in both.notes)


def test_the_other_gans_end_to_end(run, short_search):
    settings = SMALL | {"models": "bigan", "images": 2, "reconstructed": 2, "likelihood_images": 0}
    settings |= {"truth": "vae", "widths": "2"}
    result, rows, page = run("latent-dimension", latents="3", seeds=1, **settings)
    assert len(rows) == 2
    fitted = result.tables[-1].rows
    assert [line[:4] for line in fitted] == [("vae", "bigan", 3, 0)]
    assert np.isfinite(np.array([line[4:] for line in fitted], dtype=float)).all()
    assert all(line[7] < line[4] for line in fitted)  # the truth errs by less than what was fitted to it
    assert "Semi-synthetic" in page
    errors = {row[0]: row[4:] for row in result.tables[0].rows}
    assert set(errors) == {"bigan"}
    assert errors["bigan"][-3] is not None  # by its own encoder
    assert "Loss on the straight line" in page
    assert "Held-out log-likelihood against" not in page


def test_the_study_end_to_end(run, short_search):
    result, rows, page = run("latent-dimension", latents="3", seeds=1, **SMALL)
    assert len(rows) == 4
    assert sorted(row[0] for row in result.tables[0].rows) == ["autoencoder", "glo", "vae", "wgan-gp"]
    columns = result.tables[0].columns
    assert {"train", "held-out", "shifted by 1", "random phases", "shuffled pixels", "even grey"} <= set(columns)
    for text in (
        "latent dimension bound", "Mean squared errors", "Controls", "Perception against distortion",
        "Error of held-out against the latent dimension", "Held-out log-likelihood against the latent dimension",
        "Fréchet distance of reconstructions", "Held-out images, over seeds",
    ):  # fmt: skip
        assert text in page
    likelihoods = [row[-4] for row in result.tables[2].rows]
    assert all(np.isfinite(likelihoods))


def test_what_cannot_work_is_refused_before_anything_is_trained(run, tmp_path):
    with pytest.raises(UsageError, match="likelihood_images are some of the reconstructed ones, 4; got 9"):
        run("latent-dimension", **SMALL | {"likelihood_images": 9})
    with pytest.raises(UsageError, match=r"the truth is one of wgan-gp, .*; got 'ppca'"):
        run("latent-dimension", **SMALL | {"truth": "ppca"})
    with pytest.raises(UsageError, match="a budget of 10 gradient evaluations is too small"):
        run("latent-dimension", **SMALL | {"budget": 10})
    np.save(tmp_path / "large.npy", np.random.default_rng(0).integers(0, 255, (30, 16, 16), dtype=np.uint8))
    with pytest.raises(UsageError, match="give size="):
        run("latent-dimension", outside=str(tmp_path / "large.npy"), **SMALL)
    assert not list((tmp_path / "latent-dimension" / "models").glob("*"))
