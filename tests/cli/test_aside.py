import json
import os
import subprocess
import sys

import numpy as np

from tests.typed import didlearn

FACTORY = """
import os, subprocess
import torch
from torch import nn


class Loud(nn.Module):
    latent_shape, value_range = (4,), (0, 1)

    def forward(self, z):
        print("decoding")
        return torch.sigmoid(z.sum(1)).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)


def make():
    print('Setting up PyTorch plugin "bias_act_plugin"... Done.')
    os.system("echo from a program")
    os.write(1, b"from below\\n")
    return Loud()
"""


def test_what_a_model_prints_is_no_result(tmp_path, capfd):
    (tmp_path / "loud.py").write_text(FACTORY)
    done = didlearn(
        "memorization", "--train", "digits", "--generator", "loud.py:make", "--trust-code", "--samples", "60", "--json",
        "-o", "run", "-q", cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(done.stdout)["format"] == 1
    assert "Setting up" in done.stderr
    assert "decoding" in done.stderr
    below = capfd.readouterr()
    assert below.out == ""
    assert "from a program" in below.err
    assert "from below" in below.err


def test_a_closed_stdout_is_no_fault():
    code = "from didlearn.cli.aside import printing_aside\nwith printing_aside(): print('x')"
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.close(1)\n{code}"], capture_output=True, text=True, env=os.environ
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_zero_and_one_sample_are_sentences(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros((1, 8, 8), np.uint8))
    done = didlearn("memorization", "--train", "digits", "--generator", "one.npy", "-o", "r", "-q", cwd=tmp_path)
    assert "Traceback" not in done.stderr
