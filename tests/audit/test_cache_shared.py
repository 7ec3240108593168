"""A second audit, of another model on the same data, asks the network nothing about the real images."""

import hashlib
import re

import numpy as np
import pytest

import didlearn as dl
from didlearn.audit.spec import build_checks
from didlearn.embeddings import Embedding
from tests.typed import didlearn


class Noting(Embedding):
    """A network of fixed features that notes which images it saw."""

    name = "noting"
    probed = True

    def __init__(self):
        self.seen = set()

    def __call__(self, images):
        self.seen |= {digest(image) for image in images.numpy()}
        return (images.flatten(1) @ WEIGHTS).tanh()


def digest(image):
    return hashlib.blake2b(np.ascontiguousarray(image, dtype=np.float32).tobytes(), digest_size=16).digest()


WEIGHTS = None


@pytest.fixture(autouse=True)
def _cached(monkeypatch, tmp_path):
    import torch

    global WEIGHTS
    WEIGHTS = torch.randn(64, 20, generator=torch.Generator().manual_seed(0))
    monkeypatch.setenv("DIDLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DIDLEARN_CACHE_GB", "1")


ALL = {
    "support": {"samples": 120},
    "memorization": {"samples": 120, "aligned": 20},
    "fidelity": {"samples": 120, "permutations": 19},
    "gaussianity": {"samples": 120, "replicates": 19, "alpha": 0.2, "dimension": 8, "tested": 50},
}


REAL = 200


def real_images():
    return dl.open_images("digits").subset(range(REAL))


def audited(name, checks=ALL, **more):
    embedding = Noting()
    result = dl.audit(
        generator=f"examples/digits/{name}",
        embedding=embedding,
        checks=build_checks(list(checks), checks),
        threads=1,
        **({"train": real_images()} | more),
    )
    real = {digest(image.numpy()) for image in real_images().read(range(REAL))}
    return result, len(embedding.seen & real)


def test_no_feature_of_the_real_sets_is_computed_again(monkeypatch, tmp_path):
    _, before = audited("sound")
    second, after = audited("collapsed")
    assert before > REAL / 2
    assert after == 0
    alone, anew = audited("collapsed", no_cache=True)
    assert anew == before
    assert [c.estimates for c in alone.checks] == [c.estimates for c in second.checks]
    assert [c.verdict for c in alone.checks] == [c.verdict for c in second.checks]
    assert "error" not in [c.verdict for c in alone.checks]


def test_the_command_shows_and_clears_it():
    audited("sound", {"fidelity": ALL["fidelity"]}, train="digits")
    shown = didlearn("cache").stdout
    assert re.fullmatch(r"features of [\d ]+ images in 1 embedding, 0\.\d+ of 1 GB: .*\n", shown.replace("\u202f", " "))
    assert didlearn("cache", "--clear").stdout.startswith("features 0 of 1 GB: ")
