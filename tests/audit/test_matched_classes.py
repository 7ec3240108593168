"""Whatever is audited has classes of one meaning: folders that lack one, numbers beside names, banks, networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.audit.matched_classes import match_audited, network_order
from didlearn.audit.subject import Subject
from didlearn.models.formats.bank import Bank

PETS = ("cat", "dog", "owl")


def labelled(pixels, labels=None, classes=None):
    kept = None if labels is None else np.asarray(labels, np.int64)
    return replace(dl.open_images(pixels), labels=kept, classes=classes)


def pictures(labels, classes=None, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 1, 8, 8)).astype(np.uint8)
    return labelled(pixels, labels, classes)


class Conditional(nn.Module):
    latent_shape, value_range = (4,), (0, 1)

    def __init__(self, classes):
        super().__init__()
        self.classes = classes
        torch.manual_seed(0)
        self.mean = nn.Embedding(3, 64)

    def forward(self, z, labels):
        return torch.sigmoid(self.mean(labels) + 0.1 * z.sum(dim=1, keepdim=True)).view(-1, 1, 8, 8)


def names_of(images):
    return [images.label_name(i) for i in range(len(images))]


TRAIN = [0, 1, 2, 0, 1, 2]


def test_a_held_out_folder_without_a_class():
    found = match_audited(None, pictures(TRAIN, PETS), pictures([0, 1, 1], ("cat", "owl")), {})
    assert found.heldout.labels.tolist() == [0, 2, 2]
    assert found.heldout.classes == PETS
    assert found.notes == ()


def test_the_labels_of_a_bank_go_to_the_training_order():
    bank = Bank(pictures([0, 1, 2, 2], ("owl", "dog", "fox")))
    found = match_audited(bank, pictures(TRAIN, PETS), None, {})
    assert isinstance(found.model, Bank)
    assert found.model.class_names == (*PETS, "fox")
    assert names_of(found.model.images) == ["owl", "dog", "fox", "fox"]
    assert found.notes == ("Classes of the generator that are not among those of the training images: fox.",)


def test_without_training_labels_the_held_out_ones_are_the_order():
    found = match_audited(Bank(pictures([0, 1], ("cat", "owl"))), None, pictures(TRAIN, PETS), {})
    assert isinstance(found.model, Bank)
    assert found.model.images.labels.tolist() == [0, 2]


@pytest.mark.parametrize(("heldout", "classes"), [([0, 1], ("fox", "hen")), ([1, 3], None)])
def test_classes_that_cannot_be_matched_are_left_out_with_a_note(heldout, classes):
    found = match_audited(None, pictures(TRAIN, PETS), pictures(heldout, classes), {})
    assert found.heldout.labels is None
    assert found.train.labels is not None
    assert "cannot be matched by name" in found.notes[0]


def test_a_bank_that_cannot_be_matched_stands_alone():
    bank = Bank(pictures([0, 1], ("fox", "hen")))
    found = match_audited(bank, pictures(TRAIN, PETS), pictures(TRAIN, PETS, 1), {})
    assert found.model is bank
    assert found.heldout.labels is None
    assert "the generator (fox, hen)" in found.notes[0]


def test_numbers_beside_names_are_matched_by_place_and_that_is_said():
    found = match_audited(None, pictures(TRAIN, PETS), pictures([0, 2]), {})
    assert names_of(found.heldout) == ["cat", "owl"]
    assert found.notes == (
        "Classes of the held-out images were matched by their place, numbers with names: 0 is cat, 1 is dog, "
        "2 is owl, and so on.",
    )


def test_a_network_that_names_its_classes_sets_the_order():
    model = dl.open_model(Conditional(("owl", "cat", "dog")))
    found = match_audited(model, pictures(TRAIN, PETS), pictures([0, 1], ("cat", "owl")), {})
    assert found.train.labels.tolist() == [1, 2, 0, 1, 2, 0]
    assert found.heldout.labels.tolist() == [1, 0]
    assert found.notes == ()


def test_a_network_with_more_classes_than_the_training_folders_is_not_compared_class_by_class():
    model = dl.open_model(Conditional(3))
    train = pictures([0, 1, 1], ("cat", "owl"))
    found = match_audited(model, train, pictures([0, 1], ("cat", "owl")), {})
    assert found.train is train
    assert found.heldout.labels is None
    assert len(found.notes) == 1
    assert Subject(model, train).drawn_classes is None
    assert set(Subject(model, train).draw(300).labels) == {0, 1, 2}


def test_numbered_folders_are_a_networks_numbers():
    model = dl.open_model(Conditional(3))
    found = match_audited(model, pictures([0, 1, 1], ("0", "2")), None, {})
    assert found.train.labels.tolist() == [0, 2, 2]
    assert found.train.classes == ("0", "1", "2")


def test_outside_sets_are_matched_where_they_can_be():
    outside = {"a": pictures([0, 1], ("dog", "fox")), "b": pictures([0, 1], ("ant", "bee")), "c": pictures([0])}
    found = match_audited(None, pictures(TRAIN, PETS), None, outside)
    assert names_of(found.outside["a"]) == ["dog", "fox"]
    assert found.outside["b"].labels is None
    assert found.outside["c"].classes == PETS


def test_what_has_no_classes_stays():
    plain = labelled(np.zeros((4, 1, 8, 8), np.uint8))
    model = dl.open_model(Conditional(3))
    found = match_audited(model, plain, plain, {"a": plain})
    assert (found.train, found.heldout, found.outside["a"], found.notes) == (plain, plain, plain, ())
    assert network_order(None) is None
    assert network_order(Bank(pictures(TRAIN, PETS))) is None


def test_an_empty_class_folder_does_not_move_the_classes_a_generator_is_asked_for():
    model = dl.open_model(Conditional(PETS))
    train = pictures([0] * 30 + [1] * 70, ("cat", "owl"))
    counts = np.bincount(Subject(model, train).draw(2000).labels, minlength=3)
    assert counts[1] == 0
    # 2000 draws of probability 0.3: standard deviation 20.5, five of them.
    assert abs(counts[0] - 600) < 103


def test_support_sets_each_class_beside_its_own_held_out_images():
    def bank(labels, classes, seed):
        return pictures(labels, classes, seed)

    result = dl.audit(
        generator=Bank(bank([0] * 30 + [1] * 30 + [2] * 30, PETS, 0)),
        train=bank([0] * 40 + [1] * 40 + [2] * 40, PETS, 1),
        heldout=bank([0] * 20 + [1] * 25, ("cat", "owl"), 2),
        checks=["support"],
        threads=1,
    )
    table = next(table for table in result["support"].tables if table.name == "classes")
    column = table.columns.index("held-out samples")
    assert {row[0]: row[column] for row in table.rows} == {"cat": 20, "dog": None, "owl": 25}


def test_the_nearest_class_manifold_is_the_named_one():
    """A generator whose classes are those of the held-out images, one of which is not among them."""
    torch.manual_seed(0)
    module = Conditional(3)
    with torch.no_grad():
        means = torch.sigmoid(module.mean.weight).view(3, 1, 8, 8).numpy()
    pixels = (means[[0] * 6 + [2] * 6] * 255).round().astype(np.uint8)
    train = (means[[0] * 9 + [1] * 9 + [2] * 9] * 255).round().astype(np.uint8)
    train[:, 0, 0, 0] = np.arange(27)
    sets = {
        "train": labelled(train, np.repeat([0, 1, 2], 9), PETS),
        "heldout": labelled(pixels, np.repeat([0, 1], 6), ("cat", "owl")),
    }
    result = dl.audit(generator=module, checks=["manifold_classifier"], threads=1, **sets)
    assert result["manifold_classifier"].estimates["manifold_accuracy"].value == 1
