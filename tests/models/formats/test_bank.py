import tracemalloc

import numpy as np
import pytest

from didlearn.errors import DidlearnError, UsageError
from didlearn.images import open_images
from didlearn.models import open_model


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (60, 1, 5, 5), dtype=np.uint8)


def rows(images):
    return sorted(map(bytes, images.reshape(len(images), -1)))


def test_a_bank_is_drawn_from_without_replacement(pictures, rng):
    model = open_model(pictures)
    assert (model.kind, model.size, model.image_shape) == ("bank", 60, (1, 5, 5))
    everything = model.draw(1000, rng)
    assert rows(everything.images) == rows(pictures)
    assert not np.array_equal(everything.images, pictures)


def test_fewer_are_a_prefix_whatever_the_batches(pictures, rng):
    model = open_model(pictures)
    np.testing.assert_array_equal(
        model.draw(25, rng, batch_size=7).images, model.draw(60, rng, batch_size=1000).images[:25]
    )


@pytest.mark.parametrize("kind", ["folder", "zip", "npz", "npy"])
def test_every_kind_of_bank_holds_the_same(pictures, rng, tmp_path, kind):
    path = tmp_path / f"bank.{kind}"
    if kind == "npy":
        np.save(path, pictures)
    elif kind == "npz":
        np.savez(path, arr_0=pictures.transpose(0, 2, 3, 1))
    else:
        _write_pictures(pictures, path, kind)
    model = open_model(str(path))
    np.testing.assert_array_equal(model.draw(60, rng).images, open_model(pictures).draw(60, rng).images)
    assert model.fingerprint == open_model(pictures).fingerprint


def _write_pictures(pictures, path, kind):
    import zipfile

    from PIL import Image

    folder = path if kind == "folder" else path.with_suffix("")
    folder.mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture[0]).save(folder / f"{i:03d}.png")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)


def test_labels_of_a_bank_become_classes(rng):
    images = open_images("digits")
    model = open_model(images)
    assert (model.classes, model.class_names) == (10, images.classes)
    samples = model.draw(200, rng)
    lookup = {image.tobytes(): label for image, label in zip(images.read_raw(range(1797)), images.labels, strict=True)}
    raw = images.read_raw(rng.numpy("permutation").permutation(1797)[:200])
    assert [lookup[image.tobytes()] for image in raw] == samples.labels.tolist()


@pytest.mark.parametrize("last", [0, 1])
def test_drawing_takes_no_more_memory_than_the_pictures(last, rng):
    """16 MB of pictures, all of them one but perhaps the last."""
    pictures = np.zeros((4_000, 1, 64, 64), np.uint8)
    pictures[-1, 0, 0, 0] = last
    model = open_model(pictures)
    tracemalloc.start()
    samples = model.draw(4_000, rng)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.4 * pictures.nbytes
    assert ("all 4000 images are the same image" in samples.notes) == (last == 0)


def test_float_pixels_are_rounded(rng):
    model = open_model(np.full((10, 3, 4, 4), 0.5, dtype=np.float32))
    samples = model.draw(10, rng)
    assert (samples.images == 128).all()
    assert "all 10 images are the same image" in samples.notes


def test_broken_float_pixels_end_in_a_sentence():
    with pytest.raises(DidlearnError, match=r"NaN|finite|outside"):
        open_model(np.full((10, 3, 4, 4), np.nan, dtype=np.float32)).draw(10, None)


@pytest.mark.parametrize("said", [{"latent_shape": 3}, {"classes": 10}, {"prior": "normal"}, {"value_range": (0, 1)}])
def test_a_bank_is_not_run(pictures, said):
    with pytest.raises(UsageError, match=f"{next(iter(said))} says how a network is run"):
        open_model(pictures, **said)


def test_size_and_channels_are_passed_on(pictures):
    assert open_model(pictures, size=4, channels=3).image_shape == (3, 4, 4)
