import io
import json
import struct
import threading
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from didlearn.errors import DataError, UsageError
from didlearn.images import open_images
from didlearn.images.formats.decoding import BrokenFileError


@pytest.fixture
def numbered(pictures, encoded, zipped):
    def make(count=6, **options):
        pixels = pictures(count)
        return zipped({f"{i:03}.png": encoded(p) for i, p in enumerate(pixels)}, **options), pixels

    return make


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_round_trip_in_any_order(numbered, compression):
    path, pixels = numbered(70, compression=compression)
    images = open_images(path)
    order = np.random.default_rng(1).integers(0, 70, 150)
    assert np.array_equal(images.read_raw(order), pixels[order])
    assert (images.labels, images.notes, images.source_name(7)) == (None, (), "007.png")


def test_many_threads_read_the_right_members(numbered):
    path, pixels = numbered(60, compression=zipfile.ZIP_DEFLATED)
    images, wrong = open_images(path), []

    def read(seed):
        for order in np.random.default_rng(seed).integers(0, 60, (20, 40)):
            wrong.extend([seed] * (not np.array_equal(images.read_raw(order), pixels[order])))

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_class_subfolders_and_clutter(pictures, encoded, zipped):
    p = [encoded(x) for x in pictures(3)]
    files = {"set/": b"", "set/cow/1.png": p[0], "set/ant/2.png": p[1], "set/ant/3.png": p[2]}
    images = open_images(zipped({**files, "__MACOSX/set/._1.png": b"x", "set/.hidden.png": b"x", "readme.txt": b"hi"}))
    assert images.classes == ("ant", "cow")
    assert images.labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize("labels", [[4, 0, 2], [[0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0, 0, 1, 0, 0]]])
def test_stylegan_labels(pictures, encoded, zipped, labels):
    names = [f"00000/img{i:08}.png" for i in range(3)]
    table = json.dumps({"labels": list(zip(names, labels, strict=True))[::-1]}).encode()
    files = {name: encoded(p) for name, p in zip(names, pictures(3), strict=True)}
    images = open_images(zipped({**files, "dataset.json": table}))
    assert images.labels.tolist() == [4, 0, 2]
    assert images.classes is None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"labels": [["00000/a.png", 1]]}, "labels 1 of 2 images"),
        ({"labels": [["a", 1, 2]]}, "no StyleGAN label file"),
        ([1], None),
        ({"labels": None}, None),
        ({"labels": [["00000/a.png", [0.5, 1]], ["00000/b.png", [0, 1]]]}, None),
        ({"labels": [["00000/a.png", [0, 1]], ["00000/b.png", [1]]]}, "mixes labels of different lengths"),
    ],
)
def test_stylegan_labels_that_are_none(pictures, encoded, zipped, table, words):
    files = {f"00000/{name}.png": encoded(p) for name, p in zip("ab", pictures(2), strict=True)}
    path = zipped({**files, "dataset.json": json.dumps(table).encode()})
    if words is None:
        assert open_images(path).labels is None
        return
    with pytest.raises(DataError, match=words):
        open_images(path)


def test_deeply_nested_json_is_a_sentence(pictures, encoded, zipped):
    deep = b"[" * 200_000
    with pytest.raises(DataError, match=r"dataset\.json is no StyleGAN label file"):
        open_images(zipped({"a.png": encoded(pictures(1)[0]), "dataset.json": deep}))


def test_mixed_sizes(pictures, encoded, zipped):
    path = zipped({"a.png": encoded(pictures(1)[0]), "b.png": encoded(pictures(1, 9, 9)[0])})
    with pytest.raises(DataError, match=r"zip: a\.png is 8×8, .*b\.png is 9×9; size=8"):
        open_images(path)
    assert open_images(path, size=8).shape == (3, 8, 8)


def test_broken_members_are_named_or_skipped(pictures, encoded, zipped):
    files = {f"{i}.png": encoded(p) for i, p in enumerate(pictures(4))}
    files["2.png"] = files["2.png"][:-20]
    path = zipped(files)
    with pytest.raises(BrokenFileError, match=r"pictures\.zip: 2\.png is truncated"):
        open_images(path)
    images = open_images(path, skip_broken=True)
    assert len(images) == 3
    assert images.notes[0] == "1 broken file skipped: 2.png"


def test_wrong_checksum_is_broken(numbered):
    path, _ = numbered()
    data = bytearray(path.read_bytes())
    data[data.find(b"IDAT") + 20] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(BrokenFileError, match=r"000\.png is truncated or damaged"):
        open_images(path).read([0])


def test_truncated_archive(numbered):
    path, _ = numbered()
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"pictures\.zip is no whole zip archive"):
        open_images(path)


def test_archive_without_pictures(zipped):
    with pytest.raises(DataError, match=r"holds no pictures \(png .*1 members"):
        open_images(zipped({"a.txt": b""}))


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:/evil.png", "..\\evil.png", "../x.txt"]
)
def test_traversing_names_are_refused(pictures, encoded, zipped, name):
    picture = encoded(pictures(1)[0])
    with pytest.raises(DataError, match=r"points outside the archive: nothing was read"):
        open_images(zipped({"good.png": picture, name: picture}), skip_broken=True)


def test_dots_within_a_name_are_harmless(pictures, encoded, zipped):
    assert len(open_images(zipped({"a..b/..c.png": b"", "a..b/x..png": encoded(pictures(1)[0])}))) == 1


@pytest.mark.parametrize("member", ["a.png", "dataset.json"])
def test_bomb_is_refused_unread(pictures, encoded, zipped, member):
    files = {"0.png": encoded(pictures(1)[0]), member: b"\0" * (32 * 2**20)}
    path = zipped(files, compression=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"{member}' would unfold from \d+ to 33554432 bytes"):
        open_images(path, skip_broken=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_member_cannot_unfold_to_more_than_it_says(zipped):
    """A bomb that lies about its size gives no more bytes than it owned up to."""
    path = zipped({"a.png": b"\0" * (32 * 2**20)}, compression=zipfile.ZIP_DEFLATED)
    data = path.read_bytes().replace(struct.pack("<I", 32 * 2**20), struct.pack("<I", 50_000))
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(BrokenFileError, match=r"a\.png"):
        open_images(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 2**20


def test_other_packings_are_refused(zipped):
    with pytest.raises(DataError, match=r"not packed by deflate"):
        open_images(zipped({"a.png": b"\0" * 10_000}, compression=zipfile.ZIP_BZIP2))


def test_encrypted_members_are_refused(numbered):
    path, _ = numbered(1)
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="encrypted"):
        open_images(path)


def test_enormous_png_within(zipped):
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"\0" * 100
    with pytest.raises(DataError, match=r"pictures\.zip: a\.png says it is 50000×50000 pixels"):
        open_images(zipped({"a.png": png}))


def test_opening_reads_no_pixels(numbered, monkeypatch):
    path, _ = numbered(50)
    from didlearn.images.formats import picture_files as encoded

    monkeypatch.setattr(encoded, "decode", None)
    assert len(open_images(path)) == 50


@pytest.mark.parametrize("broken", [{}, {"skip_broken": True}])
def test_pictures_that_unfold_to_more_pixels_than_a_source_may_have_are_refused_before_any_is_decoded(
    tmp_path, monkeypatch, broken
):
    buffer = io.BytesIO()
    Image.new("1", (4000, 4000)).save(buffer, "PNG")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(70):
            archive.writestr(f"{i}.png", buffer.getvalue() + (b"x" * 99 if i == 3 else b""))
    monkeypatch.setattr("didlearn.images.formats.picture_files.decode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(DataError, match=r"to 1120 million pixels, more than the 1000 million.*megapixels=1120"):
        open_images(tmp_path / "bomb.zip", **broken)
    with pytest.raises(DataError, match="more than the 1119 million"):
        open_images(tmp_path / "bomb.zip", megapixels=1119, **broken)
    with pytest.raises(UsageError, match="megapixels takes a whole number from 1"):
        open_images(tmp_path / "bomb.zip", megapixels=0)


def test_pixels_within_the_budget_and_many_bytes_are_read(monkeypatch, pictures, encoded, zipped):
    path = zipped({f"{i}.png": encoded(picture) for i, picture in enumerate(pictures(4))})
    monkeypatch.setattr("didlearn.images.fit.MEGAPIXELS", 0)
    assert len(open_images(path)) == 4  # about a byte a pixel: these are no bomb
    monkeypatch.setattr("didlearn.images.fit.PIXELS_A_BYTE", 0)
    with pytest.raises(DataError, match="megapixels"):
        open_images(path)
    assert len(open_images(path, megapixels=1)) == 4


def test_a_member_without_a_name_is_refused(tmp_path, pictures, encoded):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x", encoded(pictures(1)[0]))
    data = (tmp_path / "a.zip").read_bytes()
    at = data.index(b"PK\x01\x02")  # the name's length in the directory becomes that of an extra field
    data = data[: at + 28] + b"\0\0" + data[at + 30 : at + 32] + b"\1\0" + data[at + 34 :]
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.zip (has a member without a name|is no whole zip)"):
        open_images(tmp_path / "a.zip")


def test_a_name_that_is_cut_to_nothing_is_none(tmp_path, pictures, encoded):
    """zipfile cuts names at the first NUL byte."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.png", encoded(pictures(1)[0]))
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(b"x.png", b"\0.png"))
    with pytest.raises(DataError, match=r"a\.zip has a member without a name"):
        open_images(tmp_path / "a.zip")
