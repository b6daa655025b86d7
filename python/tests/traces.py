"""What people do with MLflow's traces, to the tracking URI that is given, and what is then told of
them. Run for ours and for MLflow's own file store, it must tell the same."""

from __future__ import annotations

import contextlib
import json
import sys

import mlflow

mlflow.set_tracking_uri(sys.argv[1])
experiment = mlflow.set_experiment("traces").experiment_id
client = mlflow.MlflowClient()
VERSION = tuple(int(n) for n in mlflow.__version__.split(".")[:2])
ids: list[str] = []


@mlflow.trace(name="inner", attributes={"kind": "test"})
def inner(question: str) -> list[int]:
    if question == "bad":
        raise ValueError("on purpose")
    return [1, 2]


@mlflow.trace
def root(question: str) -> list[int]:
    span = mlflow.get_current_active_span()
    ids.append(getattr(span, "trace_id", None) or span.request_id)
    return inner(question)


def told(trace):
    info = trace.info
    more = {}
    if VERSION >= (3, 2):
        more["assessments"] = sorted(f"{a.name}={a.value}" for a in info.assessments)
    return {
        "id": ids.index(getattr(info, "trace_id", None) or info.request_id),
        "state": str(getattr(info.status, "value", info.status)),
        "run": info.request_metadata.get("mlflow.sourceRun") == run.info.run_id,
        "tags": {k: v for k, v in info.tags.items() if not k.startswith("mlflow.")},
        "spans": sorted(
            [s.name, s.inputs, s.outputs, s.attributes.get("kind"), str(s.status.status_code)]
            for s in trace.data.spans
        ),
        **more,
    }


with mlflow.start_run() as run:
    root("good é")
for question in ("bad", "gone"):
    with contextlib.suppress(ValueError):
        root(question)
if hasattr(mlflow, "flush_trace_async_logging"):
    mlflow.flush_trace_async_logging()
client.set_trace_tag(ids[0], "color", "red")
client.set_trace_tag(ids[0], "gone", "x")
client.delete_trace_tag(ids[0], "gone")
if VERSION >= (3, 2):
    from mlflow.entities import AssessmentSource

    source = AssessmentSource("HUMAN", "me@example.org")
    about = {"trace_id": ids[0], "source": source}
    mlflow.log_feedback(name="nice", value=True, rationale="it is", **about)
    wrong = mlflow.log_expectation(name="answer", value={"a": [1]}, **about)
    mlflow.delete_assessment(trace_id=ids[0], assessment_id=wrong.assessment_id)
    mlflow.log_expectation(name="answer", value="1, 2", **about)
key = "trace_ids" if "trace_ids" in client.delete_traces.__code__.co_varnames else "request_ids"
deleted = client.delete_traces(experiment, **{key: [ids[2]]})
searches = ["tags.color = 'red'", "status = 'ERROR'", f"run_id = '{run.info.run_id}'"]
found = {}
for i, query in enumerate(searches[: 3 if VERSION >= (3, 0) else 2]):
    traces = client.search_traces(experiment_ids=[experiment], filter_string=query)
    found[i] = [told(trace) for trace in traces]
print(
    json.dumps(
        {
            "good": told(client.get_trace(ids[0])),
            "bad": told(client.get_trace(ids[1])),
            "found": found,
            "table": len(mlflow.search_traces(experiment_ids=[experiment])),
            "deleted": deleted,
        },
        indent=1,
        sort_keys=True,
    )
)
