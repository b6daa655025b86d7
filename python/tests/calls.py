"""Every call of MlflowClient that a file store answers, and what it answers, to the tracking URI
that is given; errors too. Ids and times are masked, so that two stores can be compared."""

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

uri, work = sys.argv[1], Path(sys.argv[2])
root = re.sub("^[a-z]+:(//)?", "", uri)
mlflow.set_tracking_uri(uri)
client = mlflow.MlflowClient()
masks: dict[str, str] = {}


def mask(text: str) -> str:
    for word, name in masks.items():
        text = text.replace(word, name)
    text = re.sub(r"\b(m-)?[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"\b\d{17,18}\b", "ID", text)
    text = re.sub(r"\b1[78]\d{11}\b", "TIME", text)
    return text.replace(f"file://{root}", "STORE").replace(root, "STORE")


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in sorted(value.items())}
    if hasattr(value, "__iter__") and hasattr(value, "_properties"):
        return {k: plain(v) for k, v in sorted(dict(value).items())}
    return value if value is None or isinstance(value, (int, float, bool)) else str(value)


def show(label: str, call, /, *args, **kwargs):
    try:
        result = call(*args, **kwargs)
        shown = plain(result)
    except MlflowException as err:
        result, shown = None, [err.error_code, str(err)]
    print(label, mask(json.dumps(shown, sort_keys=True)))
    return result


numbers = itertools.count()


def do(method: str, /, *args, **kwargs):
    return show(f"{next(numbers)} {method}", getattr(client, method), *args, **kwargs)


exp = client.create_experiment("e", tags={"k": "v"})
masks[exp] = "EXP"
do("get_experiment", exp)
do("get_experiment_by_name", "e")
do("get_experiment_by_name", "none")
do("create_experiment", "e")
do("create_experiment", "")
do("get_experiment", "123")
do("set_experiment_tag", exp, "a", "b")
if hasattr(client, "delete_experiment_tag"):
    do("delete_experiment_tag", exp, "a")
    do("delete_experiment_tag", exp, "a")
do("search_experiments", filter_string="name LIKE 'e%'", order_by=["name"])
do("search_experiments", filter_string="nonsense")

run = client.create_run(exp, start_time=1, run_name="r", tags={"t": "1"})
run_id = run.info.run_id
masks[run_id] = "RUN"
do("get_run", run_id)
do("get_run", "0" * 32)
do("log_metric", run_id, "m", 1.5, timestamp=5, step=1)
do("log_metric", run_id, "m", float("nan"), timestamp=6, step=2)
do("log_metric", run_id, "bad name!\n", 1)
do("log_metric", "0" * 32, "m", 1)
do("log_param", run_id, "p", "1")
do("log_param", run_id, "p", "1")
do("log_param", run_id, "p", "2")
do("set_tag", run_id, "a/b", "ü\n")
do("set_tag", run_id, "..", "x")
do("delete_tag", run_id, "t")
do("delete_tag", run_id, "t")
do("log_batch", run_id, [Metric("m", 2, 7, 3)], [Param("x", "y")], [RunTag("t", "2")])
do("log_batch", run_id, [], [Param("p", "other")], [])
do("get_metric_history", run_id, "m")
do("get_metric_history", run_id, "none")
data = Dataset("d", "digest", "local", "{}", schema="{}", profile=None)
do("log_inputs", run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])
do("get_run", run_id)
child = client.create_run(exp, start_time=2, run_name="c", tags={"mlflow.parentRunId": run_id})
masks[child.info.run_id] = "CHILD"
show("parent", lambda: client.get_parent_run(child.info.run_id).info.run_id)
do("update_run", run_id, status="SCHEDULED", name="new name")
do("set_terminated", run_id, "FINISHED", end_time=9)
do("get_run", run_id)
do("search_runs", [exp], "metrics.m > 1 AND tags.t = '2'")
do("search_runs", [exp], "params.x LIKE 'Y'", order_by=["attributes.start_time ASC"])
do("search_runs", [exp], "what is this")
do("search_runs", [exp], order_by=["start_time"], max_results=1)
page = client.search_runs([exp], order_by=["start_time"], max_results=1)
show(
    "next page",
    client.search_runs,
    [exp],
    order_by=["start_time"],
    max_results=1,
    page_token=page.token,
)
do("delete_run", run_id)
do("log_metric", run_id, "m", 1)
do("search_runs", [exp], run_view_type=ViewType.DELETED_ONLY)
do("restore_run", run_id)
do("restore_run", run_id)
(work / "f.txt").write_text("text")
do("log_artifact", run_id, str(work / "f.txt"), "sub")
do("log_artifacts", run_id, str(work))
do("log_text", run_id, "text", "t.txt")
do("list_artifacts", run_id)
do("list_artifacts", run_id, "sub")
show("download", lambda: Path(client.download_artifacts(run_id, "sub/f.txt")).read_text())
do("log_artifact", run_id, str(work / "f.txt"), "../up")
do("rename_experiment", exp, "renamed")
do("delete_experiment", exp)
do("get_run", run_id)
do("create_run", exp)
do("restore_experiment", exp)
do("delete_experiment", "0")
do("search_experiments", view_type=ViewType.ALL)

if hasattr(client, "create_logged_model"):
    model = client.create_logged_model(exp, name="m", source_run_id=run_id, params={"a": "1"})
    masks[model.model_id] = "MODEL"
    do("get_logged_model", model.model_id)
    do("finalize_logged_model", model.model_id, "READY")
    do("set_logged_model_tags", model.model_id, {"a": "b"})
    do("delete_logged_model_tag", model.model_id, "a")
    client.log_metric(run_id, "acc", 0.5, timestamp=5, step=1, model_id=model.model_id)
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    client.log_inputs(run_id, models=[LoggedModelInput(model.model_id)])
    client.log_outputs(run_id, models=[LoggedModelOutput(model.model_id, 3)])
    do("get_run", run_id)
    do("search_logged_models", [exp], filter_string="params.a = '1'")
    do("log_model_artifacts", model.model_id, str(work))
    do("list_logged_model_artifacts", model.model_id)
    do("delete_logged_model", model.model_id)
    do("get_logged_model", model.model_id)
