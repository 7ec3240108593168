"""Clones with checkpoints that their own code has written, in processes of its own: once for all tests."""

import subprocess
import sys

import pytest

from tests.models.checkpoints.clones import PICKLING, STUDIOGAN, STYLEGAN, TRAINED, write

CONDITIONAL = """
DATA: {img_size: 8, num_classes: 4}
MODEL: {backbone: big_resnet, z_dim: 6, g_shared_dim: 5, g_conv_dim: 8, g_cond_mtd: cBN, apply_g_sn: True}
"""
PLAIN = """
DATA: {img_size: 8, num_classes: 4}
MODEL: {backbone: resnet, z_dim: 6, g_conv_dim: 8, z_prior: uniform}
"""


@pytest.fixture(scope="session")
def stylegan_clone(tmp_path_factory):
    """A clone with network-0.pkl and network-3.pkl, by their classes, and .pt of what they make; not to be changed."""
    folder = write(tmp_path_factory.mktemp("stylegan"), STYLEGAN)
    subprocess.run([sys.executable, "-c", PICKLING], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def studiogan_clone(tmp_path_factory):
    """A clone with a checkpoint, a .yaml and a .pt of what it makes for ReACGAN and SNGAN; not to be changed."""
    folder = write(tmp_path_factory.mktemp("studiogan"), STUDIOGAN)
    write(folder, {"ReACGAN.yaml": CONDITIONAL, "SNGAN.yaml": PLAIN})
    subprocess.run([sys.executable, "-c", TRAINED], cwd=folder, check=True)
    return folder
