"""push.py FOLDER URI EXPERIMENT: copies the runs of an experiment by MLflow's own client, as one would write it: batches as large as they may be, nothing read back."""

import os
import sys

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
import logging
import warnings

warnings.filterwarnings("ignore")
from mlflow.entities import Metric, Param, ViewType
from mlflow.tracking import MlflowClient

logging.disable(logging.CRITICAL)
LIMIT, OTHERS = 1000, 100


def pieces(entities, size):
    for i in range(0, len(entities), size):
        yield entities[i : i + size]


def push(source, destination, name):
    folder, server = MlflowClient("file://" + os.path.abspath(source)), MlflowClient(destination)
    there = server.create_experiment(name)
    token = None
    while True:
        page = folder.search_runs([folder.get_experiment_by_name(name).experiment_id], run_view_type=ViewType.ACTIVE_ONLY, page_token=token)
        for run in page:
            copy(folder, server, run, there)
        token = page.token
        if not token:
            return


def copy(folder, server, run, experiment):
    info, data = run.info, run.data
    made = server.create_run(experiment, info.start_time, dict(data.tags), info.run_name).info.run_id
    for params in pieces([Param(k, v) for k, v in data.params.items()], OTHERS):
        server.log_batch(made, params=params)
    points = [Metric(m.key, m.value, m.timestamp, m.step) for key in data.metrics for m in folder.get_metric_history(info.run_id, key)]
    for metrics in pieces(points, LIMIT):
        server.log_batch(made, metrics=metrics)
    server.set_terminated(made, info.status, info.end_time)


if __name__ == "__main__":
    push(*sys.argv[1:])
