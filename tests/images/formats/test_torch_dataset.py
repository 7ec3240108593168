import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from didlearn.errors import DataError
from didlearn.images import open_images


class Items(Dataset):
    targets: list[int]

    def __init__(self, items):
        self.items, self.reads = items, 0

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        self.reads += 1
        return self.items[index]


def test_tensors(pictures):
    pixels = torch.from_numpy(pictures(5))
    for tensor in pixels, pixels.permute(0, 2, 3, 1), pixels.float() / 255, (pixels.double() / 255).requires_grad_():
        out = open_images(tensor).read([4, 0])
        assert torch.allclose(out, pixels[[4, 0]].float() / 255)
    half = open_images((pixels.float() / 255).bfloat16()).read([0])
    assert torch.allclose(half, pixels[[0]].float() / 255, atol=0.01)


def test_tensor_range():
    with pytest.raises(DataError, match=r"the tensor has .* from -1 to 1.*\(x \+ 1\) / 2"):
        open_images(torch.tensor([-1.0, 1.0] * 8).reshape(1, 1, 4, 4))


def test_tensor_dataset(pictures):
    pixels = torch.from_numpy(pictures(5))
    images = open_images(TensorDataset(pixels, torch.tensor([4, 3, 2, 1, 0])))
    assert torch.equal(images.read([1, 0]), pixels[[1, 0]].float() / 255)
    assert images.labels.tolist() == [4, 3, 2, 1, 0]
    assert open_images(TensorDataset(pixels)).labels is None


@pytest.mark.parametrize("form", ["tensor", "float", "grey", "array", "pil"])
def test_items_of_many_forms(pictures, form):
    pixels = pictures(5)
    make = {
        "tensor": torch.from_numpy,
        "float": lambda p: torch.from_numpy(p).float() / 255,
        "grey": lambda p: torch.from_numpy(p)[0],
        "array": lambda p: p.transpose(1, 2, 0),
        "pil": lambda p: Image.fromarray(np.ascontiguousarray(p.transpose(1, 2, 0))),
    }[form]
    expected = pixels[:, :1] if form == "grey" else pixels
    plain, labelled = [make(p) for p in pixels], [(make(p), i % 3) for i, p in enumerate(pixels)]
    for items in plain, Items(plain), Items(labelled):
        images = open_images(items)
        assert np.allclose(images.read([3, 1, 3]).numpy() * 255, expected[[3, 1, 3]], atol=1e-4)
    assert images.labels.tolist() == [0, 1, 2, 0, 1]


def test_targets_spare_reading_every_item(pictures):
    pixels = torch.from_numpy(pictures(50))
    dataset = Items([(p, i % 4) for i, p in enumerate(pixels)])
    dataset.targets = [i % 4 for i in range(50)]
    assert open_images(dataset).labels.tolist() == dataset.targets
    assert dataset.reads < 5
    part = open_images(Subset(dataset, [9, 2, 7]))
    assert part.labels.tolist() == [1, 2, 3]
    assert dataset.reads < 10
    dataset.targets = [(i + 1) % 4 for i in range(50)]  # a target_transform changes what items say
    assert open_images(dataset).labels.tolist() == [i % 4 for i in range(50)]


def test_what_is_no_class_is_left_out(pictures):
    images = open_images([(torch.from_numpy(p), torch.rand(7)) for p in pictures(3)])
    assert images.labels is None
    assert "left out" in images.notes[0]


def test_augmentation_is_refused(pictures):
    class Augmented(Items):
        def __getitem__(self, index):
            return super().__getitem__(index) * torch.rand(())

    with pytest.raises(DataError, match="another picture each time it is read; turn random augmentation off"):
        open_images(Augmented(torch.rand(5, 3, 8, 8)))


def test_items_of_different_shapes_or_ranges():
    images = open_images(Items([torch.zeros(3, 8, 8), torch.zeros(3, 8, 9), torch.full((3, 8, 8), 2.0)]))
    with pytest.raises(DataError, match=r"item 0 is float32 \(3, 8, 8\) and item 1 is float32 \(3, 8, 9\)"):
        images.read([0, 1])
    with pytest.raises(DataError, match=r"item 2 has floating-point pixels from 2 to 2"):
        images.read([2])


@pytest.mark.parametrize(
    "item", ["picture.png", None, {"image": 1}, torch.zeros(5), torch.zeros(5, 8, 8), np.zeros((3, 0, 4))]
)
def test_items_that_are_no_pictures(item):
    with pytest.raises(DataError, match=r"item 0 (is a \w+, not a picture|has shape)"):
        open_images(Items([item]))


def test_datasets_without_length_or_items():
    class Stream(IterableDataset):
        def __iter__(self):
            yield torch.zeros(3, 8, 8)

    specs: tuple[object, ...] = (Stream(), 3, iter([]), {1, 2})
    for spec in specs:
        with pytest.raises(DataError, match="gives no picture by number: hand in a path"):
            open_images(spec)
    with pytest.raises(DataError, match="the list holds no images"):
        open_images([])


def test_reading_does_not_touch_the_datasets_memory():
    tensor = torch.zeros(3, 8, 8)
    open_images(Items([tensor])).read_raw([0])[:] = 1
    assert tensor.max() == 0
