import base64
import io

import numpy as np
import pytest
from PIL import Image

from didlearn.errors import ResultError
from didlearn.report.pictures.exhibits import SHEET_FROM, TILES, Album
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Gallery, Tile

RNG = np.random.default_rng(0)


def tile(*shape, caption=""):
    return Tile(pixels=RNG.integers(0, 256, shape or (8, 8), dtype=np.uint8), caption=caption)


def gallery(rows, columns=("A", "B"), **fields):
    return Gallery(name="g", title="Pairs", columns=columns, rows=tuple(map(tuple, rows)), **fields)


def audit(*galleries):
    return AuditResult(checks=(CheckResult(check="c", verdict="measured", galleries=galleries),))


def exhibit(shown, root, rows=None):
    return Album.of([shown], root).exhibit(shown, rows)


def decode(picture):
    head, _, data = picture.src.partition(",")
    assert head == f"data:image/{'webp' if picture.reduced else 'png'};base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (32, 32, 3), (12, 20, 3)])
def test_a_small_picture_keeps_its_pixels_and_grows_by_a_whole_factor(shape, tmp_path):
    t = tile(*shape)
    (picture,) = exhibit(gallery([[t]], columns=("A",)), tmp_path).blocks[0][0]
    assert np.array_equal(decode(picture), t.pixels)
    assert picture.width % shape[1] == 0
    assert picture.width / shape[1] == picture.height / shape[0] > 1
    assert picture.enlarged


def test_a_saved_picture_and_one_in_memory_make_the_same_page(tmp_path):
    shown = gallery([[tile(), tile(8, 8, 3)]])
    result = audit(shown)
    result.save(tmp_path)
    loaded = AuditResult.load(tmp_path).checks[0].galleries[0]
    assert loaded.rows[0][0].pixels is None
    assert exhibit(loaded, tmp_path).blocks == exhibit(shown, tmp_path).blocks


def test_a_large_picture_is_made_smaller_but_keeps_its_shape(tmp_path):
    (picture,) = exhibit(gallery([[tile(300, 600, 3)]], columns=("A",)), tmp_path).blocks[0][0]
    assert not picture.enlarged
    assert max(decode(picture).shape) <= 192
    assert picture.width == 2 * picture.height == 128


def test_a_picture_is_compressed_before_it_is_made_smaller_and_says_so(tmp_path):
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8) + RNG.integers(0, 9, (64, 64), dtype=np.uint8)
    shown = gallery([[Tile(pixels=ramp)] * 2], columns=("A", "B"))
    lavish, sparing = (Album.of([shown], tmp_path, 24 * each).exhibit(shown) for each in (9000, 2000))
    assert lavish.reduced == 0
    assert sparing.reduced == 2
    assert decode(sparing.blocks[0][0][0]).shape[:2] == (64, 64)
    assert np.abs(decode(sparing.blocks[0][0][0]).mean(axis=2) - ramp).mean() < 8
    tight = Album.of([shown], tmp_path, 24 * 120).exhibit(shown).blocks[0][0][0]
    assert max(decode(tight).shape) < 64
    assert tight.width == sparing.blocks[0][0][0].width


def test_all_pictures_together_stay_within_the_page(tmp_path):
    galleries = [
        gallery([[tile(64, 64, 3) for _ in range(4)] for _ in range(40)], columns=("a", "b", "c", "d"))
        for _ in range(12)
    ]
    album = Album.of(galleries, tmp_path)
    shown = [album.exhibit(g) for g in galleries]
    pictures = [p for e in shown for rows in e.blocks for row in rows for p in row]
    assert len(pictures) <= TILES
    assert sum(len(p.src) for p in pictures) < 4_000_000
    assert all(e.hidden == 40 - sum(map(len, e.blocks)) > 0 for e in shown)


def test_many_pictures_without_columns_become_one_sheet_in_order(tmp_path):
    tiles = [Tile(pixels=np.full((8, 8), i, np.uint8)) for i in range(SHEET_FROM + 40)]
    shown = exhibit(gallery([tiles[:7], tiles[7:]], columns=()), tmp_path)
    pixels = decode(shown.sheet)[..., 0]
    assert shown.blocks == ()
    assert [pixels[0, 9 * i] for i in range(16)] == list(range(16))
    assert pixels[9, 0] == 16
    assert f"{SHEET_FROM + 40} pictures" in shown.sheet.alt


def test_a_sheet_of_colour_pictures_keeps_within_its_share(tmp_path):
    shown = gallery([[tile(64, 64, 3) for _ in range(400)]], columns=())
    other = gallery([[tile(64, 64, 3)] * 4] * 24, columns=("a", "b", "c", "d"))
    album = Album.of([shown, other], tmp_path)
    assert len(album.exhibit(shown).sheet.src) < 2_500_000


def test_few_pictures_without_columns_stay_single_with_their_captions(tmp_path):
    shown = exhibit(gallery([[tile(caption="5 %"), tile()]], columns=()), tmp_path)
    assert [p.caption for p in shown.blocks[0][0]] == ["5 %", ""]
    assert [p.alt for p in shown.blocks[0][0]] == ["Pairs, picture 1: 5 %", "Pairs, picture 2"]


def test_every_picture_has_an_alternative_text_of_its_own(tmp_path):
    shown = exhibit(gallery([[tile(caption="0.31"), tile()] for _ in range(9)]), tmp_path)
    alts = [p.alt for rows in shown.blocks for row in rows for p in row]
    assert alts[:3] == ["A, row 1: 0.31", "B, row 1", "A, row 2: 0.31"]
    assert len(set(alts)) == 18


def test_blocks_keep_the_order_and_lose_nothing(tmp_path):
    rows = [[tile(caption=str(i)), tile()] for i in range(13)]
    shown = exhibit(gallery(rows), tmp_path)
    assert len(shown.blocks) > 1
    assert [row[0].caption for rows in shown.blocks for row in rows] == [str(i) for i in range(13)]
    assert len(exhibit(gallery(rows[:2]), tmp_path).blocks) == 1
    assert exhibit(gallery([]), tmp_path).blocks == ()


def test_a_strip_shows_only_its_first_rows(tmp_path):
    rows = [[tile(), tile()] for _ in range(13)]
    assert sum(map(len, exhibit(gallery(rows), tmp_path, rows=3).blocks)) == 3
    assert len(exhibit(gallery([[tile()] * 100], columns=()), tmp_path, rows=3).blocks[0][0]) == 12


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "images/../../secret.png"])
def test_a_picture_outside_the_run_folder_is_refused(path, tmp_path):
    (tmp_path / "run").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "secret.png")
    with pytest.raises(ResultError, match="outside the run folder"):
        exhibit(gallery([[Tile(path=path)]], columns=("A",)), tmp_path / "run")


def test_a_link_out_of_the_run_folder_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "secret.png")
    (tmp_path / "run" / "a.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ResultError, match="outside the run folder"):
        exhibit(gallery([[Tile(path="a.png")]], columns=("A",)), tmp_path / "run")


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"GIF89a" + b"\0" * 40])
def test_a_missing_or_broken_picture_is_said_to_be_missing(content, tmp_path):
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    (picture,) = exhibit(gallery([[Tile(path="a.png", caption="c")]], columns=("A",)), tmp_path).blocks[0][0]
    assert picture.src == ""
    assert "missing" in picture.alt


def test_a_picture_bomb_is_not_opened(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "a.png")
    (picture,) = exhibit(gallery([[Tile(path="a.png")]], columns=("A",)), tmp_path).blocks[0][0]
    assert picture.src == ""
