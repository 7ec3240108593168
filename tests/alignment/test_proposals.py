"""Coarse features, the likeliest among them, and the maps that framings stand for."""

import numpy as np
import pytest
import torch

from didlearn.alignment.framings import FRAMINGS, MILD, middles
from didlearn.alignment.proposals import (
    CELLS,
    Looks,
    Proposals,
    flipped_looks,
    folded,
    looks_of,
    propose,
    reader,
    starts,
)
from tests.alignment.pictures import scenes


def planes(count, seed=0):
    return torch.from_numpy(scenes(count, seed=seed).mean(1) / 255).float()


def unit(values):
    values = values - values.mean(1, keepdim=True)
    return values / values.norm(dim=1, keepdim=True)


def test_features_have_no_light():
    some = planes(5)
    read = reader(some)(FRAMINGS[0])
    assert read.shape == (5, 81)
    light = folded(torch.ones(1, CELLS**2))
    assert (read @ light.T).flatten().tolist() == pytest.approx([0] * 5, abs=1e-5)
    assert read.norm(dim=1).tolist() == pytest.approx([1] * 5, abs=1e-5)
    assert reader(0.5 * some + 0.2)(FRAMINGS[0]).numpy() == pytest.approx(read.numpy(), abs=1e-4)


def test_a_picture_has_the_same_features_in_any_company():
    some = planes(40)
    whole, alone = (reader(part)(FRAMINGS[0]) for part in (some, some[:3]))
    assert alone.numpy() == pytest.approx(whole[:3].numpy(), abs=1e-6)


def test_queries_are_looked_at_as_they_lie_and_about_their_middle():
    some = planes(4)
    looks, read = looks_of(some), reader(some)
    for found, mild in zip(looks, MILD, strict=True):
        assert torch.equal(found, read(mild))
    assert (looks.plain - looks.centred).abs().amax(1).min() > 0.01


def test_flat_pictures_have_features_of_none():
    assert reader(torch.full((1, 16, 16), 0.4))(FRAMINGS[0]).abs().max() < 1e-3


def test_features_are_an_orthogonal_change_of_the_values_on_the_lattice():
    values = torch.randn(7, CELLS**2, generator=torch.Generator().manual_seed(0))
    assert (folded(values) @ folded(values).T).numpy() == pytest.approx((values @ values.T).numpy(), abs=1e-4)
    mirrored = values.view(-1, CELLS, CELLS).flip(2).flatten(1)
    assert flipped_looks(folded(values)).numpy() == pytest.approx(folded(mirrored).numpy(), abs=1e-6)


def test_features_of_the_mirrored_picture_are_those_from_right_to_left():
    some = planes(4)
    assert flipped_looks(looks_of(some).plain).numpy() == pytest.approx(looks_of(some.flip(2)).plain.numpy(), abs=1e-4)


def test_the_likeliest_are_those_of_a_search_by_hand():
    """For each query the largest correlation over framings and mirroring; the excluded image is passed over."""
    generator = torch.Generator().manual_seed(0)
    plain, centred = (unit(torch.randn(6, 81, generator=generator)) for _ in range(2))
    reference = [unit(torch.randn(9, 81, generator=generator)) for _ in MILD]
    excluded = torch.tensor([-1, 0, 3, -1, 8, 2])
    found = propose(Looks(plain, centred), reference, MILD, 3, excluded)
    for query in range(6):
        asked = [plain[query], centred[query]]
        asked += [flipped_looks(one[None])[0] for one in asked]
        table = torch.stack([features @ one for features, one in zip([*reference, *reference], asked, strict=True)])
        best = table.amax(0)
        if excluded[query] >= 0:
            best[excluded[query]] = -2
        likeness, index = best.topk(3)
        assert found.likeness[query].tolist() == pytest.approx(likeness.tolist(), abs=1e-5)
        assert found.index[query].tolist() == index.tolist()
        assert found.framing[query].tolist() == table.argmax(0)[index].tolist()


@pytest.mark.parametrize("columns", [3, 7, 29])
def test_reference_images_are_compared_in_parts(monkeypatch, columns):
    """Any part may hold fewer than are asked for, and the excluded image lies in any."""
    looks, read = looks_of(planes(5)), reader(planes(30, seed=1))
    features, excluded = [read(framing) for framing in FRAMINGS], torch.tensor([-1, 0, 7, 29, 13])
    whole = propose(looks, features, FRAMINGS, 4, excluded)
    monkeypatch.setattr("didlearn.alignment.proposals._COLUMNS", columns)
    parts = propose(looks, features, FRAMINGS, 4, excluded)
    assert torch.equal(whole.index, parts.index)
    assert torch.equal(whole.framing, parts.framing)
    assert parts.likeness.numpy() == pytest.approx(whole.likeness.numpy(), abs=1e-6)


@pytest.mark.parametrize("columns", [7, 2048])
def test_what_is_less_alike_than_is_asked_is_not_found(monkeypatch, columns):
    looks, read = looks_of(planes(5)), reader(planes(30, seed=1))
    features, none = [read(framing) for framing in MILD], torch.full((5,), -1)
    whole = propose(looks, features, MILD, 4, none)
    least = float(whole.likeness.flatten().sort().values[9:11].mean())  # between two of them
    monkeypatch.setattr("didlearn.alignment.proposals._COLUMNS", columns)
    found = propose(looks, features, MILD, 4, none, least)
    above = whole.likeness > least
    assert 0 < above.sum() < above.numel()
    assert torch.equal(found.likeness > least, above)
    assert torch.equal(found.index[above], whole.index[above])
    assert found.likeness[~above].tolist() == pytest.approx([least] * int((~above).sum()))


def test_the_best_of_proposals_are_the_likeliest():
    found = Proposals(torch.tensor([[0.1, 0.9, 0.5]]), torch.tensor([[7, 8, 9]]), torch.tensor([[1, 2, 3]]))
    best = found.best(2)
    assert (best.index.tolist(), best.framing.tolist()) == ([[8, 9]], [[2, 3]])
    assert found.best(5).index.tolist() == [[8, 9, 7]]
    assert found.rows(slice(0, 0)).index.shape == (0, 3)


def test_a_framing_stands_for_its_map_mirrored_or_not():
    some, others = planes(1), planes(1, seed=1)
    for kind, framing in enumerate(FRAMINGS):
        for mirrored in (False, True):
            number = torch.tensor([kind + mirrored * len(FRAMINGS)])
            map_ = starts(middles(some), middles(others), number, FRAMINGS)[0]
            linear = framing.matrix[:, :2] * torch.tensor([-1.0 if mirrored else 1.0, 1.0])
            assert map_[:, :2].numpy() == pytest.approx(linear.numpy(), abs=1e-6)
            point = middles(some)[0] if framing.centred else torch.zeros(2)
            goes = middles(others)[0] if framing.centred else framing.matrix[:, 2]
            assert (map_[:, :2] @ point + map_[:, 2]).numpy() == pytest.approx(goes.numpy(), abs=1e-5)


def test_features_in_a_framing_are_those_of_the_framed_picture():
    """The whole picture of a scene that is the crop of another."""
    large = np.asarray(planes(3))
    cropped = torch.from_numpy(large[:, 2:-2, 2:-2].copy())
    crop = next(framing for framing in FRAMINGS if framing.matrix[0, 0] == pytest.approx(0.86) and not framing.centred)
    likeness = (reader(torch.from_numpy(large))(crop) * looks_of(cropped).plain).sum(1)
    assert likeness.min() > 0.97
