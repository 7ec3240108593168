"""What cannot be used by its name alone is refused before any data is read."""

import warnings

import pytest
import torch

import didlearn as dl
from didlearn.audit import run
from didlearn.checks.memorization.check import Memorization
from didlearn.errors import DidlearnError, TrustError, UsageError

WRONG = {
    "no such generator": {"generator": "nosuch.pt2"},
    "no such factory": {"generator": "nosuch.py:make", "trust_code": True},
    "a factory without trust": {"generator": "os:getcwd"},
    "no such device": {"device": "banana"},
    "output in a file's place": {"output": "file/run"},
    "no such embedding": {"embedding": "nosuch"},
    "no such embedding file": {"embedding": "nosuch.pt"},
    "an embedding's factory without trust": {"embedding": "os:getcwd"},
    "no such held-out set": {"heldout": "nosuch/"},
    "no such outside set": {"outside": {"other": "nosuch.npz:x"}},
    "no such home": {"outside": {"other": "~nosuchuser/x"}},
    "no such autoencoder": {"autoencoder": "nosuch.pt2"},
    "a level of 95": {"checks": [Memorization(level=95)]},
    "no such weights": {"embedding": "inception", "weights": "nosuch.pth"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_before_data_is_read(wrong, tmp_path, monkeypatch):
    def reading(*_):
        raise AssertionError("data was read first")

    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(run, "open_real", reading)
    monkeypatch.setattr(run, "open_images", reading)
    with pytest.raises(UsageError if wrong[:7] != "no such" else DidlearnError) as caught:
        dl.audit(**{"train": "digits", "generator": "digits"} | WRONG[wrong])
    assert isinstance(caught.value, TrustError) == ("without trust" in wrong)


def script(path):
    """Save a TorchScript file, a program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Identity(), torch.zeros(1, 3, 4, 4)), str(path))


@pytest.mark.parametrize("asked", ["generator", "embedding", "autoencoder"])
@pytest.mark.parametrize("untrusted", ["x.pt", "os:getcwd"])
def test_trust_is_asked_for_before_any_data(asked, untrusted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script(tmp_path / "x.pt")
    (tmp_path / "bad.npz").write_bytes(b"PK no archive")
    for train in ("bad.npz", "absent.npz"):
        with pytest.raises(TrustError):
            dl.audit(**{"train": train, "generator": "digits", asked: untrusted})
        with pytest.raises(DidlearnError, match=train) as caught:
            dl.audit(**{"train": train, "generator": "digits", asked: "x.pt"}, trust_code=True)
        assert not isinstance(caught.value, TrustError)
