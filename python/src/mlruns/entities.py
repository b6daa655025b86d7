"""MLflow's entities from the JSON of its interface, without protocol buffers in between."""

from __future__ import annotations

import functools
import inspect
from bisect import bisect_left
from typing import Any

import mlflow.entities
from mlflow.entities import Metric, Param, Run, RunInfo, RunInputs, RunTag

from .columns import KINDS, Table

_METRIC_OF_MODEL = "model_id" in inspect.signature(Metric).parameters
_WITH_OUTPUTS = "run_outputs" in inspect.signature(Run).parameters
_WITH_MODELS = "model_inputs" in inspect.signature(RunInputs).parameters
_WITH_UUID = "run_uuid" in inspect.signature(RunInfo).parameters


def point(told: dict[str, Any], run_id: str) -> Metric:
    """A point of a history, which in MLflow 3 names its run."""
    read = metric(told)
    if _METRIC_OF_MODEL:
        read._run_id = run_id
    return read


def metric(told: dict[str, Any]) -> Metric:
    # float() reads "NaN" and "Infinity" too.
    value, timestamp = float(told["value"]), told["timestamp"]
    if _METRIC_OF_MODEL and "model_id" in told:
        return Metric(
            told["key"],
            value,
            timestamp,
            told.get("step", 0),
            model_id=told["model_id"],
            dataset_name=told.get("dataset_name"),
            dataset_digest=told.get("dataset_digest"),
        )
    return Metric(told["key"], value, timestamp, told.get("step", 0))


def run(told: dict[str, Any]) -> Run:
    data = told.get("data", {})
    run_data = mlflow.entities.RunData(
        metrics=[metric(m) for m in data.get("metrics", ())],
        params=[Param(p["key"], p.get("value", "")) for p in data.get("params", ())],
        tags=[RunTag(t["key"], t.get("value", "")) for t in data.get("tags", ())],
    )
    more = {"run_inputs": _inputs(told.get("inputs", {}))}
    if _WITH_OUTPUTS:
        more["run_outputs"] = _outputs(told.get("outputs", {}))
    return Run(run_info(told["info"]), run_data, **more)


def runs(table: Table) -> list[Run]:
    """The runs of a table."""
    names = list(table.info)
    infos = [run_info(dict(zip(names, values))) for values in zip(*table.info.values())]
    found = []
    entries = zip(infos, *(table.entries(kind) for kind in KINDS))
    for row, (info, metrics, params, tags) in enumerate(entries):
        rest = table.rest.get(row, {})
        more = {"run_inputs": _inputs(rest.get("inputs", {}))}
        if _WITH_OUTPUTS:
            more["run_outputs"] = _outputs(rest.get("outputs", {}))
        found.append(Run(info, RunData(table, row, metrics, params, tags), **more))
    return found


class RunData(mlflow.entities.RunData):
    """MLflow's, of a row of a table. The points are made when something asks for them, which for
    thousands of runs nothing does."""

    def __init__(
        self,
        table: Table,
        row: int,
        metrics: dict[str, float],
        params: dict[str, str],
        tags: dict[str, str],
    ) -> None:
        self._row = table, row
        self._metrics = metrics
        self._params = params
        self._tags = tags

    @functools.cached_property
    def _metric_objs(self) -> list[Metric]:
        table, row = self._row
        whole = {m["key"]: m for m in table.rest.get(row, {}).get("metrics", ())}
        points = []
        for key, column in table.columns["metrics"].items():
            at = bisect_left(column.rows, row)
            if key in whole:
                points.append(metric(whole[key]))
            elif at < len(column.rows) and column.rows[at] == row:
                points.append(
                    Metric(key, column.values[at], column.timestamps[at], column.steps[at])
                )
        return points

    @classmethod
    def _properties(cls) -> list[str]:
        names: list[str] = mlflow.entities.RunData._properties()
        return names

    def __reduce__(self) -> Any:
        params = [Param(key, value) for key, value in self._params.items()]
        tags = [RunTag(key, value) for key, value in self._tags.items()]
        return mlflow.entities.RunData, (self._metric_objs, params, tags)


def run_info(told: dict[str, Any]) -> RunInfo:
    run_id = told["run_id"]
    ids = {"run_uuid": run_id, "run_id": run_id} if _WITH_UUID else {"run_id": run_id}
    return RunInfo(
        experiment_id=told["experiment_id"],
        user_id=told.get("user_id", ""),
        status=told["status"],
        start_time=told.get("start_time") or 0,
        end_time=told.get("end_time"),
        lifecycle_stage=told["lifecycle_stage"],
        artifact_uri=told.get("artifact_uri"),
        run_name=told.get("run_name"),
        **ids,
    )


def _inputs(told: dict[str, Any]) -> RunInputs:
    if told.get("dataset_inputs") or told.get("model_inputs"):
        from mlflow.protos.service_pb2 import RunInputs as Message

        return RunInputs.from_proto(_message(told, Message()))
    return RunInputs([], []) if _WITH_MODELS else RunInputs([])


def _outputs(told: dict[str, Any]) -> Any:
    from mlflow.entities import RunOutputs

    if told.get("model_outputs"):
        from mlflow.protos.service_pb2 import RunOutputs as Message

        return RunOutputs.from_proto(_message(told, Message()))
    return RunOutputs([])


def _message(told: dict[str, Any], message: Any) -> Any:
    from mlflow.utils.proto_json_utils import parse_dict

    parse_dict(js_dict=told, message=message)
    return message
