"""What is kept is what would be computed, to the last bit, and never of another image, network or code."""

import os
import threading

import numpy as np
import pytest
import torch
from torch import nn

from didlearn.embeddings import Embedding, embed
from didlearn.embeddings.features_cache import FeaturesCache, cache_folder, cache_limit, content_hashes
from didlearn.embeddings.module import ModuleEmbedding
from didlearn.errors import UsageError
from didlearn.images import open_images

SHAPE = (3, 8, 8)


def images(count=70, seed=0, kind=np.uint8):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3))
    return open_images(pixels.astype(np.uint8) if kind == np.uint8 else (pixels / 255).astype(kind))


class Net(nn.Module):
    """Features whose rounding depends on every pixel; ``scale`` is code, and no weight."""

    def __init__(self, seed=0, scale=1.0):
        super().__init__()
        self.linear = nn.Linear(192, 5)
        self.scale = scale
        nn.init.zeros_(self.linear.bias)
        nn.init.normal_(self.linear.weight, generator=torch.Generator().manual_seed(seed))

    def forward(self, x):
        return torch.tanh(self.scale * self.linear(x.flatten(1)))


class Counted:
    """Compute features, and note of which images."""

    def __init__(self, cache, embedding=None):
        self.cache, self.embedding = cache, embedding or ModuleEmbedding(Net(), "net")
        self.seen = 0

    def __call__(self, some):
        def compute(part):
            self.seen += len(part)
            return embed(self.embedding, part)

        return self.cache.features(self.embedding, some, compute, "cpu")


@pytest.fixture
def cache(tmp_path):
    return FeaturesCache(tmp_path / "features", 10**9)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_kept_features_are_the_computed_ones_to_the_last_bit(cache, kind):
    one, two = Counted(cache), Counted(cache)
    first, second = one(images(kind=kind)), two(images(kind=kind))
    assert (one.seen, two.seen) == (70, 0)
    assert (first == embed(one.embedding, images(kind=kind))).all()
    assert (first == second).all()


def test_any_part_in_any_order_is_found_and_the_rest_alone_computed(cache):
    some = images()
    Counted(cache)(some.subset(range(40)))
    asked = np.array([69, 3, 3, 41, 10, 69])
    later = Counted(cache)
    assert (later(some.subset(asked)) == embed(later.embedding, some)[asked]).all()
    assert later.seen == 2  # 41 and 69, once each
    assert (later(some) == embed(later.embedding, some)).all()
    assert later.seen == 2 + 70 - 42


def test_equal_pictures_of_another_source_are_the_same(cache, tmp_path):
    np.save(tmp_path / "x.npy", images().read_raw(range(70)).transpose(0, 2, 3, 1))
    Counted(cache)(images())
    later = Counted(cache)
    later(open_images(tmp_path / "x.npy"))
    assert later.seen == 0


@pytest.mark.parametrize(
    "other",
    [
        ModuleEmbedding(Net(seed=1), "net"),  # other weights
        ModuleEmbedding(Net(scale=1 + 1e-6), "net"),  # the same weights, and other code
        ModuleEmbedding(Net(), "another"),
    ],
)
def test_another_embedding_shares_nothing(cache, other):
    Counted(cache)(images())
    later = Counted(cache, other)
    assert (later(images()) == embed(other, images())).all()
    assert later.seen == 70


def test_a_picture_that_differs_in_one_bit_is_another(cache):
    pixels = images().read_raw(range(70))
    for stored in (pixels, (pixels / 255).astype(np.float32)):
        moved = stored.copy()
        moved[5, 0, 0, 0] = np.bitwise_xor(moved[5, 0, 0, 0], 1) if stored.dtype == np.uint8 else np.nextafter(
            moved[5, 0, 0, 0], np.float32(0.5)
        )  # fmt: skip
        pair = [content_hashes(open_images(some.transpose(0, 2, 3, 1))) for some in (stored, moved)]
        assert np.flatnonzero(pair[0] != pair[1]).tolist() == [5]


def test_it_stays_within_its_bounds_and_the_least_used_goes_first(tmp_path):
    cache = FeaturesCache(tmp_path, 6000)
    for seed in range(3):  # 20 images take 400 + 320 bytes and two headers
        Counted(cache)(images(20, seed))
    files = sorted(tmp_path.glob("*/*.hashes.npy"), key=os.path.getmtime)
    for i, file in enumerate(files):
        os.utime(file, (1000 + i, 1000 + i))
    Counted(cache)(images(20, 0))  # used again
    for seed in range(3, 9):
        Counted(cache)(images(20, seed))
        assert cache.held().bytes <= 6000
    assert not files[1].exists()
    again = Counted(FeaturesCache(tmp_path, 100))
    again(images(20, 77))
    assert again.seen == 20
    assert cache.held().bytes <= 6000


@pytest.mark.parametrize("ending", [".hashes.npy", ".features.npy"])
@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "noise"])
def test_what_is_damaged_is_computed_again(cache, ending, damage):
    Counted(cache)(images())
    (file,) = cache.folder.glob(f"*/*{ending}")
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "cut": content[:-10], "noise": b"\x80\x04pickle"}[damage])
    later = Counted(cache)
    assert (later(images()) == embed(later.embedding, images())).all()
    assert later.seen == 70


def test_a_place_that_cannot_be_written_to_costs_time_alone(tmp_path):
    (tmp_path / "features").write_text("a file")
    again = Counted(FeaturesCache(tmp_path / "features", 10**9))
    assert (again(images()) == embed(again.embedding, images())).all()


def test_an_embedding_that_takes_no_made_up_pictures_works_without(cache):
    class Choosy(Embedding):
        name = "choosy"

        def __call__(self, batch):
            if batch[0, 0].std() < 1e-3:
                raise RuntimeError("flat")
            return batch.flatten(1)

    again = Counted(cache, Choosy())
    assert (again(images()) == embed(Choosy(), images())).all()
    assert cache.held().images == 0


def test_threads_that_keep_at_once_lose_nothing(cache):
    workers = [threading.Thread(target=Counted(cache), args=(images(40, seed % 2),)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    later = Counted(cache)
    for seed in range(2):
        assert (later(images(40, seed)) == embed(later.embedding, images(40, seed))).all()
    assert later.seen == 0


def test_the_environment_says_where_and_how_much(monkeypatch, tmp_path):
    monkeypatch.setenv("DIDLEARN_CACHE", str(tmp_path))
    monkeypatch.setenv("DIDLEARN_CACHE_GB", "0.5")
    assert FeaturesCache.of_user() == FeaturesCache(tmp_path / "features", 500_000_000)
    monkeypatch.delenv("DIDLEARN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "didlearn"
    for none in ("0", "0.0"):
        monkeypatch.setenv("DIDLEARN_CACHE_GB", none)
        assert FeaturesCache.of_user() is None
    for wrong in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv("DIDLEARN_CACHE_GB", wrong)
        with pytest.raises(UsageError, match="DIDLEARN_CACHE_GB"):
            cache_limit()
