"""Pictures in tar archives: one, and WebDataset's shards."""

import io
import tarfile

import numpy as np
import pytest

import didlearn as dl
from didlearn.errors import DataError
from didlearn.images import open_images
from didlearn.images.formats.decoding import BrokenFileError
from didlearn.models.formats.bank import Bank


def bank(spec):
    """The images of a bank of samples."""
    model = dl.open_model(spec)
    assert isinstance(model, Bank)
    return model.images


def pack(path, files, links=()):
    """Write {name: bytes} and links into an archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
    return path


@pytest.fixture
def samples(pictures, encoded):
    """WebDataset's members of samples: pictures, and classes where given."""

    def make(count=6, start=0, **others):
        pixels = pictures(count, seed=start)
        files: dict[str, bytes] = {}
        for i, picture in enumerate(pixels):
            key = f"{start + i:06}"
            files |= {f"{key}.{kind}": content(i) for kind, content in others.items()}
            files[f"{key}.png"] = encoded(picture)
        return files, pixels

    return make


def cls(i):
    return b"%d\n" % (i % 3)


def test_round_trip_in_any_order(samples, tmp_path):
    files, pixels = samples(70)
    images = open_images(pack(tmp_path / "x.tar", files))
    order = np.random.default_rng(1).integers(0, 70, 150)
    assert np.array_equal(images.read_raw(order), pixels[order])
    assert (images.labels, images.notes, images.source_name(7)) == (None, (), "000007.png")
    assert images.name == str(tmp_path / "x.tar")


def test_labels_beside_and_other_members_counted(samples, tmp_path):
    files, _ = samples(cls=cls, json=lambda i: b"{}", txt=lambda i: b"a cat")
    images = open_images(pack(tmp_path / "x.tar", {**files, ".hidden.png": b"x", "__MACOSX/a.png": b"x"}))
    assert images.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert images.notes == ("12 files of other kinds passed over (6 .json, 6 .txt)",)


def test_shards_are_one_set_in_the_order_of_their_names(samples, tmp_path):
    parts = [samples(4, start, cls=cls) for start in (8, 4, 0)]
    for i, (files, _) in enumerate(parts):
        pack(tmp_path / "set" / f"{i:05}.tar", files)
    (tmp_path / "set" / "sizes.json").write_text("{}")
    images = open_images(tmp_path / "set")
    assert np.array_equal(images.read_raw(range(12)), np.concatenate([pixels for _, pixels in parts]))
    assert images.labels.tolist() == [0, 1, 2, 0] * 3
    assert images.source_name(0) == "00000/000008.png"
    assert images.notes == ("1 file of other kinds passed over (1 .json)",)


def test_labels_are_of_the_sample_in_the_same_shard(samples, tmp_path):
    for i in range(2):
        files, _ = samples(2, cls=lambda _, i=i: b"%d" % i)
        pack(tmp_path / "set" / f"{i}.tar", files)
    assert open_images(tmp_path / "set").labels.tolist() == [0, 0, 1, 1]


def test_a_label_that_is_missing_leaves_out_all(samples, tmp_path):
    files, _ = samples(cls=cls)
    del files["000003.cls"]
    images = open_images(pack(tmp_path / "x.tar", files))
    assert images.labels is None
    assert images.notes == ("1 of 6 pictures have no label (.cls), so labels were left out",)


@pytest.mark.parametrize("label", [b"cat", b"-1", b"1.5", b"", b"1" * 40, b"1" + b" " * 40 + b"5", "٣".encode()])
def test_a_label_that_is_no_whole_number_leaves_out_all(samples, tmp_path, label):
    images = open_images(pack(tmp_path / "x.tar", samples(cls=lambda i: label if i == 4 else b"1")[0]))
    assert images.labels is None
    assert images.notes == ("labels were left out: that of 000004 (.cls) is no whole number",)


def test_several_pictures_of_one_label_are_refused(samples, tmp_path):
    files, _ = samples(cls=cls)
    files["000002.mask.png"] = files["000002.png"]
    with pytest.raises(DataError, match=r"'000002' holds several pictures \(000002\.mask\.png, 000002\.png\)"):
        open_images(pack(tmp_path / "x.tar", files))


@pytest.mark.parametrize("above", ["", "./", "set/", "/home/ada/set/", "../"])
def test_class_subfolders_across_shards(pictures, encoded, tmp_path, above):
    p = [encoded(x) for x in pictures(4)]
    pack(tmp_path / "set" / "0.tar", {f"{above}cow/1.png": p[0], f"{above}ant/2.png": p[1]})
    pack(tmp_path / "set" / "1.tar", {f"{above}cow/3.png": p[2], f"{above}ant/2.png": p[3]})
    images = open_images(tmp_path / "set")
    assert images.classes == ("ant", "cow")
    assert images.labels.tolist() == [0, 1, 0, 1]
    assert np.array_equal(images.read_raw([2]), pictures(4)[[3]])


def test_the_last_of_two_members_of_one_name_stands_as_when_unpacked(pictures, encoded, tmp_path):
    pixels = pictures(2)
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for picture in pixels:
            member = tarfile.TarInfo("a.png")
            member.size = len(encoded(picture))
            archive.addfile(member, io.BytesIO(encoded(picture)))
    assert np.array_equal(open_images(tmp_path / "x.tar").read_raw([0]), pixels[1:])


def test_links_are_not_followed(samples, tmp_path):
    images = open_images(pack(tmp_path / "x.tar", samples(2)[0], links=["secret.png"]))
    assert len(images) == 2
    assert images.notes == ("1 file of other kinds passed over (1 links)",)


def test_a_broken_picture_is_named_or_skipped(samples, tmp_path):
    files, _ = samples()
    files["000002.png"] = files["000002.png"][:40]
    path = pack(tmp_path / "x.tar", files)
    with pytest.raises(BrokenFileError, match=r"x\.tar: 000002\.png"):
        open_images(path)
    assert len(open_images(path, skip_broken=True)) == 5


def test_a_picture_too_large_is_refused_by_its_header(samples, tmp_path, monkeypatch):
    monkeypatch.setattr("didlearn.images.formats.tar.shards.MAX_FILE", 100)
    with pytest.raises(DataError, match=r"000000\.png is larger than .* remove it"):
        open_images(pack(tmp_path / "x.tar", samples()[0]))


def test_an_archive_without_pictures(tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        open_images(pack(tmp_path / "x.tar", {"a.txt": b"x"}))


@pytest.mark.parametrize("data", [b"{}", b"\x1f\x8b" + bytes(600), b""])
def test_what_is_called_tar_and_is_none(tmp_path, samples, data):
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(DataError, match=r"x\.tar is called a tar archive.*: unpack it"):
        open_images(tmp_path / "x.tar")
    pack(tmp_path / "set" / "0.tar", samples(1)[0])
    (tmp_path / "set" / "1.tar").write_bytes(data)
    with pytest.raises(DataError, match=r"1\.tar is no tar archive"):
        open_images(tmp_path / "set")


def test_shards_in_subfolders_are_not_joined(samples, tmp_path):
    for split in "train", "val":
        pack(tmp_path / "set" / split / "0.tar", samples(1)[0])
    with pytest.raises(DataError, match=r"in subfolders \(train/0\.tar\).*name one of the subfolders"):
        open_images(tmp_path / "set")


def test_samples_of_a_generator(samples, tmp_path):
    pack(tmp_path / "set" / "0.tar", samples(cls=cls)[0])
    assert len(bank(str(tmp_path / "set" / "0.tar"))) == 6
    assert len(bank(str(tmp_path / "set"))) == 6
