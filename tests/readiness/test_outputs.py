import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from didlearn.errors import UsageError
from didlearn.readiness.outputs import check_file, check_folder


def test_nothing_is_left_of_a_look(tmp_path):
    (tmp_path / "there").mkdir()
    for folder in tmp_path / "there", tmp_path / "a/b/c", tmp_path / "there/new":
        check_folder(folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]
    check_file(tmp_path / "there/page.html")
    assert not list((tmp_path / "there").iterdir())


@pytest.mark.parametrize("below", ["", "/below", "/below/further"])
def test_a_file_in_the_way(tmp_path, below):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UsageError, match=r"nothing can be written to .*file is a file; give output=\.\.\. another"):
        check_folder(f"{tmp_path}/file{below}")
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("folder", ["/proc/x", "/proc/x/y", "x" * 300, "a\0b"])
def test_a_place_where_nothing_can_be_made(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"nothing can be written to .* \(.*\); give output"):
        check_folder(folder)
    assert not list(tmp_path.iterdir())


def test_a_folder_where_a_file_is_to_be(tmp_path):
    with pytest.raises(UsageError, match=r"is a folder; give output=\.\.\. the name of a file"):
        check_file(tmp_path)


def test_a_folder_made_and_taken_away_between_two_looks_is_no_file(tmp_path, monkeypatch):
    """Another command that tries the same place: it is there when it is to be made, and gone when it is looked at."""
    made, places = Path.mkdir, iter([tmp_path / "runs"])

    def mkdir(path, *args, **kwargs):
        if path == next(places, None):
            raise FileExistsError(errno.EEXIST, "File exists", str(path))
        made(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    check_folder(tmp_path / "runs" / "demo")
    assert not list(tmp_path.iterdir())


def test_a_link_to_nothing_is_in_the_way(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="link is a file"):
        check_folder(tmp_path / "link" / "run")


def test_commands_that_try_places_beside_one_another_do_not_take_them_from_each_other(tmp_path):
    """As `make demo` does on a fresh machine: three audits at once below one folder that is not there yet.

    The mistake this sees: one makes runs/, another finds it there, and the first takes it away again.
    """

    def one(name):
        for _ in range(200):
            check_folder(tmp_path / "runs" / "demo" / name)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, ("sound", "collapsed", "memorised")))
    left = [path for path in tmp_path.rglob("*") if path.name not in ("runs", "demo")]
    assert left == []
