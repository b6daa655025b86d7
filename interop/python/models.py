"""What MLflow 3 says of the logged models and traces of a store, in one form for all versions: each of them, and answers to searches."""

import glob
import json
import os

from mlflow.entities import Assessment
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.tracking.file_store import FileStore

import read

try:
    TRACES_BY_LOCATION = "locations" in FileStore.search_traces.__code__.co_varnames
except AttributeError:  # before 2.14
    TRACES_BY_LOCATION = False


def store(root):
    return FileStore("file://" + root, "file://" + root)


def point(m):
    return {
        "key": m.key,
        "value": repr(float(m.value)),
        "time": m.timestamp,
        "step": m.step,
        "run": m.run_id,
        "dataset": [m.dataset_name or "", m.dataset_digest or ""],
    }


def model(m):
    return {
        "id": m.model_id,
        "experiment": m.experiment_id,
        "name": m.name,
        "type": m.model_type,
        "run": m.source_run_id,
        "status": str(m.status),
        "message": m.status_message,
        "created": m.creation_timestamp,
        "updated": m.last_updated_timestamp,
        "uri": m.artifact_location,
        "params": dict(m.params),
        "tags": dict(m.tags),
        # Of one key: in the order in which their data sets appear in the file, which a filter goes by.
        "metrics": sorted([point(x) for x in m.metrics], key=lambda x: x["key"]),
    }


def trace(t):
    v3 = hasattr(t, "trace_metadata")
    return {
        "id": t.request_id,
        "experiment": t.experiment_id,
        "time": t.timestamp_ms,
        "duration": t.execution_time_ms,
        "state": str(t.status.value),
        "request": t.request_preview if v3 else None,
        "response": t.response_preview if v3 else None,
        "client_id": t.client_request_id if v3 else None,
        "metadata": dict(t.request_metadata),
        "tags": dict(t.tags),
        "assessments": sorted([assessment(a) for a in t.assessments], key=lambda a: a["assessment_id"]),
    }


def assessment(a):
    return a.to_dictionary() if isinstance(a, Assessment) else a


def spans(t):
    """The spans of a trace, as they lie in its artifacts."""
    return LocalArtifactRepository(t.tags["mlflow.artifactLocation"]).download_trace_data()


def any_model(s, model_id):
    """A model, also a deleted one where the version knows how to ask for it."""
    if "allow_deleted" in FileStore.get_logged_model.__code__.co_varnames:
        return s.get_logged_model(model_id, allow_deleted=True)
    return s.get_logged_model(model_id)


def attempt(f):
    try:
        return {"result": f()}
    except Exception as e:
        return {"error": read.error(e)}


def folders(root, kind):
    found = []
    for stage in ("*", ".trash/*"):
        found += glob.glob("%s/%s/%s/*/" % (root, stage, kind))
    return sorted({os.path.basename(os.path.dirname(f)) for f in found})


def models(root):
    """Every model, as asked for by its id; whether it is found when deleted ones are not."""
    s, found = store(root), {}
    for i in folders(root, "models"):
        found[i] = attempt(lambda: model(any_model(s, i)))
        found[i]["active"] = "result" in attempt(lambda: s.get_logged_model(i))
    return found


def traces(root):
    """Every trace, as asked for by its id, with its spans."""
    s, found = store(root), {}
    for i in folders(root, "traces"):
        found[i] = attempt(lambda: trace(s.get_trace_info(i)))
        found[i]["spans"] = attempt(lambda: spans(s.get_trace_info(i)))
    return found


def search_models(s, q, token):
    page = s.search_logged_models(
        experiment_ids=q["experiments"],
        filter_string=q.get("filter") or None,
        datasets=q.get("datasets") or None,
        max_results=q.get("max"),
        order_by=q.get("order") or None,
        page_token=token,
    )
    return [m.model_id for m in page], page.token


def search_traces(s, q, token):
    where = {"locations" if TRACES_BY_LOCATION else "experiment_ids": q["experiments"]}
    most = 100 if q.get("max") is None else q["max"]
    found, token = s.search_traces(filter_string=q.get("filter") or None, max_results=most, order_by=q.get("order") or None, page_token=token, **where)
    return [t.request_id for t in found], token


def pages(s, q):
    """The answer to a query, page by page until its end or q["pages"] of them: {"pages": [{"ids", "token"}], "error"}."""
    search = {"models": search_models, "traces": search_traces}[q["of"]]
    found, token = [], q.get("token") or None
    try:
        for _ in range(q.get("pages") or 1):
            ids, token = search(s, q, token)
            token = token.decode() if isinstance(token, bytes) else token
            found.append({"ids": ids, "token": token or ""})
            if not token:
                break
    except Exception as e:
        return {"pages": found, "error": read.error(e)}
    return {"pages": found}


def search_models_and_traces(root, queries):
    """Searches of models and traces: {"of": "models" or "traces", "experiments", "filter", "datasets", "order", "max", "token", "pages"}."""
    s = store(root)
    return [pages(s, q) for q in queries]


DO = {"models": models, "traces": traces, "search_models_and_traces": search_models_and_traces}
