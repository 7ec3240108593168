"""What a run folder holds is not done again, and what would not be the same is."""

import errno
import json
import os
import shutil
import time

import numpy as np
import pytest
from PIL import Image
from torch import nn

import didlearn as dl
from didlearn.audit import described
from didlearn.audit.running import loop
from didlearn.checks.fidelity.check import Fidelity
from didlearn.checks.inversion.check import InversionCheck
from didlearn.checks.memorization.check import Memorization
from didlearn.checks.support.check import Support
from didlearn.embeddings.module import ModuleEmbedding
from didlearn.images import open_images
from didlearn.result.files import AuditResult

MEMORIZATION = Memorization(samples=150, aligned=20)


class Halves(nn.Module):
    """Features of the left half."""

    def forward(self, x):
        return x[..., : x.shape[-1] // 2].flatten(1)


embed_halves = ModuleEmbedding(Halves(), name="left halves")


@pytest.fixture(scope="module")
def bank():
    pixels = np.concatenate(list(open_images("digits").batches()))
    return {"generator": pixels[:300], "train": pixels[300:700], "heldout": pixels[700:900]}


@pytest.fixture(autouse=True)
def _no_page(request, monkeypatch):
    """The page of what was kept is written once, by the test that compares all that a run leaves."""
    if request.node.originalname != "test_the_same_audit_asks_only_what_is_left":
        monkeypatch.setattr("didlearn.report.write_report", lambda run: run)


@pytest.fixture(scope="module")
def finished(bank, tmp_path_factory):
    """Two run folders that the tests go on from in copies: of support alone, and with memorization."""
    folders = [tmp_path_factory.mktemp("finished") / name for name in ("one", "two")]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("didlearn.report.write_report", lambda run: run)
        for folder, checks in zip(folders, ([Support(samples=300)], [Support(samples=300), MEMORIZATION]), strict=True):
            audit(bank, folder, checks)
    return folders


@pytest.fixture
def one(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "run")


@pytest.fixture
def two(finished, tmp_path):
    return shutil.copytree(finished[1], tmp_path / "run")


@pytest.fixture
def ran(monkeypatch):
    """The checks that were run, by name."""
    names: list[str] = []
    real = vars(loop)["run_check"]

    def counting(check, subject):
        names.append(check.name)
        return real(check, subject)

    monkeypatch.setattr(loop, "run_check", counting)
    return names


def audit(bank, folder, checks, **arguments):
    said: list[str] = []

    def progress(what, done, total):
        if total == 0:
            said.append(what)

    return dl.audit(
        **(bank | {"checks": checks, "output": folder, "threads": 1, "progress": progress} | arguments)
    ), said


def plain(result):
    """Of a result what is the same each time."""
    whole = json.loads(json.dumps(result.model_dump(mode="json")))
    whole["environment"] = {k: v for k, v in whole["environment"].items() if k not in ("date", "command")}
    for check in whole["checks"]:
        check.pop("seconds")
    return whole


@pytest.mark.usefixtures("no_figure_files")
def test_the_same_audit_asks_only_what_is_left(bank, tmp_path, ran):
    """As after a kill: the saved result, its pictures and its arrays are those of one run without a break."""
    whole, _ = audit(bank, tmp_path / "whole", [Support(samples=300), MEMORIZATION])
    audit(bank, tmp_path / "parts", [Support(samples=300)])
    ran.clear()
    resumed, said = audit(bank, tmp_path / "parts", [Support(samples=300), MEMORIZATION])
    assert ran == ["memorization"]
    assert "support: kept from the run before" in said
    ours, theirs = (AuditResult.load(tmp_path / name) for name in ("parts", "whole"))
    assert plain(ours) == plain(theirs)
    assert resumed.answer == whole.answer
    for check in whole.checks:
        for name, array in check.arrays.items():
            np.testing.assert_array_equal(resumed[check.check].arrays[name], array)
    pictures = sorted(path.name for path in (tmp_path / "whole" / "images").iterdir())
    assert sorted(path.name for path in (tmp_path / "parts" / "images").iterdir()) == pictures
    for name in pictures:
        one, other = (Image.open(tmp_path / run / "images" / name).tobytes() for run in ("parts", "whole"))
        assert one == other


def test_what_was_kept_can_be_saved_elsewhere(bank, one, tmp_path):
    again, _ = audit(bank, one, [Support(samples=300)])
    shutil.rmtree(one)
    saved = AuditResult.load(again.save(tmp_path / "elsewhere"))
    tiles = [tile for gallery in saved["support"].galleries for row in gallery.rows for tile in row]
    assert tiles
    assert all((tmp_path / "elsewhere" / tile.path).is_file() for tile in tiles if tile.path)


def test_a_check_that_is_added_joins_those_that_are_there(bank, one, ran):
    both, _ = audit(bank, one, [MEMORIZATION])
    assert ran == ["memorization"]
    assert sorted(check.check for check in both.checks) == ["memorization", "support"]


def test_a_kill_after_the_first_save_loses_nothing_that_was_kept(bank, two, monkeypatch):
    """The mistake this sees: the save after one check leaves out those kept that come after it."""
    real = vars(loop)["run_check"]

    def killed(check, subject):
        if check.name == "fidelity":
            raise KeyboardInterrupt
        return real(check, subject)

    monkeypatch.setattr(loop, "run_check", killed)
    with pytest.raises(KeyboardInterrupt):
        audit(bank, two, [Support(samples=250), MEMORIZATION, Fidelity(samples=200)])
    saved = AuditResult.load(two)
    assert [check.check for check in saved.checks] == ["support", "memorization"]
    assert saved["support"].params["samples"] == 250


def test_other_parameters_are_asked_again_and_why_is_said(bank, two, ran):
    result, said = audit(bank, two, [Support(samples=250), MEMORIZATION])
    assert ran == ["support"]
    assert result["support"].params["samples"] == 250
    assert "support is asked again: samples was 300 and is 250" in said


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seed": 1}, "seed was 0 and is 1"),
        ({"channels": 3}, "settings was None and is channels=3"),
        ({"train": "half"}, "train images was 400 and is 200"),
        ({"embedding": embed_halves}, "embedding was pixels and is"),
    ],
)
def test_an_audit_of_something_else_is_refused(change, why, bank, two, ran):
    """Nothing of the one that is there is lost, unless it is told to be forgotten."""
    before = (two / "audit.json").read_bytes()
    if "train" in change:
        change = {"train": bank["train"][:200]}
    with pytest.raises(dl.errors.UsageError, match=rf"an audit of something else \({why}.*restart=True"):
        audit(bank, two, [Support(samples=300)], **change)
    assert (two / "audit.json").read_bytes() == before
    assert ran == []
    result, _ = audit(bank, two, [Support(samples=300)], restart=True, **change)
    assert ran == ["support"]
    assert [check.check for check in result.checks] == ["support"]


def test_restart_asks_the_same_again(bank, tmp_path, ran):
    for restart in (False, True):
        audit(bank, tmp_path, [Support(samples=200)], restart=restart)
    assert ran == ["support", "support"]


def test_another_state_of_the_code_keeps_nothing(bank, tmp_path, ran, monkeypatch):
    """The mistake this sees: a mended check, and the answer that it gave before."""
    audit(bank, tmp_path, [Support(samples=200)])
    audit(bank, tmp_path, [Support(samples=200)])
    monkeypatch.setattr(described, "code_digest", lambda: "another")
    _, said = audit(bank, tmp_path, [Support(samples=200)])
    assert ran == ["support", "support"]
    assert any("code was" in line for line in said)


def test_what_came_to_no_answer_is_asked_again(bank, tmp_path, ran):
    first = {"generator": None, "heldout": None, "train": bank["train"]}
    audit(bank, tmp_path, [MEMORIZATION], **first)
    result, _ = audit(bank, tmp_path, [MEMORIZATION], **first)
    assert result["memorization"].verdict == "not_run"
    assert ran == ["memorization", "memorization"]


@pytest.mark.parametrize("content", ["{", '{"format": 99}'])
def test_a_file_that_cannot_be_read_is_nothing_to_go_on_from(content, bank, tmp_path, ran):
    (tmp_path / "audit.json").write_text(content)
    result, said = audit(bank, tmp_path, [Support(samples=300)])
    assert result["support"].verdict
    assert ran == ["support"]
    assert any("what it held cannot be read" in line for line in said)


def test_the_code_of_a_generator_counts(tmp_path, bank, ran):
    """The mistake this sees: a factory that was edited, and the answers of what it was before."""
    lines = (
        "import torch",
        "from torch import nn",
        "class Net(nn.Module):",
        "    latent_shape, value_range = (4,), (0, 1)",
        "    def forward(self, z):",
        "        return torch.sigmoid(SCALE * z @ torch.linspace(-1, 1, 256).view(4, 64)).view(-1, 1, 8, 8)",
    )
    file = tmp_path / "net.py"

    def ask(scale):
        file.write_text("\n".join((*lines, f"SCALE = {scale}", "")))
        audit(bank, tmp_path / "run", [Support(samples=200)], generator=f"{file}:Net", trust_code=True)

    for scale in (1, 1):
        ask(scale)
    assert ran == ["support"]
    with pytest.raises(dl.errors.UsageError, match=r"something else \(settings was net.py="):
        ask(3)


def no_room(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_folder_that_takes_nothing_more_loses_nothing(number, bank, tmp_path, ran, monkeypatch):
    """A full disk, a file system made read-only, one that is gone: one sentence, and what was finished stays."""
    real, calls = AuditResult.save, []

    def save(self, folder):
        calls.append(folder)
        if len(calls) == 2:
            raise OSError(number, os.strerror(number))
        return real(self, folder)

    with monkeypatch.context() as patched:
        patched.setattr(AuditResult, "save", save)
        with pytest.raises(dl.errors.StorageError, match=rf"cannot be written to any more \({os.strerror(number)}\)"):
            audit(bank, tmp_path, [Support(samples=150), MEMORIZATION, Fidelity(samples=200)])
    assert ran == ["support", "memorization"], "what could not be kept either is not asked"
    assert [check.check for check in AuditResult.load(tmp_path).checks] == ["support"]
    audit(bank, tmp_path, [Support(samples=150), MEMORIZATION])
    assert ran == ["support", "memorization", "memorization"]


@pytest.mark.usefixtures("short_race")
def test_a_unit_that_cannot_be_kept_is_no_failure_of_its_check(bank, tmp_path, monkeypatch):
    """The mistake this sees: verdict `error` for a full disk, of this check and of all after it."""
    asked = [InversionCheck(images=8, draws=20, starts=1, rounds=0, published=False)]
    generator = dl.open_model("examples/digits/sound")
    monkeypatch.setattr(np, "savez", no_room)
    with pytest.raises(dl.errors.StorageError, match="No space left on device"):
        audit(bank, tmp_path, asked, generator=generator)
    monkeypatch.undo()
    result, _ = audit(bank, tmp_path, asked, generator=generator)
    assert result["inversion"].verdict != "error"


def test_a_clock_set_back_is_no_other_audit(bank, tmp_path, ran, monkeypatch):
    audit(bank, tmp_path, [Support(samples=200)])
    for path in tmp_path.rglob("*"):
        os.utime(path, (2e9, 2e9))
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((1999, 1, 1, 0, 0, 0, 4, 1, 0)))
    result, _ = audit(bank, tmp_path, [Support(samples=200), MEMORIZATION])
    assert ran == ["support", "memorization"]
    assert result.environment["date"].startswith("1999")
