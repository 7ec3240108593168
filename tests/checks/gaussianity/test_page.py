"""Tables and figures of a battery whose numbers are chosen. Mistakes seen: columns exchanged, bars not over n."""

import dataclasses

import numpy as np
import pytest

from didlearn.checks.gaussianity.page import battery_figures, battery_tables
from tests.checks.gaussianity.batteries import TESTED, N, battery


def test_the_tests_stand_under_their_columns():
    table = battery_tables({"pixels": [battery(classes=True), battery(own=False, leverage=False)]}).tables[0]
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    own = {
        "features": "pixels", "images": "generated", "rows": N, "dimensions": 3, "classes": 2, "n in G": TESTED,
        "spectrum p": 0.01, "spectrum effect": 1, "spectrum edge": 0.5, "from the limit": 0.25,
        "replicates from the limit": 0.2,
        "whitened p": 0.4, "dimensions whitened": 3, "whitened effect": 1.7, "whitened edge": 0.25, "Var ‖x‖²": 2,
        "Var Mahalanobis": 0.5, "exact repeats": 5,
    }  # fmt: skip
    assert rows[0] == pytest.approx(own)
    assert (rows[1]["images"], rows[1]["classes"], rows[1]["Var Mahalanobis"]) == ("held-out", 1, None)


def test_every_statistic_has_a_row_in_words():
    table = battery_tables({"pixels": [battery(classes=True)]}).tables[1]
    assert [row[2] for row in table.rows] == [
        "spectrum, W₁",
        "spectrum, Kolmogorov",
        "largest eigenvalue about the class means",
        "variance of ‖x‖² about the class means",
        "variance of Mahalanobis ‖x‖²",
        "eigenvalue 1",
        "cosine 1 of the leading eigenvectors with the classes",
        "spectral clustering (NMI)",
    ]
    assert table.rows[2] == ("pixels", "generated", table.rows[2][2], 12, 1.0, 3, 0.03)


def test_classifiers_have_a_row_a_penalty():
    tables = battery_tables({"pixels": [battery()], "inception": [battery(classes=True), battery(own=False)]}).tables
    assert [table.name for table in tables] == ["tests", "statistics", "classifiers"]
    assert len(tables[2].rows) == 12
    assert tables[2].rows[6] == (
        "inception",
        "generated",
        "ridge",
        1.0,
        0.06,
        pytest.approx(0.3),
        0.5,
        pytest.approx(0.7),
    )
    likelihood = [(row[2:5], row[6]) for row in tables[2].rows[8:]]
    assert likelihood[0] == (("softmax", 0.01, 0.08), None), "no limit is known for it"
    assert likelihood[3] == (("logistic", 1.0, 0.11), None)
    assert len(battery_tables({"pixels": [battery()]}).tables) == 2


def test_bars_are_shares_of_the_gram_matrix_s_eigenvalues():
    """Of .5, 3 and 9 one lies within [1, 8], in the second bar; of the replicates 2 and 3 on average."""
    figure = battery_figures([battery()]).figures[0]
    found, replicates, limit = figure.series
    assert found.x == replicates.x == (1, 2, 4, 8)
    assert found.y == (0, 1 / TESTED, 0, 0)
    assert replicates.y == (0, 2.5 / TESTED, 0, 0)
    assert limit.x == pytest.approx(np.sqrt([2, 8, 32]))
    assert limit.y == pytest.approx([0.3, 0.1, 0.4])
    assert [(mark.label, mark.x) for mark in figure.marks] == [("edge", 5)]


def test_vectors_point_the_same_way_whatever_their_sign():
    found, replicate = battery_figures([battery()]).figures[1].series
    assert (found.x, found.y) == ((1, 3), (2, 4))
    assert (replicate.x, replicate.y) == ((1, 3), (2, 4))


def test_whitened_eigenvalues_are_means_over_classes_beside_the_null_s():
    figure = battery_figures([battery(), battery(own=False)]).figures[4]
    assert [one.label for one in figure.series] == ["generated", "held-out", "Gaussian"]
    assert (figure.series[0].x, figure.series[0].y) == ((0.625, 1, 2), (0.375, 1, 3))
    assert figure.series[2].x == figure.series[2].y == (0.625, 2)


def test_further_embeddings_are_numbered():
    names = [figure.name for figure in battery_figures([battery()], "dino", 2).figures]
    assert names == ["spectrum_generated_2", "vectors_generated_2", "whitened_2", "concentration_2"]
    assert "(dino)" in battery_figures([battery()], "dino", 2).figures[0].title


def test_features_of_one_dimension_have_no_second_eigenvector_to_show():
    whole = battery()
    gram = dataclasses.replace(whole.gram, vectors=whole.gram.vectors[:, :1])
    names = [figure.name for figure in battery_figures([dataclasses.replace(whole, gram=gram)]).figures]
    assert not any(name.startswith("vectors") for name in names)
    assert "vectors_generated" in [figure.name for figure in battery_figures([whole]).figures]
