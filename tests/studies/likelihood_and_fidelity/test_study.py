import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.studies.likelihood_and_fidelity.study import LikelihoodAndFidelity
from didlearn.studies.trained import recipe_of
from didlearn.zoo.registry import RECIPES

SMALL = {"latent": 3, "critic_steps": 1, "discriminator_width": 2, "images": 2, "budget": 120}


def test_recipes_take_the_settings_they_have():
    wgan = recipe_of("wgan-gp", steps=5, width=3, critic_steps=4, encoder_width=7)
    assert (wgan.steps, wgan.width, vars(wgan)["critic_steps"]) == (5, 3, 4)
    assert isinstance(recipe_of("vae", steps=5, critic_steps=4), RECIPES["vae"])
    assert vars(recipe_of("vae", encoder_width=7))["encoder_width"] == 7


def test_the_grid_is_kinds_by_lengths_by_widths_by_seeds_and_the_given_models():
    study = LikelihoodAndFidelity.make(
        {"models": "vae,glo", "lengths": "10,20", "widths": "2,4", "seeds": 3, "folders": "a,b"}
    )
    cells = study.cells()
    assert len(cells) == 2 * 2 * 2 * 3 + 2
    assert cells[-1] == {"folder": "b"}
    assert {(cell["steps"], cell["width"]) for cell in cells[:-2]} == {(10, 2), (10, 4), (20, 2), (20, 4)}


def test_the_study_end_to_end_with_a_given_model(run, tmp_path, monkeypatch):
    from tests.zoo.tiny import train

    monkeypatch.chdir(tmp_path)
    train("glo", tmp_path / "mine")
    asked = {"models": "dcgan,vae", "lengths": "2,3", "seeds": 1, "folders": "mine"}
    result, rows, page = run("likelihood-and-fidelity", **SMALL | asked)
    assert len(rows) == 5
    table = {table.name: table for table in result.tables}["models"]
    assert sorted(line[0] for line in table.rows) == ["dcgan", "dcgan", "mine", "vae", "vae"]
    numbers = np.array([line[4:] for line in table.rows], dtype=float)
    assert np.isfinite(numbers).all()
    assert result.estimates["rank_agreement"].n == 5
    for text in ("Do likelihood and Fréchet distance rank generators alike?", "Model by model", "rank correlation"):
        assert text in page


def test_what_cannot_work_is_refused_before_anything_is_trained():
    with pytest.raises(UsageError, match=r"trains dcgan, wgan-gp, .*bigan; got stacked-gan"):
        LikelihoodAndFidelity.make({"models": "stacked-gan"})
    with pytest.raises(UsageError, match=r"at least 2 images and a sigma above 0; got 1 and 0\.1"):
        LikelihoodAndFidelity.make({"images": 1})
    with pytest.raises(UsageError, match="a budget of 10 gradient evaluations is too small"):
        LikelihoodAndFidelity.make({"budget": 10})
