"""The tutorial runs as it is written, and is kept without what it printed."""

import time

import nbclient
import nbformat

from conftest import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.ipynb"


def test_the_tutorial_runs():
    notebook = nbformat.read(TUTORIAL, as_version=4)
    clock = time.perf_counter()
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": TUTORIAL.parent}}).execute()
    assert time.perf_counter() - clock < 20
    shown = "".join(str(cell.get("outputs", "")) for cell in notebook.cells)
    assert "rows scored by" in shown and "data:image/svg+xml" in shown and "of the 40 lowest scores" in shown


def test_the_tutorial_is_kept_without_outputs():
    notebook = nbformat.read(TUTORIAL, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 5 and all(cell.outputs == [] and cell.execution_count is None for cell in code)
