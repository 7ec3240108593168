import threading

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.arrays import BytePoints
from didlearn.embeddings import Embedding, embed
from didlearn.embeddings.classifier_network import ClassifierNetwork
from didlearn.embeddings.extract import pixel_points
from didlearn.embeddings.pixels import PixelEmbedding
from didlearn.errors import ModelError, UsageError
from didlearn.images import open_images
from didlearn.parallel import UNIT


class Fixed(Embedding):
    """Apply a function, and remember what came in."""

    name = "fixed"

    def __init__(self, function):
        self.function, self.shapes, self.threads = function, [], set()

    def __call__(self, images):
        self.shapes.append(tuple(images.shape))
        self.threads.add(threading.get_ident())
        return self.function(images)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (77, 3, 16, 16), dtype=np.uint8)


@pytest.fixture
def convolutional():
    torch.manual_seed(0)
    return Fixed(ClassifierNetwork((3, 16, 16), 5).eval())


def test_pixels_are_the_image_as_a_row_in_unit_range(pixels):
    expected = pixels.reshape(77, -1).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(embed(PixelEmbedding(), pixels), expected)


def test_sets_arrays_and_tensors_of_any_type_agree(pixels, images_of):
    expected = embed(PixelEmbedding(), images_of(pixels))
    assert expected.dtype == np.float32
    floats = expected.reshape(pixels.shape)
    for same in (pixels, torch.from_numpy(pixels), floats, floats.astype(np.float64), torch.from_numpy(floats)):
        np.testing.assert_array_equal(embed(PixelEmbedding(), same), expected)


def test_float_images_are_used_as_they_are():
    outside = np.full((2, 1, 2, 2), -3.5, dtype=np.float32)
    np.testing.assert_array_equal(embed(PixelEmbedding(), outside), outside.reshape(2, 4))


@pytest.mark.parametrize("batch_size", [1, 33, 64, 1000])
@pytest.mark.parametrize("threads", [1, 2])
def test_features_do_not_depend_on_batch_size_or_threads(pixels, convolutional, batch_size, threads):
    expected = embed(convolutional, pixels, batch_size=64, threads=1)
    got = embed(convolutional, pixels, batch_size=batch_size, threads=threads)
    np.testing.assert_array_equal(got, expected)


def test_features_of_a_part_are_a_part_of_the_features(pixels, convolutional):
    whole = embed(convolutional, pixels)
    for count in (1, 31, 32, 40):
        np.testing.assert_array_equal(embed(convolutional, pixels[:count]), whole[:count])


def test_the_network_always_sees_a_full_unit(pixels, convolutional):
    embed(convolutional, pixels)
    assert convolutional.shapes == [(UNIT, 3, 16, 16)] * 3


def test_threads_share_the_work(pixels):
    barrier = threading.Barrier(2, timeout=30)

    def meet(images):
        barrier.wait()
        return images.flatten(1)

    embed(Fixed(meet), pixels[:64], batch_size=64, threads=2)


def test_progress_tells_the_images_done(pixels):
    seen: list[int] = []
    embed(PixelEmbedding(), pixels, advance=seen.append)
    assert seen == [32, 64, 77]


@pytest.mark.parametrize("kind", ["set", "array", "tensor"])
def test_pixels_in_8_bits_stay_bytes(kind, pixels):
    """The numbers are those of the embedding; other images have none."""
    images = {"set": open_images(pixels), "array": pixels, "tensor": torch.from_numpy(pixels)}[kind]
    points = pixel_points(images)
    assert isinstance(points, BytePoints)
    np.testing.assert_array_equal(points, embed(PixelEmbedding(), pixels))
    assert pixel_points(pixels.astype(np.float32) / 255) is None
    assert pixel_points(open_images(pixels.astype(np.float32) / 255)) is None


def test_a_network_that_works_in_place_leaves_the_images_alone():
    floats = np.ones((UNIT, 1, 2, 2), dtype=np.float32)
    embed(Fixed(lambda images: images.mul_(0).flatten(1)), floats)
    embed(Fixed(lambda images: images.mul_(0).flatten(1)), torch.from_numpy(floats))
    assert (floats == 1).all()


def test_read_only_arrays_and_big_batches_of_one(pixels):
    pixels.setflags(write=False)
    assert embed(PixelEmbedding(), pixels[:1], batch_size=100_000).shape == (1, 768)


@pytest.mark.parametrize(
    "bad",
    [np.zeros((3, 8, 8), np.uint8), np.zeros((2, 1, 8, 8), np.int64), np.zeros((0, 1, 8, 8), np.uint8)],
    ids=["no channels", "int64", "empty"],
)
def test_other_arrays_are_refused(bad):
    with pytest.raises(UsageError, match=r"takes images \(N, C, H, W\) as uint8 or floating point.*got"):
        embed(PixelEmbedding(), bad)


def test_an_empty_set_is_refused(images_of):
    with pytest.raises(UsageError, match="the set holds no images"):
        embed(PixelEmbedding(), images_of(np.zeros((0, 1, 8, 8), np.uint8)))


@pytest.mark.parametrize("function", [lambda x: x, lambda x: x.flatten(1)[:5], lambda x: x.sum()])
def test_features_of_another_shape_are_refused(function):
    with pytest.raises(ModelError, match=r"fixed returned features of shape .*\(32, D\)"):
        embed(Fixed(function), np.zeros((5, 1, 8, 8), np.uint8))


def test_nan_features_are_counted(pixels):
    def broken(images):
        features = images.flatten(1).clone()
        features[3, 0], features[9] = torch.nan, torch.inf
        return features

    with pytest.raises(ModelError, match="NaN or infinity for 2 of 32 images"):
        embed(Fixed(broken), pixels)


def scans(count=70):
    return np.random.default_rng(0).random((count, 1, 4, 6, 5)).astype(np.float32)


class Film(nn.Module):
    """Frames (n, T, H, W, C): their mean colour in each quarter of the time, and how it moves."""

    def forward(self, x):
        colour = x.mean(dim=(2, 3))
        return torch.cat([colour.unflatten(1, (2, -1)).mean(dim=2).flatten(1), colour.diff(dim=1).abs().mean(1)], dim=1)


def test_volumes_and_films_become_points(tmp_path):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv3d(1, 7, 3), nn.Tanh()).eval()
    volumes = scans()
    points = dl.embed_points(volumes, network, threads=1)
    assert points.shape == (7, 1, 1)
    with torch.no_grad():
        wanted = network(torch.from_numpy(volumes)).mean(dim=(2, 3, 4)).numpy()
    assert np.allclose(points.rows(), wanted, atol=1e-6), "maps are averaged over depth, height and width"
    np.save(tmp_path / "scans.npy", volumes)
    stored = dl.embed_points(tmp_path / "scans.npy", network, batch_size=64, threads=2)
    assert (stored.rows() == points.rows()).all()
    assert stored.name.endswith("scans.npy")
    film = np.random.default_rng(1).integers(0, 256, (40, 8, 3, 3, 2), dtype=np.uint8)
    features = dl.embed_points(film, Film()).rows()
    assert np.allclose(features, Film()(torch.from_numpy(film).float() / 255).numpy(), atol=1e-6)


def test_points_of_volumes_are_audited():
    volumes = scans(240)
    faulty = np.repeat(volumes[:4], 20, axis=0)
    network = nn.Sequential(nn.Conv3d(1, 5, 2), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten())
    parts = [dl.embed_points(part, network) for part in (volumes[:80], volumes[80:160], volumes[160:], faulty)]
    for generated, verdicts in ((parts[2], ("pass", "inconclusive")), (parts[3], ("fail",))):
        found = dl.audit(
            train=parts[0], heldout=parts[1], generator=generated, points=True, checks=["support"], threads=1
        )
        assert found["support"].verdict in verdicts


def test_what_is_no_volume_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no \.npy file"):
        dl.embed_points(tmp_path / "none.npy", Film())
    with pytest.raises(UsageError, match=r"got \(5, 3\) of float64"):
        dl.embed_points(np.zeros((5, 3)), Film())
    with pytest.raises(ModelError, match="fails on images of shape"):
        dl.embed_points(scans(), nn.Conv2d(1, 2, 1))
