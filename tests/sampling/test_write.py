"""Parts of a long draw, drawn by themselves, are what one draws at once."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.checks.support.check import Support
from didlearn.errors import DataError, UsageError
from didlearn.models.base import Sampler, Samples
from didlearn.rng import Stream
from didlearn.sampling import write as module
from didlearn.sampling.shard import Shard, shard_of
from didlearn.sampling.write import write_samples


class Net(nn.Module):
    latent_shape, value_range = (3,), (0.0, 1.0)

    def forward(self, z):
        return torch.sigmoid(z @ torch.linspace(-1, 1, 48).view(3, 16)).view(-1, 1, 4, 4)


class Noisy(Net):
    def forward(self, z):
        return (super().forward(z) + 0.1 * torch.rand(len(z), 1, 4, 4)).clamp(0, 1)


class Coupled(Net):
    def forward(self, z):
        return super().forward(z - z.mean(dim=0))


class Conditional(nn.Module):
    latent_shape, value_range, classes = (3,), (0.0, 1.0), ("a", "b", "c")

    def forward(self, z, labels):
        return (Net()(z) + labels[:, None, None, None]) / 3


class Unranged(Net):
    value_range = None


def opened(kind):
    return dl.open_model(kind())


class Own(Sampler):
    """One of the user's own, which can only begin at the first image."""

    name, kind, image_shape = "own", "own", (1, 4, 4)

    def draw(self, count, rng, **_):
        images = rng.numpy("images").integers(0, 256, (count, 1, 4, 4), dtype=np.uint8)
        return Samples(images, None, np.ones(count, dtype=bool))


MODELS = {
    **{kind.__name__: partial(opened, kind) for kind in (Net, Noisy, Coupled, Conditional, Unranged)},
    "uniform": lambda: dl.open_model(Net(), prior="uniform"),
    "distribution": lambda: dl.open_model(Net(), prior=torch.distributions.Normal(torch.zeros(3), torch.ones(3))),
    "own": Own,
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("parts", [1, 3])
def test_all_parts_are_what_the_model_draws(name, parts, tmp_path, monkeypatch):
    """Also in the pieces that fit in memory, here of 64 images, and where the last unit is not full."""
    monkeypatch.setattr(module, "_AT_ONCE", 64)
    model = MODELS[name]()
    drawn = model.draw(333, Stream(5, ("samples",)))
    for number in range(parts, 0, -1):
        write_samples(model, 333, tmp_path, shard=Shard(number, parts), seed=5)
    arrays = [np.load(file) for file in sorted(tmp_path.glob("samples-?????-of-?????.npy"))]
    np.testing.assert_array_equal(np.concatenate(arrays), drawn.images)
    opened = dl.open_images(tmp_path)
    if drawn.images.dtype == np.uint8:
        assert opened.fingerprint == dl.open_images(drawn.images).fingerprint or drawn.labels is not None
    if drawn.labels is not None:
        np.testing.assert_array_equal(opened.labels, drawn.labels)
        assert opened.classes == ("a", "b", "c")


def test_an_audit_of_parts_is_that_of_the_whole(tmp_path):
    model, found = MODELS["Conditional"](), []
    train = model.draw(240, Stream(1)).images
    for parts in (1, 4):
        for number in range(1, parts + 1):
            write_samples(model, 300, tmp_path / str(parts), shard=Shard(number, parts))
        audited = dl.audit(
            generator=tmp_path / str(parts), train=train[:120], heldout=train[120:], checks=[Support(samples=300)]
        )
        found.append(audited)
    one, four = (json.loads(result.checks[0].model_dump_json()) for result in found)
    for result in (one, four):
        result.pop("seconds")
        result.pop("notes")  # how many files were read
    assert one == four
    assert found[0].subject["model"]["fingerprint"] == found[1].subject["model"]["fingerprint"]


def test_a_part_that_is_there_is_kept(tmp_path):
    model = MODELS["Net"]()
    file = write_samples(model, 100, tmp_path, shard=Shard(1, 2))
    before = file.stat().st_mtime_ns
    assert write_samples(model, 100, tmp_path, shard=Shard(1, 2)) == file
    assert file.stat().st_mtime_ns == before
    assert any("1 of 00002 parts are not there: 2" in note for note in dl.open_images(tmp_path).notes)


def test_a_part_is_seen_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 32)
    model, real = MODELS["Net"](), dl.models.base.LatentModel.draw

    def interrupted(self, count, rng, *, first=0, **how):
        if first == 64:
            raise KeyboardInterrupt
        return real(self, count, rng, first=first, **how)

    with monkeypatch.context() as patched:
        patched.setattr(dl.models.base.LatentModel, "draw", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_samples(model, 100, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["sampling.json"]
    assert len(np.load(write_samples(model, 100, tmp_path))) == 100


@pytest.mark.parametrize("change", [{"seed": 1}, {"count": 128}, {"shard": Shard(1, 3)}, {"model": "uniform"}])
def test_other_samples_are_refused(change, tmp_path):
    asked = {"model": "Net", "count": 100, "shard": Shard(1, 2), "seed": 0}
    for number, given in enumerate((asked, asked | change)):
        call = {"shard": given["shard"], "seed": given["seed"]}
        if number:
            with pytest.raises(UsageError, match="holds another set of samples"):
                write_samples(MODELS[given["model"]](), given["count"], tmp_path, **call)
        else:
            write_samples(MODELS[given["model"]](), given["count"], tmp_path, **call)


def test_a_set_of_samples_is_not_sampled(tmp_path):
    with pytest.raises(UsageError, match="is a set of samples already"):
        write_samples(dl.open_model(np.zeros((5, 1, 4, 4), np.uint8)), 3, tmp_path)


@pytest.mark.parametrize(("count", "of"), [(1, 1), (33, 2), (1000, 3), (1000, 32), (10_007, 16)])
def test_parts_are_whole_units_and_all_images(count, of):
    parts = [Shard(number, of).images(count) for number in range(1, of + 1)]
    assert [i for part in parts for i in part] == list(range(count))
    assert all(part.start % 32 == 0 and len(part) for part in parts)
    assert max(map(len, parts)) - min(map(len, parts)) <= 63


@pytest.mark.parametrize("text", ["3", "0/4", "5/4", "a/b", "1/0", "-1/4"])
def test_no_part(text):
    with pytest.raises(UsageError, match="which of how many"):
        shard_of(text)


def test_too_many_parts():
    with pytest.raises(UsageError, match=r"too few for 5 shards; give at most 4"):
        Shard(1, 5).images(100)


@pytest.mark.parametrize(
    ("values", "what"),
    [(None, "gives no labels"), (np.zeros(3, np.int64), "give 4 whole numbers"), (np.zeros(4), "give 4 whole numbers")],
)
def test_labels_that_do_not_fit_their_stack(values, what, tmp_path):
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.zeros((4, 1, 4, 4), np.uint8))
    np.save(tmp_path / "a.labels.npy", np.arange(4))
    if values is not None:
        np.save(tmp_path / "b.labels.npy", values)
    with pytest.raises(DataError, match=what):
        dl.open_images(tmp_path)


def test_names_of_too_few_classes(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 1, 4, 4), np.uint8))
    np.save(tmp_path / "a.labels.npy", np.arange(4))
    (tmp_path / "classes.txt").write_text("zero\none\n")
    with pytest.raises(DataError, match="names 2 classes, and labels go to 3"):
        dl.open_images(tmp_path)
