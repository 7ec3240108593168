"""The notebook runs from top to bottom, and shows what it says that it shows."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


ASKED = '["support", "memorization"]'
FEWER = f"build_checks({ASKED}, {{name: {{'samples': 1000}} for name in {ASKED}}})"


@pytest.mark.parametrize("fewer", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_the_notebook_runs_and_shows_its_results(tmp_path, monkeypatch, fewer):
    """On fewer samples than it asks for, and as it stands."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    book = nbformat.read(DIGITS / "audit.ipynb", as_version=4)
    if fewer:
        source = book.cells[1].source
        assert source.count(ASKED) == 1
        book.cells[1].source = "from didlearn.audit.spec import build_checks\n" + source.replace(ASKED, FEWER)
    assert not any(cell.get("outputs") for cell in book.cells), "outputs of another version are not kept"
    NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(DIGITS)}}).execute()
    shown = [output.get("data", output) for cell in book.cells for output in cell.get("outputs", ())]
    audit, check, estimate, frame, card = shown
    assert "No: it repeats itself" in audit["text/html"]
    assert audit["text/plain"].startswith('AuditResult("No: it repeats itself')
    assert "<code>effective_support</code>" in check["text/html"]
    assert "images" in estimate["text/html"]
    assert "dataframe" in frame["text/html"]
    assert card["text"].startswith("## ❌ didlearn")
    nbformat.write(book, tmp_path / "executed.ipynb")
