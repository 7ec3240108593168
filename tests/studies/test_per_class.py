import pytest

from didlearn.errors import UsageError
from didlearn.studies.per_class import PerClass


def seed(number, classes):
    sides = {name: {"real": [r, r / 2, r * 2], "generated": [g, g / 2, g * 2]} for name, (r, g) in classes.items()}
    return {"seed": number, "classes": sides, "distance": 1.0, "frechet_distance": 1.0}


def test_the_ratio_and_the_order_of_classes():
    same = PerClass().summarise([seed(0, {"a": (10, 5), "b": (20, 10), "c": (40, 20), "d": (80, 40)})])
    assert "0.5 times as many different generated images as real ones" in same.answer
    assert "rank correlation of 1.00" in same.answer
    turned = PerClass().summarise([seed(0, {"a": (10, 40), "b": (20, 20), "c": (40, 10), "d": (80, 5)})])
    assert "rank correlation of \N{MINUS SIGN}1.00" in turned.answer
    assert len(turned.tables[0].rows) == 4


def test_classes_without_a_number_are_shown_and_left_out():
    rows = [seed(0, {"a": (10, 5), "b": (20, 10)})]
    rows[0]["classes"]["c"] = {"real": None, "generated": [None, 3.0, None]}
    result = PerClass().summarise(rows)
    assert result.answer == "Too few classes are measured to say."
    assert result.tables[0].rows[2] == ("c", 0, None, 3.0, None, None, 3.0, None, None, None, None, None)


def test_the_study_end_to_end(run):
    result, rows, page = run("per-class", seeds=1, latent=4, discriminator_width=2, samples=400)
    assert len(rows) == 1
    assert [row[0] for row in result.tables[0].rows] == list("0123456789")
    for text in ("each class does a conditional GAN make", "Class by class", "Support of each class"):
        assert text in page


def test_unlabelled_images_are_refused(run, tmp_path):
    import numpy as np

    np.save(tmp_path / "plain.npy", np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8))
    with pytest.raises(UsageError, match="needs labelled images"):
        run("per-class", data=str(tmp_path / "plain.npy"), seeds=1)
