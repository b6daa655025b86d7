"""Works with the fluent API, as a training script does."""

import os
import subprocess
import sys
import tempfile

import mlflow
from mlflow.tracking import MlflowClient


def fluent(root, params, metrics):
    """A run with many values, files and children, and what the API then says of it."""
    mlflow.set_tracking_uri(root)
    mlflow.set_experiment("fluent")
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_params({"p%d" % n: n for n in range(params)})
        mlflow.log_metrics({"m%d" % n: n / 8 for n in range(metrics)}, step=3)
        mlflow.set_tags({"a": "1", "b": "é\n"})
        children = []
        for n in range(3):
            with mlflow.start_run(nested=True, run_name="child %d" % n) as child:
                mlflow.log_metric("x", n)
                children.append(child.info.run_id)
        with tempfile.TemporaryDirectory() as d:
            os.makedirs(os.path.join(d, "sub", "deeper"))
            for name in ("top.txt", "sub/one é.txt", "sub/deeper/two.bin"):
                with open(os.path.join(d, name), "wb") as f:
                    f.write(name.encode() * 50_000)
            mlflow.log_artifacts(d, "folder")
        if hasattr(mlflow, "log_text"):
            mlflow.log_text("text", "notes/a.txt")
            mlflow.log_dict({"k": [1, None]}, "notes/b.json")
    client, i = MlflowClient(root), parent.info.run_id
    try:
        with mlflow.start_run(run_name="failed") as failed:
            raise ValueError("on purpose")
    except ValueError:
        pass
    found = client.search_runs([parent.info.experiment_id], "tags.`mlflow.parentRunId` = '%s'" % i)
    folder = client.download_artifacts(i, "folder")
    files = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            files[os.path.relpath(path, folder)] = os.path.getsize(path)
    command = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "mlflow"), "artifacts", "list", "--run-id", i],
        env=dict(os.environ, MLFLOW_TRACKING_URI=root), capture_output=True, text=True)
    return {"parent": i, "children": children, "found": [r.info.run_id for r in found], "failed": failed.info.run_id, "files": files,
            "command": command.returncode, "listed": command.stdout, "told": command.stderr[-300:]}


DO = {"fluent": fluent}
