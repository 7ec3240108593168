"""The commands of the recipes in docs/models.md, as they stand, on small files of each format."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch

from tests.models.checkpoints.test_biggan import published  # noqa: F401 (a fixture)
from tests.models.checkpoints.test_checkpoint import SOURCE, Net, prefixed
from tests.typed import didlearn

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
RECIPES = PAGE.partition("## Recipes for checkpoints")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^```\n(didlearn sample .+)\n```$", RECIPES, re.M)


def lightning(folder, _):
    (folder / "gan.py").write_text(SOURCE.replace("class Net", "class Generator").replace("(Net)", "(Generator)"))
    held = {"state_dict": prefixed(Net().state_dict(), "generator."), "hyper_parameters": {}, "epoch": 3}
    torch.save({"pytorch-lightning_version": "2.6.6", **held}, folder / "last.ckpt")


def stylegan(folder, fixture):
    clone = shutil.copytree(fixture("stylegan_clone"), folder / "stylegan3")
    shutil.move(clone / "network-3.pkl", folder / "network-snapshot.pkl")


def studiogan(folder, fixture):
    clone = shutil.copytree(fixture("studiogan_clone"), folder / "PyTorch-StudioGAN")
    shutil.move(clone / "ReACGAN.yaml", folder)
    trained = clone / "model=G-ReACGAN-best-weights-step=2000.pth"
    shutil.move(trained, folder / "model=G_ema-best-weights-step=184000.pth")


def biggan(folder, fixture):
    shutil.copytree(fixture("published")[1], folder / "biggan-deep-256")


MADE = {"last.ckpt": lightning, "network-snapshot.pkl": stylegan, "model=G_ema": studiogan, "biggan-deep": biggan}


def test_every_family_with_a_command_has_its_file():
    assert sorted(next(name for name in MADE if name in line) for line in COMMANDS) == sorted(MADE)


@pytest.mark.parametrize("line", COMMANDS, ids=lambda line: line.split()[2][:20])
def test_a_recipe_runs(tmp_path, line, request):
    next(make for name, make in MADE.items() if name in line)(tmp_path, request.getfixturevalue)
    words = shlex.split(line)[1:]
    assert words[words.index("-n") + 1] == "10000"
    words[words.index("-n") + 1] = "40"
    done = didlearn(*words, "-q", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "out").iterdir())
    trusting = "--trust-code" in words
    untrusted = didlearn(*(w for w in words if w != "--trust-code"), "-q", "-o", "again", cwd=tmp_path)
    assert untrusted.returncode == (2 if trusting else 0)
    assert ("give --trust-code" in untrusted.stderr) == trusting
