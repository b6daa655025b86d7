"""What people do with MLflow, to the store of the tracking URI that is given; run for ours and for
MLflow's own file store, it must leave the same files."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import mlflow
from mlflow.entities import Metric, Param, RunTag

mlflow.set_tracking_uri(sys.argv[1])
work = Path(sys.argv[2])
mlflow.set_experiment("sweep")
client = mlflow.MlflowClient()

with mlflow.start_run(run_name="parent", description="all of it") as parent:
    mlflow.log_params({"optimizer/lr": 3e-4, "depth": 3, "empty": "", "long": "x" * 400})
    mlflow.set_tags({"team": "vision", "n": 7})
    for epoch in range(3):
        with mlflow.start_run(run_name=f"fold {epoch}", nested=True):
            mlflow.log_param("fold", epoch)
            for step in range(50):
                mlflow.log_metric("loss", 1 / (step + 1), step=step)
            mlflow.log_metrics({"acc": 0.9 + epoch / 100, "val/acc": 0.1}, step=epoch)
    for value in (math.nan, math.inf, -math.inf, -0.0, 1e-300, 1e22, 123456789.123456789, 5):
        mlflow.log_metric("odd", value)
    (work / "dir" / "deep").mkdir(parents=True)
    (work / "dir" / "a.txt").write_text("a")
    (work / "dir" / "deep" / "ü b.bin").write_bytes(bytes(range(256)))
    mlflow.log_artifacts(str(work / "dir"), "files")
    mlflow.log_artifact(str(work / "dir" / "a.txt"))
    mlflow.log_text("# Report\n", "report.md")
    mlflow.log_dict({"a": [1, 2]}, "config.json")
    import pandas

    frame = pandas.DataFrame({"x": [1, 2, 3], "y": [0.5, None, 1.5]})
    data = mlflow.data.from_pandas(frame, source="s3://bucket/data.csv", name="data", targets="y")
    mlflow.log_input(data, context="training")

try:
    with mlflow.start_run(run_name="fails"):
        mlflow.set_tag("kept", "no")
        raise ValueError("that is how it ends")
except ValueError:
    pass

run = client.create_run(parent.info.experiment_id, run_name="batch", tags={"a": "b"}, start_time=1)
metrics = [Metric("m", i / 3, 1700000000000 + i, i) for i in range(1000)]
client.log_batch(run.info.run_id, metrics, [Param("p", "1")], [RunTag("t", "1")])
client.log_batch(run.info.run_id, [Metric("n", 1.0, 5, 0)], [], [RunTag("t", "2")])
client.set_tag(run.info.run_id, "gone", "x")
client.delete_tag(run.info.run_id, "gone")
client.update_run(run.info.run_id, name="batch, renamed")
client.set_terminated(run.info.run_id, "KILLED", end_time=2)
client.delete_run(client.create_run(parent.info.experiment_id, run_name="deleted").info.run_id)
other = client.create_experiment("other", tags={"k": "v"})
client.set_experiment_tag(other, "k2", "v2")
client.rename_experiment(other, "another")

frame = mlflow.search_runs(
    experiment_names=["sweep"], filter_string="metrics.loss < 0.5", order_by=["params.fold DESC"]
)
print(json.dumps({"folds": list(frame["params.fold"]), "columns": sorted(frame.columns)}))
print(
    json.dumps(sorted(mlflow.search_runs(["0", parent.info.experiment_id])["tags.mlflow.runName"]))
)
