"""The notebook runs from top to bottom, and shows what it says that it shows."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def test_the_notebook_runs_and_shows_its_results(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    book = nbformat.read(DIGITS / "audit.ipynb", as_version=4)
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
