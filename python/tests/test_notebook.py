"""The notebook of the examples, run as Jupyter runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"

nbclient = pytest.importorskip("nbclient")


@pytest.mark.long
def test_notebook(folder, store, monkeypatch):
    import nbformat

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    shown = json.dumps(notebook["cells"])
    assert "<polyline" in shown
    assert (store / "0" / "meta.yaml").exists()
    if keep := os.environ.get("MLRUNS_KEEP_NOTEBOOK"):
        nbformat.write(notebook, keep)
