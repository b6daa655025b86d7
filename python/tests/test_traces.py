"""Programs traced by MLflow, on our store and on MLflow's own."""

from __future__ import annotations

import json

import pytest
from test_store import ENV, run

mlflow = pytest.importorskip("mlflow")

pytestmark = pytest.mark.skipif(not hasattr(mlflow, "trace"), reason="there were no traces yet")


def test_traces_are_recorded(folder, store):
    theirs = folder / "theirs" / "mlruns"
    theirs.parent.mkdir()
    told = json.loads(run("traces.py", f"mlruns:{store}", folder / "w" / "a"))
    assert told["good"]["run"]
    assert [span[0] for span in told["good"]["spans"]] == ["inner", "root"]
    assert told["good"]["tags"] == {"color": "red"}
    assert (told["table"], told["deleted"]) == (2, 1)
    assert told == json.loads(run("traces.py", theirs.as_uri(), folder / "w" / "b"))


def test_a_program_that_ends_loses_no_trace(store, scripts):
    """MLflow sends what is left of its queue when the interpreter ends."""
    script = """
    import mlflow
    mlflow.set_tracking_uri("mlruns:" + store)
    for i in range(5):
        with mlflow.start_span(name=f"span {i}") as span:
            span.set_inputs({"i": i})
    """
    scripts.run(script, store, env=ENV)
    traces = mlflow.MlflowClient(f"mlruns:{store}").search_traces(experiment_ids=["0"])
    spans = sorted((s.name, s.inputs["i"]) for trace in traces for s in trace.data.spans)
    assert spans == [(f"span {i}", i) for i in range(5)]
