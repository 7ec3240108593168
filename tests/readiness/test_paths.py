from pathlib import Path

import pytest

import didlearn as dl
from didlearn.audit.spec import read_toml
from didlearn.errors import UsageError
from didlearn.models.reconstructor import open_autoencoder
from didlearn.readiness.paths import quoted, typed_path

LONG, NO_HOME = "x" * 5000, "~nosuchuser/x"
OPENERS = {
    "images": dl.open_images,
    "model": dl.open_model,
    "embedding": dl.open_embedding,
    "autoencoder": open_autoencoder,
    "toml": lambda text: read_toml(Path(text)),
    "factory": lambda text: dl.open_model(f"{text}.py:make", trust_code=True),
}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("text", [LONG, "a/" * 3000, NO_HOME])
def test_a_name_that_can_be_no_file_is_one_short_sentence(opener, text):
    with pytest.raises(UsageError) as caught:
        OPENERS[opener](text)
    assert "give a path" in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_home_folder_that_is_there(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert typed_path("~/x") == tmp_path / "x"
    assert typed_path("a/b") == Path("a/b")


def test_texts_are_shown_short_and_harmless():
    assert quoted("abc") == "'abc'"
    assert quoted("\x1b[31m\udcff") == "'\\x1b[31m?'"
    assert len(quoted(LONG)) == 63
