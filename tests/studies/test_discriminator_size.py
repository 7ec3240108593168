import numpy as np
import pytest

from didlearn.models.oracles import DiscreteGenerator
from didlearn.rng import Stream
from didlearn.studies import discriminator_size
from didlearn.studies.discriminator_size import DiscriminatorSize, fit_slope
from didlearn.studies.diversity import even_chance
from didlearn.studies.study import Workplace


def model(weights, support, **more):
    row = {"discriminator_weights": weights, "lookalike_support": [support, support / 2, support * 2]}
    return {"width": 1, "seed": 0, "effective_support": [9.0, 5.0, 20.0], "frechet_distance": 1.0} | row | more


def test_a_power_law_is_found_exactly():
    slope = fit_slope([model(w, 3 * w**1.25) for w in (10, 30, 100, 700)])
    assert slope.value == pytest.approx(1.25, abs=1e-12)
    assert slope.high - slope.low < 1e-9
    assert slope.n == 4


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    weights = np.array([100.0, 400.0, 400.0, 1600.0, 6400.0])
    inside = []
    for _ in range(1500):
        support = np.exp(2 + 0.7 * np.log(weights) + 0.5 * rng.standard_normal(len(weights)))
        found = fit_slope([model(w, s) for w, s in zip(weights, support, strict=True)])
        inside.append(found.low < 0.7 < found.high)
    assert 0.93 < np.mean(inside) < 0.97


def test_too_few_models_have_no_slope():
    assert fit_slope([]) is None
    assert fit_slope([model(10, 3), model(20, 4)]) is None
    assert fit_slope([model(10, 3), model(10, 4), model(10, 5)]) is None
    assert fit_slope([model(10, 3), model(20, 4), {"discriminator_weights": 30}]) is None


@pytest.mark.parametrize(
    ("power", "said"),
    [(1.0, "Diversity grows with the power"), (0.0, "no growth is shown"), (-1.0, "Diversity falls with the power")],
)
def test_the_answer_says_which_way(power, said):
    rng = np.random.default_rng(1)
    rows = [model(w, 5 * w**power * np.exp(0.05 * rng.standard_normal())) for w in (10, 40, 160, 640) for _ in range(3)]
    if power == 0:
        rows = [model(w, 5 * np.exp(rng.standard_normal())) for w in (10, 40, 160, 640) for _ in range(3)]
    answer = DiscriminatorSize().summarise(rows).answer
    assert said in answer


def test_spread_beyond_the_data_is_not_called_diversity():
    rows = [model(w, 5 * w, lookalike_support_real=[3000.0, 2000.0, 4000.0]) for w in (10, 1000, 1200, 1700)]
    assert "not diversity learned" in DiscriminatorSize().summarise(rows).answer
    rows = [model(w, 5 * w, lookalike_support_real=[9000.0, 8000.0, 9999.0]) for w in (10, 1000, 1200, 1700)]
    assert "not diversity learned" not in DiscriminatorSize().summarise(rows).answer


def test_models_without_a_finite_support_are_in_the_table_and_not_in_the_fit():
    rows = [model(w, 2.0 * w) for w in (10, 20, 40)] + [model(80, 1.0, lookalike_support=[None, 4.0, None])]
    result = DiscriminatorSize().summarise(rows)
    assert result.estimates["slope"].value == pytest.approx(1)
    assert len(result.tables[0].rows) == 4
    assert len(result.figures[0].series[0].x) == 3
    assert DiscriminatorSize().summarise(rows[:1]).answer.startswith("Too few models")


def test_the_study_end_to_end(run):
    result, rows, page = run("discriminator-size", widths="1,3", seeds=2, latent=4, samples=50)
    assert len(rows) == 4
    assert "slope" in result.estimates
    for text in (
        "Does a GAN make more different images",
        "Model by model",
        "discriminator weights",
        "Diversity against",
    ):
        assert text in page
    weights = [row[1] for row in result.tables[0].rows]
    assert weights[0] == weights[1] < weights[2] == weights[3]


def test_the_slope_of_supports_that_are_planted(run, monkeypatch):
    """Each width gives a bank of so many pictures, drawn equally often: those are the supports."""

    def bank(recipe, data, rng, place):
        pictures = np.random.default_rng(0).integers(0, 256, (4 * recipe.discriminator_width, *data.train.shape))
        return DiscreteGenerator(pictures.astype(np.uint8)), 1.0

    monkeypatch.setattr(discriminator_size, "train_or_resume", bank)
    result, _, page = run("discriminator-size", widths="2,4,8,16", seeds=1, samples=400)
    rows = result.tables[0].rows
    weights, planted = (np.log([of(row) for row in rows]) for of in (lambda row: row[1], lambda row: 4 * row[0]))
    found, low, high = (np.log([row[i] for row in rows]) for i in (3, 4, 5))
    error = (high - low) / 2 / 1.96
    assert (np.abs(found - planted) < 4 * error).all()
    x = (weights - weights.mean()) / np.square(weights - weights.mean()).sum()
    slope = result.estimates["slope"]
    assert slope.n == 4
    assert slope.value == pytest.approx(x @ planted, abs=4 * float(np.sqrt(np.square(x * error).sum())))
    assert 4 * float(np.sqrt(np.square(x * error).sum())) < 0.2  # the planted slope is about one half
    assert "Diversity grows with the power" in page


@pytest.mark.parametrize(
    ("support", "samples", "runs"),
    [(500, 1_000, 4), *(pytest.param(n, 2_000, 100, marks=pytest.mark.slow) for n in (500, 2_000, 10_000))],
)
def test_even_chance_batches_of_known_supports_are_covered(
    support, samples, runs, few, monkeypatch, tmp_path, quick_classifier
):
    """The whole cell with an oracle for the trained model: 95 % intervals hold the batch size that is true.

    Fewer than 2 of 4 happen with probability 0.0005.
    """

    def oracle(recipe, data, rng, place):
        pictures = np.random.default_rng(rng.seed).integers(0, 256, (support, *data.train.shape), dtype=np.uint8)
        return DiscreteGenerator(pictures), 1.0

    monkeypatch.setattr(discriminator_size, "train_or_resume", oracle)
    study = DiscriminatorSize(data="digits" if runs == 100 else str(few), widths=(2,), samples=samples)
    truth, place = even_chance([float(support), None, None])[0], Workplace(tmp_path, tmp_path)
    rows = [study.run_cell({"width": 2, "seed": 0}, Stream(seed, ("study",)), place) for seed in range(runs)]
    intervals = [even_chance(row["lookalike_support"]) for row in rows]
    inside = [low <= truth and (high is None or truth <= high) for _, low, high in intervals]
    assert sum(inside) >= (93 if runs == 100 else 2)
    assert all(high is not None and high < 2 * low for _, low, high in intervals), "wide intervals cover anything"
