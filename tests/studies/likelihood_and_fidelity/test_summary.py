"""Rankings with a known agreement."""

import numpy as np
import pytest

from didlearn.studies.likelihood_and_fidelity.summary import agreement_result, of_settings


def row(kind, steps, seed, distance, nats):
    return {
        "model": kind,
        "steps": steps,
        "width": 8,
        "seed": seed,
        "frechet_distance": [distance, 0.9 * distance, 1.1 * distance],
        "log_likelihood": [nats, nats - 1, nats + 1],
        "bits_per_dim": [4.0, 3.9, 4.1],
        "gap": [0.2, 0.1, 0.3],
    }


def grid(distance, nats):
    """Three kinds, three lengths and two seeds; the scores as functions of kind, length and a small noise."""
    rng = np.random.default_rng(0)
    return [
        row(kind, steps, seed, distance(place, steps) * (1 + 0.01 * rng.random()), nats(place, steps) + rng.random())
        for place, kind in enumerate(("dcgan", "glo", "vae"))
        for steps in (100, 300, 900)
        for seed in (0, 1)
    ]


def test_models_that_are_better_by_both_agree():
    rows = grid(lambda kind, steps: 1e4 / steps + kind, lambda kind, steps: steps - 100 * kind)
    result = agreement_result("x", 0.1, rows)
    found = result.estimates["rank_agreement"]
    assert found.value > 0.9
    assert found.n == 9  # settings, and not the 18 models
    assert found.low > 0.5
    assert result.estimates["rank_agreement_pvalue"].value < 0.01
    assert result.answer.startswith("Models of smaller Fréchet distance find held-out images likelier: over 9 settings")


def test_opposite_rankings_and_none_are_told_apart():
    against = agreement_result(
        "x", 0.1, grid(lambda kind, steps: steps + kind, lambda kind, steps: steps + 10.0 * kind)
    )
    assert against.estimates["rank_agreement"].high < 0
    assert "find held-out images less likely" in against.answer
    scores = iter(np.random.default_rng(1).standard_normal(18))
    none = agreement_result("x", 0.1, grid(lambda kind, steps: 5 + kind, lambda kind, steps: 300 * next(scores)))
    assert none.estimates["rank_agreement"].low < 0 < none.estimates["rank_agreement"].high
    assert none.answer.startswith("No agreement between the two rankings is shown")


def test_kinds_may_agree_within_and_not_between():
    """Simpson: longer trainings are better by both, but the kind of greater likelihood has the greater distance."""
    rows = grid(lambda kind, steps: 100.0**kind / steps**0.2, lambda kind, steps: 1e4 * kind + steps)
    result = agreement_result("x", 0.1, rows)
    assert result.estimates["rank_agreement"].value < 0
    for kind in ("dcgan", "glo", "vae"):
        assert result.estimates[f"rank_agreement_{kind}"].value > 0.8
    kinds = {line[0]: line for line in result.tables[0].rows}
    assert kinds["vae"][1] == 6
    assert kinds["vae"][4] > 0.8
    assert kinds["vae"][7] == pytest.approx(result.tables[0].rows[2][7])


def test_seeds_are_one_unit_and_given_models_units_of_their_own():
    rows = [row("vae", 100, seed, 2.0 ** (1 + 2 * seed), 10.0 * seed) for seed in (0, 1)]
    given = [
        {
            key: value
            for key, value in row("x", 0, 0, 5.0, 5.0).items()
            if key not in ("model", "steps", "width", "seed")
        }
        | {"folder": f"models/{name}"}
        for name in ("one", "two")
    ]
    found = of_settings([*rows, *given])
    assert np.exp(found.distance) == pytest.approx([4, 5, 5])
    assert found.likelihood == pytest.approx([5, 5, 5])
    result = agreement_result("x", 0.1, [*rows, *given])
    assert result.answer == "Too few settings are finished (3) to rank them."
    assert {line[0] for line in result.tables[1].rows} == {"vae", "one", "two"}
    assert [line[0] for line in result.tables[0].rows] == ["given", "vae"]


def test_the_plane_has_a_point_for_each_model():
    rows = grid(lambda kind, steps: 1e4 / steps + kind, lambda kind, steps: steps - 100 * kind)
    rows[0]["frechet_distance"] = [1.0, -1.0, 3.0]
    (figure,) = agreement_result("x", 0.1, rows).figures
    assert [series.label for series in figure.series] == ["dcgan", "glo", "vae"]
    assert [len(series.x) for series in figure.series] == [6, 6, 6]
    assert min(end for series in figure.series for end in series.low) == pytest.approx(0.1)
