"""Everything that MlflowClient says about a store, in one form for all versions."""

import hashlib

import mlflow

from mlflow.entities import RunStatus, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient


def client(root):
    """A client of a folder or a server. Artifacts of a server are asked of the one that the process uses."""
    if root.startswith("http:"):
        mlflow.set_tracking_uri(root)
        return MlflowClient(root)
    return MlflowClient("file://" + root)


def error(e):
    code = e.error_code if isinstance(e, MlflowException) else ""
    return {"type": type(e).__name__, "code": str(code), "message": str(e)[:500]}


def experiments(c, view=ViewType.ALL):
    if hasattr(c, "search_experiments"):
        found, token = [], None
        while True:
            page = c.search_experiments(view_type=view, max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                return found
    return c.list_experiments(view_type=view)


def experiment(e):
    return {
        "name": e.name,
        "location": e.artifact_location,
        "stage": e.lifecycle_stage,
        "tags": dict(getattr(e, "tags", None) or {}),
        "created": getattr(e, "creation_time", None),
        "updated": getattr(e, "last_update_time", None),
    }


def point(m):
    return {
        "value": repr(float(m.value)),
        "time": m.timestamp,
        "step": m.step,
        "dataset": [getattr(m, "dataset_name", None) or "", getattr(m, "dataset_digest", None) or ""],
    }


def dataset(d):
    s = d.dataset
    return {
        "name": s.name,
        "digest": s.digest,
        "source_type": s.source_type,
        "source": s.source,
        "schema": s.schema or "",
        "profile": s.profile or "",
        "tags": {t.key: t.value for t in d.tags},
    }


def artifacts(c, run_id, path=None):
    found = {}
    for f in c.list_artifacts(run_id, path):
        if f.is_dir:
            found[f.path + "/"] = ""
            found.update(artifacts(c, run_id, f.path))
        else:
            with open(c.download_artifacts(run_id, f.path), "rb") as content:
                found[f.path] = "%d %s" % (f.file_size or 0, hashlib.md5(content.read()).hexdigest())
    return found


def run(c, r, whole):
    i, data = r.info, r.data
    inputs, outputs = getattr(r, "inputs", None), getattr(r, "outputs", None)
    found = {
        "experiment": i.experiment_id,
        "name": getattr(i, "run_name", None) or data.tags.get("mlflow.runName", ""),
        "user": i.user_id,
        "status": i.status if isinstance(i.status, str) else RunStatus.to_string(i.status),
        "stage": i.lifecycle_stage,
        "start": i.start_time,
        "end": i.end_time,
        "uri": i.artifact_uri,
        "params": dict(data.params),
        "tags": dict(data.tags),
        "latest": {m.key: point(m) for m in data._metric_objs},
        "datasets": [dataset(d) for d in inputs.dataset_inputs] if inputs else [],
        "models_in": [m.model_id for m in getattr(inputs, "model_inputs", None) or []],
        "models_out": [[m.model_id, m.step] for m in getattr(outputs, "model_outputs", None) or []],
    }
    if whole:
        found["history"] = {k: [point(m) for m in c.get_metric_history(i.run_id, k)] for k in data.metrics}
    return found


def dump(root, artifacts_of=()):
    """All experiments, and all their runs as get_run tells them; artifacts of the runs named."""
    c = client(root)
    found = {"experiments": {}, "runs": {}, "artifacts": {}}
    for e in experiments(c):
        found["experiments"][e.experiment_id] = experiment(e)
        for r in c.search_runs([e.experiment_id], "", ViewType.ALL):
            i = r.info.run_id
            found["runs"][i] = run(c, c.get_run(i), True)
            searched = run(c, r, False)
            told = {k: v for k, v in found["runs"][i].items() if k != "history"}
            if root.startswith("http:"):  # a search of a server with a database leaves them out
                searched["models_in"] = told["models_in"]
            if searched != told:
                raise AssertionError("search_runs and get_run differ: %r, %r" % (searched, told))
    for i in artifacts_of:
        found["artifacts"][i] = artifacts(c, i)
    return found


def search(root, queries):
    """Each query page by page, until its end or pages of them."""
    c = client(root)
    return [pages(c, q) for q in queries]


def pages(c, q):
    found, token = [], q.get("token") or None
    try:
        for _ in range(q["pages"]):
            if q["of"] == "runs":
                page = c.search_runs(q["experiments"], q["filter"], q["view"], q["max"], q["order"], token)
                ids = [r.info.run_id for r in page]
            else:
                page = c.search_experiments(q["view"], q["max"], q["filter"], q["order"], token)
                ids = [e.experiment_id for e in page]
            token = page.token.decode() if isinstance(page.token, bytes) else page.token
            found.append({"ids": ids, "token": token or ""})
            if not token:
                break
    except Exception as e:
        return {"pages": found, "error": error(e)}
    return {"pages": found}


DO = {"dump": dump, "search": search}
