"""The sheet that labelling shows: candidates first, then planted pairs, and what is known of each."""

import numpy as np

import didlearn as dl
from didlearn.checks.support.asked import MOST_ASKED
from didlearn.checks.support.check import Support
from didlearn.checks.support.planted import PLANTED
from didlearn.images import open_images
from didlearn.models.oracles import DiscreteGenerator


def sheet(generator, **arguments):
    found = dl.audit(generator=generator, checks=[Support(samples=400)], threads=1, **arguments)["support"]
    return {name: array for name, array in found.arrays.items() if name.startswith("sheet_")}


def test_the_check_keeps_a_sheet_that_depends_on_the_seed_alone():
    points = np.random.default_rng(0).random((300, 1, 8, 8)).astype(np.float32)
    generator = DiscreteGenerator(points, sigma=0.004)
    real = open_images("digits").subset(range(400))
    a = sheet(generator, train=real)
    again = sheet(generator, train=real, batch_size=32)
    other = sheet(generator, train=real, seed=1)
    assert set(a) == set(again)
    assert all(np.array_equal(a[name], again[name]) for name in a)
    assert not np.array_equal(a["sheet_pictures"], other["sheet_pictures"])
    assert np.unique(a["sheet_truth"], return_counts=True)[1].tolist() == [MOST_ASKED, PLANTED, PLANTED]
    assert a["sheet_pictures"].shape == (MOST_ASKED + 2 * PLANTED, 2, 8, 8)
    assert a["sheet_pictures"].dtype == np.uint8
    same = a["sheet_truth"] == -1
    assert (a["sheet_samples"][same] >= 0).all()
    assert (a["sheet_samples"][~same] == -1).all()


def test_without_real_images_there_is_nothing_to_plant():
    points = np.random.default_rng(0).random((300, 1, 8, 8)).astype(np.float32)
    assert sheet(DiscreteGenerator(points, sigma=0.004)) == {}
