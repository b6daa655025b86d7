"""The notebook of the examples, run as Jupyter runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import mlruns

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


@pytest.mark.long
def test_kernels_that_are_restarted_share_a_server(folder, store):
    """Two notebooks of Jupyter on one store; one kernel is restarted, as by its user, while it is
    in a run, the other is killed by the system."""
    from conftest import servers
    from jupyter_client.manager import start_new_kernel

    begin = f"import mlflow; mlflow.set_tracking_uri('mlruns:{store}'); run = mlflow.start_run()"

    def do(client, code):
        reply = client.execute_interactive(code, timeout=300, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]

    kernels = [start_new_kernel(kernel_name="python3", startup_timeout=300) for _ in range(2)]
    try:
        for _, client in kernels:
            do(client, begin)
        (pid,) = servers(store)
        (first, client), (second, _) = kernels
        first.restart_kernel(now=True)
        client.wait_for_ready(timeout=300)
        do(client, begin)
        second.signal_kernel(9)
        do(client, "mlflow.log_metric('m', 1, step=2)\nmlflow.end_run()")
        assert servers(store) == [pid]
    finally:
        for manager, client in kernels:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    found = mlruns.open(store).runs(order_by="start_time ASC")
    assert [run.status for run in found] == ["RUNNING", "RUNNING", "FINISHED"]
    assert [run.metrics for run in found] == [{}, {}, {"m": 1.0}]
