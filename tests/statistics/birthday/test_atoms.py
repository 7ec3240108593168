import numpy as np
import pytest

from didlearn.statistics.birthday.atoms import heavy_atoms, without_atoms


def sizes(found):
    return [a.size for a in found]


def test_the_papers_noise_pattern():
    [atom] = heavy_atoms([43, 2], 900)
    assert atom.size == 43
    assert (atom.mass.low, atom.mass.high) == pytest.approx((0.0348, 0.0638), abs=5e-5)
    kept, samples = without_atoms([43, 2], 900)
    assert samples == 857
    assert kept.sum() == 857
    assert kept.max() == 2


def test_two_atoms_do_not_hide_each_other():
    assert sizes(heavy_atoms([100, 90, 2, 2], 1000)) == [100, 90]
    assert sizes(heavy_atoms([50, 50, 2], 1000)) == [50, 50]


def test_a_constant_law_is_one_atom():
    [atom] = heavy_atoms([1000], 1000)
    assert atom.mass.value == 1
    kept, samples = without_atoms([1000], 1000)
    assert samples == 0
    assert len(kept) == 0


@pytest.mark.parametrize("found", [[], [2], [2, 2, 2], [3, 2, 2, 2, 2, 2]])
def test_a_few_duplicates_are_no_atoms(found):
    assert heavy_atoms(found, 1000) == []


def test_equal_modes_are_no_atoms():
    assert heavy_atoms([200, 210, 190, 205, 195], 1000) == []


@pytest.mark.parametrize("trials", [10, pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize("samples", [500, 5000, 20_000])
@pytest.mark.parametrize("name", ["uniform 2000", "uniform 10000", "two levels 2000", "Zipf 1 2000"])
def test_smooth_laws_have_none(name, samples, trials, laws, cluster_sizes):
    rng = np.random.default_rng(0)
    # The head of Zipf's law is a tenth of all mass: it may be called an atom now and then, the rest may not.
    allowed = 1.2 if name.startswith("Zipf 1") else 0.1
    found = [len(heavy_atoms(cluster_sizes(laws[name], samples, rng), samples)) for _ in range(trials)]
    assert np.mean(found) <= allowed


@pytest.mark.parametrize("samples", [500, 5000, 20_000])
@pytest.mark.parametrize("name", ["5 % atom 2000", "10 % atom 50000"])
def test_a_planted_atom_is_found_alone(name, samples, laws, cluster_sizes, covered):
    rng, law = np.random.default_rng(1), laws[name]
    found = [heavy_atoms(cluster_sizes(law, samples, rng), samples) for _ in range(60)]
    assert np.mean([len(f) == 1 for f in found]) >= 0.95
    assert covered([f[0].mass for f in found], law[0]) >= 0.9
