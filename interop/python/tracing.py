"""Traces programs, as those who write them with MLflow ≥ 2.14 do, and says what is then known of the traces."""

import mlflow
from mlflow.tracking import MlflowClient


def flush():
    if hasattr(mlflow, "flush_trace_async_logging"):
        mlflow.flush_trace_async_logging()


def assesses():
    """Before 3.2 a file store has no assessments."""
    return tuple(int(n) for n in mlflow.__version__.split(".")[:2]) >= (3, 2)


def trace_id(span):
    return getattr(span, "trace_id", None) or span.request_id


def told(t):
    """A trace with its spans."""
    info = t.info
    return {
        "id": getattr(info, "trace_id", None) or info.request_id,
        "experiment": info.experiment_id,
        "state": str(getattr(info.status, "value", info.status)).split(".")[-1],
        "spans": sorted(s.name for s in t.data.spans),
        "inputs": [s.inputs for s in t.data.spans if s.name == "root"],
        "tags": {k: v for k, v in info.tags.items() if not k.startswith("mlflow.")},
        "assessments": sorted("%s=%s" % (a.name, a.value) for a in info.assessments) if assesses() else [],
    }


def traced(root):
    """Three traces: one with tags and assessments, one that failed, one that is deleted again."""
    mlflow.set_tracking_uri(root)
    experiment = mlflow.set_experiment("traces").experiment_id
    ids = []
    for name in ("good", "bad", "gone"):
        try:
            with mlflow.start_span(name="root") as span:
                ids.append(trace_id(span))
                span.set_inputs({"question": name + " é"})
                with mlflow.start_span(name="inner") as inner:
                    inner.set_outputs({"answer": [1, 2]})
                if name == "bad":
                    raise ValueError("on purpose")
        except ValueError:
            pass
    flush()
    c = MlflowClient()
    c.set_trace_tag(ids[0], "color", "red")
    c.set_trace_tag(ids[0], "gone", "x")
    c.delete_trace_tag(ids[0], "gone")
    if assesses():
        from mlflow.entities import AssessmentSource

        source = AssessmentSource("HUMAN", "me@example.org")
        mlflow.log_feedback(trace_id=ids[0], name="nice", value=True, source=source, rationale="it is")
        wrong = mlflow.log_expectation(trace_id=ids[0], name="answer", value={"a": [1]}, source=source)
        mlflow.delete_assessment(trace_id=ids[0], assessment_id=wrong.assessment_id)
        mlflow.log_expectation(trace_id=ids[0], name="answer", value="1, 2", source=source)
    by = {"trace_ids" if "trace_ids" in c.delete_traces.__code__.co_varnames else "request_ids": [ids[2]]}
    deleted = c.delete_traces(experiment, **by)
    found = c.search_traces(experiment_ids=[experiment], filter_string="tags.color = 'red'")
    failed = c.search_traces(experiment_ids=[experiment], filter_string="status = 'ERROR'")
    return {
        "ids": ids,
        "good": told(c.get_trace(ids[0])),
        "found": [told(t) for t in found],
        "failed": [told(t)["id"] for t in failed],
        "frame": len(mlflow.search_traces(experiment_ids=[experiment])),
        "deleted": deleted,
    }


def read_trace(root, id):
    """A trace as the file store reads it."""
    mlflow.set_tracking_uri("file://" + root)
    return told(MlflowClient("file://" + root).get_trace(id))


DO = {"traced": traced, "read_trace": read_trace}
