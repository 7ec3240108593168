"""Pipes, devices and links in what others made: each is refused in a sentence, and at once."""

import os
import sys

import numpy as np
import pytest
from PIL import Image

import didlearn as dl
from didlearn.audit.spec import read_toml
from didlearn.claim import claim
from didlearn.errors import DataError, DidlearnError, ResultError
from didlearn.foreign.files import refuse_outward_links
from didlearn.models.reconstructor import open_autoencoder
from didlearn.report import write_report
from didlearn.report.figures.exports import table_of, write_figures
from didlearn.result.files import AuditResult, csv_cell, tile_file, write_tables
from didlearn.result.values import CheckResult, Figure, Gallery, Series, Table, Tile
from didlearn.zoo.training import loop

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in its folders"),
    pytest.mark.timeout(60),
]


@pytest.fixture(params=["pipe", "link to a pipe", "link to a device"])
def endless(request, tmp_path):
    """Make something endless at a path."""

    def make(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "link to a pipe":
            os.mkfifo(tmp_path / "pipe")
            path.symlink_to(tmp_path / "pipe")
        else:
            path.symlink_to("/dev/zero")
        return path

    return make


READERS = {
    "images": (dl.open_images, ("x.npz", "x.npy", "x.zip", "x.parquet", "x.bin", "x-idx3-ubyte", "x.gz", "x.tar", "x")),
    "model": (dl.open_model, ("g.pt", "g.pt2", "g.npz", "g.pkl", "g")),
    "embedding": (dl.open_embedding, ("e.pt", "e.pt2")),
    "autoencoder": (open_autoencoder, ("a.pt", "a.pt2", "a")),
    "weights": (lambda path: dl.open_embedding("inception", weights=path), ("w.pth", "w.safetensors", "folder/w.pth")),
    "audit file": (read_toml, ("a.toml",)),
}


@pytest.mark.parametrize(
    ("reader", "name"), [(reader, name) for reader, (_, names) in READERS.items() for name in names]
)
def test_what_never_ends_is_not_read(endless, tmp_path, reader, name):
    path = endless(tmp_path / name)
    given = path.parent if path.parent != tmp_path else path
    with pytest.raises(DidlearnError):
        READERS[reader][0](given if reader in ("audit file", "weights") else str(given))


def pictures(folder, count=3):
    folder.mkdir()
    for i in range(count):
        Image.fromarray(np.full((4, 4), 40 * i, np.uint8)).save(folder / f"{i}.png")
    return folder


def test_a_picture_that_never_ends_is_skipped_or_refused(endless, tmp_path):
    folder = pictures(tmp_path / "pictures")
    endless(folder / "9.png")
    # A pipe is no file at all; a link is a picture somebody meant to have.
    if (folder / "9.png").is_symlink():
        with pytest.raises(DataError, match=r"9\.png .*no regular file.*skip_broken"):
            dl.open_images(folder)
    assert len(dl.open_images(folder, skip_broken=True)) == 3


@pytest.mark.parametrize("name", ["00000.tar", "a.npy", "data_batch_1", "train"])
def test_an_archive_array_or_batch_that_never_ends_is_refused(endless, tmp_path, name):
    endless(tmp_path / "set" / name)
    with pytest.raises(DataError):
        dl.open_images(tmp_path / "set")


def test_labels_and_names_beside_the_data_are_read_from_regular_files_alone(endless, tmp_path):
    folder = pictures(tmp_path / "pictures")
    endless(folder / "dataset.json")
    assert dl.open_images(folder).labels is None
    header = bytes([0, 0, 8, 3]) + np.array([2, 4, 4], ">u4").tobytes()
    (tmp_path / "t-images-idx3-ubyte").write_bytes(header + bytes(32))
    (tmp_path / "t-labels-idx1-ubyte").symlink_to(folder / "dataset.json")
    assert dl.open_images(tmp_path / "t-images-idx3-ubyte").labels is None


def audited(folder):
    """Save a run with a picture, a table and a figure."""
    series = Series(label="=1+1", x=(0.0, 1.0), y=(0.0, 1.0))
    check = CheckResult(
        check="support",
        question="?",
        verdict="measured",
        answer="Some.",
        params={},
        arrays={"a": np.zeros(3)},
        tables=(Table(name="t", title="t", columns=("=name", "n"), rows=(("@x", -1.0),), csv="t.csv"),),
        figures=(Figure(name="f", title="f", x_label="x", y_label="y", series=(series,)),),
        galleries=(Gallery(name="g", title="g", rows=((Tile(pixels=np.zeros((4, 4), np.uint8)),),)),),
    )
    AuditResult(checks=(check,)).save(folder)
    return check


@pytest.mark.parametrize(
    "place",
    ["audit.json", "arrays.npz", "images", "images/x.png", "figures", "figures/f.svg", "labels", "labels/result.json"],
)
def test_a_run_folder_with_a_link_out_of_it_is_neither_read_nor_written(tmp_path, place):
    outside = pictures(tmp_path / "outside", 1)
    check = audited(tmp_path / "run")
    path = tmp_path / "run" / place
    if path.is_dir():
        path.rename(tmp_path / "moved")
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(outside if "." not in place else outside / "0.png")
    before = sorted((p, p.read_bytes()) for p in outside.iterdir())
    for use in (AuditResult.load, write_report, AuditResult(checks=(check,)).save):
        with pytest.raises(ResultError, match=r"is a link that leads out of the run folder"):
            use(tmp_path / "run")
    assert sorted((p, p.read_bytes()) for p in outside.iterdir()) == before


def test_a_run_folder_may_be_a_link_itself_and_hold_links_that_stay(tmp_path):
    audited(tmp_path / "run")
    (tmp_path / "latest").symlink_to(tmp_path / "run")
    (tmp_path / "run" / "copy.json").symlink_to("audit.json")
    assert write_report(tmp_path / "latest").is_file()


def test_a_run_folder_with_a_pipe_is_refused(endless, tmp_path):
    audited(tmp_path / "run")
    (tmp_path / "run" / "arrays.npz").unlink()
    endless(tmp_path / "run" / "arrays.npz")
    with pytest.raises(ResultError):
        AuditResult.load(tmp_path / "run")


def test_work_is_not_gone_on_with_through_links(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "rows.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ResultError, match="leads out"):
        claim(tmp_path / "work" / "study.json", {}, begun=False, work="study", otherwise="give another folder")


def test_figures_do_not_write_through_links(tmp_path):
    check = audited(tmp_path / "run")
    (tmp_path / "outside.csv").write_text("kept")
    paths = write_figures([check], tmp_path / "run")
    for path in paths:
        path.unlink()
        path.symlink_to(tmp_path / "outside.csv")
    write_figures([check], tmp_path / "run")
    assert (tmp_path / "outside.csv").read_text() == "kept"


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1", "＝1"])
def test_cells_that_a_spreadsheet_would_run_are_defused(cell):
    assert csv_cell(cell) == f"'{cell}"


def test_numbers_and_words_are_left_alone():
    assert [csv_cell(cell) for cell in (-1.5, None, "a=b", "", "1-2")] == [-1.5, None, "a=b", "", "1-2"]


def test_heads_and_labels_are_defused_as_well(tmp_path):
    check = audited(tmp_path / "run")
    write_tables([check], tmp_path)
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines() == ["'=name,n", "'@x,-1.0"]
    assert "series,'=1+1,0.0" in table_of(check.figures[0])


def test_only_links_out_are_refused(tmp_path):
    (tmp_path / "plain").mkdir()
    refuse_outward_links(tmp_path, ["*"])
    refuse_outward_links(tmp_path / "absent", ["*"])
    (tmp_path / "plain" / "up").symlink_to("..")
    refuse_outward_links(tmp_path, ["*"])
    for own in ("*", "up", "u*"):
        with pytest.raises(ResultError, match="leads out"):
            refuse_outward_links(tmp_path / "plain", [own])
    refuse_outward_links(tmp_path / "plain", ["audit.json"])
    (tmp_path / "plain" / "Audit.JSON").symlink_to("../nowhere")
    with pytest.raises(ResultError, match="leads out"):
        refuse_outward_links(tmp_path / "plain", ["audit.json"])


def test_a_project_with_an_environment_may_be_the_run_folder(tmp_path, endless):
    (tmp_path / "project" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "project" / ".venv" / "bin" / "python").symlink_to(sys.executable)
    endless(tmp_path / "project" / "queue")
    audited(tmp_path / "project")
    assert write_report(tmp_path / "project").is_file()
    claim(tmp_path / "project" / "study.json", {}, begun=False, work="study", otherwise="no", own=("study.json",))


def test_a_model_may_be_trained_into_a_project_with_an_environment(tmp_path):
    home = tmp_path / "project" / "training"
    home.mkdir(parents=True)
    (tmp_path / "project" / ".venv").symlink_to(tmp_path)
    loop._claim(home, {})
    assert (home / "run.json").is_file()
    for own in ("model.json", "weights.safetensors", "training/samples"):
        (tmp_path / "project" / own).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(ResultError, match="leads out"):
            loop._claim(home, {})
        (tmp_path / "project" / own).unlink()


def test_a_picture_that_never_ends_is_not_shown(endless, tmp_path):
    endless(tmp_path / "x.png")
    with pytest.raises(ResultError):
        tile_file(tmp_path, Tile(path="x.png"))
