import json
import os
from collections import Counter

import numpy as np
import pytest

from didlearn.errors import DataError
from didlearn.images import open_images
from didlearn.images.formats import picture_files as encoded_module
from didlearn.images.formats.decoding import BrokenFileError
from didlearn.images.formats.folder import picture_names


@pytest.fixture
def numbered(pictures, encoded, folder):
    """A folder of PNG files 000.png, 001.png, ... and their pixels."""

    def make(count=12, **shape):
        pixels = pictures(count, **shape)
        return folder({f"{i:03}.png": encoded(p) for i, p in enumerate(pixels)}), pixels

    return make


@pytest.mark.parametrize("channels", [1, 3])
def test_round_trip_in_any_order(numbered, channels):
    path, pixels = numbered(70, height=5, width=7, channels=channels)
    images = open_images(path)
    assert (len(images), images.shape, images.labels, images.notes) == (70, (channels, 5, 7), None, ())
    order = np.random.default_rng(1).integers(0, 70, 150)
    assert np.array_equal(images.read_raw(order), pixels[order])
    assert images.name == str(path)
    assert images.source_name(3) == "003.png"


def test_every_suffix_in_either_case_at_any_depth(pictures, encoded, folder):
    kinds = {
        "png": "PNG",
        "PNG": "PNG",
        "jpg": "JPEG",
        "JPEG": "JPEG",
        "webp": "WEBP",
        "bmp": "BMP",
        "tif": "TIFF",
        "tiff": "TIFF",
        "ppm": "PPM",
    }
    picture = pictures(1)[0]
    path = folder({f"a/{'b/' * i}x.{suffix}": encoded(picture, kind) for i, (suffix, kind) in enumerate(kinds.items())})
    images = open_images(path)
    assert len(images) == len(kinds)
    assert images.read(range(len(kinds))).shape == (9, 3, 8, 8)
    assert any(note.startswith("2 of 9 pictures are JPEG (lossy") for note in images.notes)


def test_class_subfolders_become_labels(pictures, encoded, folder):
    p = [encoded(x) for x in pictures(4)]
    images = open_images(folder({"dog/1.png": p[0], "cat/2.png": p[1], "cat/deep/3.png": p[2], "emu/4.png": p[3]}))
    assert images.classes == ("cat", "dog", "emu")
    assert [images.source_name(i) for i in range(4)] == ["cat/2.png", "cat/deep/3.png", "dog/1.png", "emu/4.png"]
    assert images.labels.tolist() == [0, 0, 1, 2]
    assert images.labels.dtype == np.int64
    assert images.notes == ("labels are the 3 class subfolders",)


def test_outer_folders_are_no_classes(pictures, encoded, folder):
    p = [encoded(x) for x in pictures(2)]
    assert open_images(folder({"train/cat/1.png": p[0], "train/cow/2.png": p[1]})).classes == ("cat", "cow")
    assert open_images(folder({"all/1.png": p[0], "all/2.png": p[1]}, "flat")).labels is None


def test_a_picture_outside_the_subfolders_means_no_labels(pictures, encoded, folder):
    p = [encoded(x) for x in pictures(3)]
    images = open_images(folder({"cat/1.png": p[0], "dog/2.png": p[1], "3.png": p[2]}))
    assert (len(images), images.labels, images.classes) == (3, None, None)


def test_stylegan_labels_in_a_folder(pictures, encoded, folder):
    p = [encoded(x) for x in pictures(2)]
    labels = json.dumps({"labels": [["00001/b.png", 3], ["00000/a.png", 5]]}).encode()
    images = open_images(folder({"00000/a.png": p[0], "00001/b.png": p[1], "dataset.json": labels}))
    assert images.labels.tolist() == [5, 3]
    unlabelled = folder({"00000/a.png": p[0], "00001/b.png": p[1], "dataset.json": b'{"labels": null}'}, "none")
    assert open_images(unlabelled).labels is None


def test_hostile_names_are_kept_as_plain_text(pictures, encoded, folder):
    p = [encoded(x) for x in pictures(2)]
    evil = "<script>alert(1)<"
    images = open_images(folder({f'{evil}/"><img src=x>.png': p[0], "b&b/1.png": p[1]}))
    assert images.classes == (evil, "b&b")
    assert images.source_name(0) == f'{evil}/"><img src=x>.png'


def test_names_that_are_no_text_can_be_written(pictures, encoded, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / os.fsdecode(b"\xff.png")).write_bytes(encoded(pictures(1)[0]))
    images = open_images(tmp_path / "set")
    assert images.source_name(0).encode("utf-8")
    assert images.read([0]).shape == (1, 3, 8, 8)


def test_mixed_sizes_name_two_files_and_the_way_out(pictures, encoded, folder):
    path = folder({"a.png": encoded(pictures(1)[0]), "b.png": encoded(pictures(1, 6, 12)[0])})
    with pytest.raises(DataError, match=r"mixed sizes: .*a\.png is 8×8, .*b\.png is 12×6; size=6 "):
        open_images(path)
    images = open_images(path, size=6)
    assert images.read([0, 1]).shape == (2, 3, 6, 6)
    assert np.array_equal(images.read_raw([1])[0], pictures(1, 6, 12)[0][:, :, 3:9])
    assert any("resized to 6×6" in note for note in images.notes)


def test_grey_among_colour_is_broadcast(pictures, encoded, folder):
    grey, colour = pictures(1, channels=1)[0], pictures(1)[0]
    images = open_images(folder({"a.png": encoded(grey), "b.png": encoded(colour)}))
    assert np.array_equal(images.read_raw([0, 1]), np.stack([np.repeat(grey, 3, axis=0), colour]))
    assert images.notes == ("1 grey picture broadcast to RGB, as the others are",)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "PPM", "TIFF"])
def test_truncated_small_file_is_named_at_opening(pictures, encoded, folder, kind):
    suffix = {"JPEG": "jpg", "TIFF": "tif"}.get(kind, kind.lower())
    files = {f"{i}.{suffix}": encoded(p, kind) for i, p in enumerate(pictures(3))}
    files[f"1.{suffix}"] = files[f"1.{suffix}"][:-30]
    with pytest.raises(BrokenFileError, match=rf"1\.{suffix} is truncated or damaged .*skip_broken=True"):
        open_images(folder(files))


def test_bytes_after_the_end_are_harmless(pictures, encoded, folder):
    pixels = pictures(2)
    assert np.array_equal(open_images(folder({"a.png": encoded(pixels[1]) + b"x" * 500})).read_raw([0])[0], pixels[1])


def test_truncated_large_file_is_named_when_read(numbered, monkeypatch):
    monkeypatch.setattr(encoded_module, "HEADER_BYTES", 100)
    path, _ = numbered()
    broken = path / "007.png"
    broken.write_bytes(broken.read_bytes()[:-30])
    images = open_images(path)
    assert len(images.read(range(7))) == 7
    with pytest.raises(BrokenFileError, match=r"007\.png is truncated or damaged .*skip_broken=True"):
        images.read(range(12))


def test_skipping_is_counted_at_opening_and_keeps_labels(pictures, encoded, folder):
    pixels = pictures(40)
    names = [f"{'ab'[i % 2]}/{i:02}.png" for i in range(40)]
    files = {name: encoded(p) for name, p in zip(names, pixels, strict=True)}
    for name in names[3], names[10], names[38]:
        files[name] = files[name][:-20]
    files[names[5]] = b"no picture"
    path = folder(files)
    images = open_images(path, skip_broken=True)
    assert len(images) == 36
    assert images.notes[0] == "4 broken files skipped: a/10.png, a/38.png, b/03.png, b/05.png"
    left = [names.index(images.source_name(i)) for i in range(36)]
    assert np.array_equal(images.read_raw(range(36)), pixels[left])
    assert images.labels.tolist() == [i % 2 for i in left]
    assert open_images(path, skip_broken=True).fingerprint == images.fingerprint


def test_nothing_to_skip_leaves_no_note(numbered):
    assert open_images(numbered()[0], skip_broken=True).notes == ()


def test_all_broken(folder):
    with pytest.raises(DataError, match="none of the 2 picture files"):
        open_images(folder({"a.png": b"x", "b.png": b""}), skip_broken=True)


def test_empty_folders(folder, tmp_path):
    (tmp_path / "void").mkdir()
    with pytest.raises(DataError, match=r"void holds no pictures \(png .*it is empty"):
        open_images(tmp_path / "void")
    with pytest.raises(DataError, match=r"other files \(2 \.txt, 1 \.npz\)"):
        open_images(folder({"a.txt": b"", "b.txt": b"", "c.npz": b"", ".hidden.png": b""}))


def test_links_are_followed_and_loops_end(numbered, folder):
    path, _ = numbered(3)
    (path / "sub").mkdir()
    (path / "sub" / "up").symlink_to(path, target_is_directory=True)
    (path / "again").symlink_to(path / "sub", target_is_directory=True)
    (path / "self.png").symlink_to("self.png")
    (path / "link.png").symlink_to("000.png")
    names, _ = picture_names(path)
    assert names == ["000.png", "001.png", "002.png", "link.png", "self.png"]
    with pytest.raises(BrokenFileError, match=r"self\.png"):
        open_images(path)
    assert len(open_images(path, skip_broken=True)) == 4


def test_linked_folder_elsewhere_is_entered_once(numbered, tmp_path):
    path, _ = numbered(2)
    (tmp_path / "set").mkdir()
    for name in "b", "a":
        (tmp_path / "set" / name).symlink_to(path, target_is_directory=True)
    assert picture_names(tmp_path / "set")[0] == ["a/000.png", "a/001.png"]


def test_pipes_are_not_waited_for(numbered):
    path, _ = numbered(2)
    os.mkfifo(path / "pipe.png")
    assert len(open_images(path)) == 2


@pytest.fixture
def counted(monkeypatch):
    """Count files fetched and pictures decoded."""
    counts: Counter[str] = Counter()

    def count(owner, name):
        original = getattr(owner, name)

        def wrapped(*args, **kwargs):
            counts[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, wrapped)

    count(encoded_module, "decode")
    count(encoded_module, "read_header")
    return counts


def test_opening_reads_headers_only(numbered, counted):
    path, _ = numbered(40)
    images = open_images(path)
    assert counted == {"read_header": 40}
    images.read([5, 5, 9])
    assert counted["decode"] == 2


def test_large_sets_are_sampled_and_late_misfits_refused(numbered, encoded, pictures, counted, monkeypatch):
    monkeypatch.setattr(encoded_module, "SURVEYED_WHOLE", 50)
    monkeypatch.setattr(encoded_module, "SURVEYED_SAMPLE", 10)
    path, _ = numbered(120, channels=1)
    chosen = encoded_module._surveyed(120)
    assert 0 in chosen
    assert len(chosen) <= 11
    assert chosen == encoded_module._surveyed(120)
    unseen = sorted(set(range(120)) - set(chosen))
    (path / f"{unseen[0]:03}.png").write_bytes(encoded(pictures(1, 8, 9, 1)[0]))
    (path / f"{unseen[1]:03}.png").write_bytes(encoded(pictures(1)[0]))
    images = open_images(path)
    assert counted == {"read_header": len(chosen)}
    with pytest.raises(DataError, match=rf"000\.png is 8×8, .*{unseen[0]:03}\.png is 9×8; size=8 "):
        images.read([unseen[0]])
    with pytest.raises(DataError, match=rf"{unseen[1]:03}\.png is a colour picture among grey"):
        images.read([unseen[1]])
    assert images.read(unseen[2:]).shape == (len(unseen) - 2, 1, 8, 8)


def test_header_beyond_the_first_bytes(folder, pictures, encoded, monkeypatch):
    # A TIFF's directory may lie at its very end.
    monkeypatch.setattr(encoded_module, "HEADER_BYTES", 64)
    pixels = pictures(2, 40, 40)
    images = open_images(folder({f"{i}.tif": encoded(p, "TIFF") for i, p in enumerate(pixels)}))
    assert np.array_equal(images.read_raw([0, 1]), pixels)


def test_enormous_picture_is_refused_even_when_skipping(folder):
    big = b"P6\n50000 50000\n255\n" + b"\0" * 100
    for skip in False, True:
        with pytest.raises(DataError, match=r"big\.ppm says it is 50000×50000 pixels"):
            open_images(folder({"big.ppm": big}), skip_broken=skip)


def test_enormous_file_is_not_read(folder, monkeypatch):
    from didlearn.images.formats import folder as folder_module

    monkeypatch.setattr(folder_module, "MAX_FILE", 1000)
    with pytest.raises(DataError, match=r"big\.png is larger than"):
        open_images(folder({"big.png": b"\x89PNG\r\n\x1a\n" + b"x" * 2000}), skip_broken=True)
