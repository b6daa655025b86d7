"""MLflow's tracking store on a folder: its REST store, over a transport of our own."""

from __future__ import annotations

import functools
import json
import math
import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from mlflow.entities import Metric, Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, ErrorCode
from mlflow.protos.service_pb2 import MlflowService
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.rest_store import RestStore
from mlflow.tracking._tracking_service.client import TrackingServiceClient
from mlflow.utils.proto_json_utils import parse_dict
from mlflow.utils.rest_utils import MlflowHostCreds, extract_api_info_for_service
from mlflow.utils.uri import resolve_uri_if_local

from . import MlrunsError, entities, uri
from .artifacts import read_only_uri
from .columns import Table
from .service import ATTEMPTS, service
from .transport import ConnectionLost

# Path and method of each call, by the message that asks for it.
_CALLS = extract_api_info_for_service(MlflowService, "/api/2.0")


class MlrunsStore(RestStore):
    """The store of a folder.

    What training loops and notebooks call again and again goes from entities to JSON and back
    here; the rest is what MLflow's REST store makes of it.
    """

    def __init__(self, store_uri: str) -> None:
        super().__init__(self._host)
        try:
            location = uri.parse(store_uri)
        except ValueError as err:
            raise MlflowException.invalid_parameter_value(str(err)) from None
        self._service = service(location)

    @property
    def supports_workspaces(self) -> bool:
        """Whether there are workspaces (MLflow 3.10 and later), which a folder has not."""
        return False

    def log_metric(self, run_id: str, metric: Metric) -> None:
        self._log("log-metric", run_id, [metric])

    def log_param(self, run_id: str, param: Any) -> None:
        self._post("runs/log-parameter", run_id=run_id, key=param.key, value=param.value)

    def set_tag(self, run_id: str, tag: Any) -> None:
        self._post("runs/set-tag", run_id=run_id, key=tag.key, value=tag.value)

    def log_batch(
        self, run_id: str, metrics: Iterable[Metric], params: Iterable[Any], tags: Iterable[Any]
    ) -> None:
        more = {"params": _pairs(params), "tags": _pairs(tags)}
        self._log("log-batch", run_id, list(metrics), more)

    def get_run(self, run_id: str) -> Run:
        return self._run(self._get("runs/get", run_id=run_id)["run"])

    def create_run(
        self, experiment_id: str, user_id: str, start_time: int, tags: Iterable[Any], run_name: str
    ) -> Run:
        # The server lets us choose the id, so that a run whose answer was lost can be found again.
        body: dict[str, Any] = {
            "run_id": uuid.uuid4().hex,
            "experiment_id": str(experiment_id),
            "user_id": user_id,
            "start_time": start_time,
            "tags": _pairs(tags or ()),
            "run_name": run_name,
        }
        try:
            return self._run(self._ask("runs/create", body, repeatable=False)["run"])
        except ConnectionLost:
            pass
        try:
            return self.get_run(body["run_id"])
        except MlflowException:
            return self._run(self._ask("runs/create", body)["run"])

    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: Any = None, **more: Any
    ) -> str:
        if artifact_location:
            artifact_location = resolve_uri_if_local(artifact_location)
        created: str = super().create_experiment(name, artifact_location, tags, **more)
        return created

    def get_metric_history(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> PagedList:
        answer = self._get(
            "metrics/get-history",
            run_id=run_id,
            metric_key=metric_key,
            max_results=max_results,
            page_token=page_token,
        )
        points = [entities.point(told, run_id) for told in answer.get("metrics", ())]
        return PagedList(points, answer.get("next_page_token") or None)

    def _search_runs(
        self,
        experiment_ids: Iterable[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int,
        order_by: list[str] | None,
        page_token: str | None,
    ) -> tuple[list[Run], str | None]:
        answer = self._post(
            "runs/search",
            experiment_ids=[str(i) for i in experiment_ids],
            filter=filter_string,
            run_view_type=ViewType.to_proto(run_view_type),
            max_results=max_results,
            order_by=order_by,
            page_token=page_token,
            columns=True,
        )
        table = Table()
        if "columns" in answer:
            table.append(answer["columns"])
        if self._service.location.read_only:
            uris = table.info.get("artifact_uri", [])
            uris[:] = map(read_only_uri, uris)
        return entities.runs(table), answer.get("next_page_token") or None

    def log_spans(self, location: str, spans: list[Any], tracking_uri: str | None = None) -> Any:
        """Refuse in the way that has MLflow record a whole trace instead."""
        if spans:
            raise NotImplementedError(
                "log_spans is not supported: a folder has no spans by themselves"
            )
        return []

    def _log(
        self, call: str, run_id: str, metrics: list[Metric], more: dict[str, Any] | None = None
    ) -> None:
        """Log points and what goes with them. When an answer is lost, those that were logged are
        not logged again; to log a param or a tag again changes nothing."""
        for _ in range(ATTEMPTS):
            points = [_point(m) for m in metrics]
            body = (
                {"run_id": run_id, **points[0]}
                if more is None
                else {"run_id": run_id, "metrics": points, **more}
            )
            try:
                self._ask(f"runs/{call}", body, repeatable=not metrics)
                return
            except ConnectionLost:
                metrics = self._not_logged(run_id, metrics)
                if not metrics and more is None:
                    return
        raise MlflowException(f"The server of {self._service.location.path} goes away")

    def _not_logged(self, run_id: str, metrics: list[Metric]) -> list[Metric]:
        logged: Counter[tuple[str, str, int, int]] = Counter()
        for key in {m.key for m in metrics}:
            logged.update(_identity(m) for m in self.get_metric_history(run_id, key))
        missing = []
        for m in metrics:
            if logged[_identity(m)]:
                logged[_identity(m)] -= 1
            else:
                missing.append(m)
        return missing

    def _run(self, told: dict[str, Any]) -> Run:
        if self._service.location.read_only:
            told["info"]["artifact_uri"] = read_only_uri(told["info"].get("artifact_uri"))
        return entities.run(told)

    def _get(self, call: str, **query: Any) -> Any:
        try:
            return self._service.get(call, **query)
        except MlrunsError as err:
            raise _in_mlflow(err) from None

    def _post(self, call: str, **body: Any) -> Any:
        return self._ask(call, body)

    def _ask(self, call: str, body: dict[str, Any], repeatable: bool = True) -> Any:
        try:
            return self._service.post(call, body, repeatable)
        except MlrunsError as err:
            raise _in_mlflow(err) from None

    def _call_endpoint(
        self,
        api: Any,
        json_body: str | None = None,
        endpoint: str | None = None,
        retry_timeout_seconds: int | None = None,
        response_proto: Any = None,
    ) -> Any:
        """Carry out what the methods of the REST store ask for."""
        path, method = _CALLS[api]
        path = quote(endpoint or path, safe="/%:@")
        body = json.loads(json_body) if json_body else {}
        if method == "GET":
            if body:
                path += "?" + urlencode(body, doseq=True)
            body = None
        try:
            answer = self._service.send(method, path, body)
        except MlrunsError as err:
            raise _in_mlflow(err) from None
        message = api.Response() if response_proto is None else response_proto
        parse_dict(js_dict=answer, message=message)
        return message

    def _host(self) -> MlflowHostCreds:
        """The host of what the REST store sends by itself, which a folder does not offer."""
        return MlflowHostCreds(self._service.location.uri)


def _print_no_links() -> None:
    """Keep MLflow from printing links to the pages of a run that ends, as it does for every REST
    store: there is no page behind them."""
    print_link = getattr(TrackingServiceClient, "_log_url", None)
    if print_link is None:
        return

    @functools.wraps(print_link)
    def unless_ours(self: TrackingServiceClient, run_id: str) -> None:
        if not isinstance(self.store, MlrunsStore):
            print_link(self, run_id)

    TrackingServiceClient._log_url = unless_ours


_print_no_links()


def _pairs(entries: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"key": e.key, "value": e.value} for e in entries]


def _point(metric: Metric) -> dict[str, Any]:
    value = metric.value
    if isinstance(value, float) and not math.isfinite(value):
        value = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    point = {
        "key": metric.key,
        "value": value,
        "timestamp": metric.timestamp,
        "step": metric.step,
    }
    if getattr(metric, "model_id", None):
        point["model_id"] = metric.model_id
    if getattr(metric, "dataset_name", None):
        point["dataset_name"] = metric.dataset_name
        point["dataset_digest"] = metric.dataset_digest
    return point


def _identity(metric: Metric) -> tuple[str, str, int, int]:
    return metric.key, repr(float(metric.value)), metric.timestamp, metric.step


def _in_mlflow(err: MlrunsError) -> MlflowException:
    known = err.code in ErrorCode.keys()  # noqa: SIM118 (it is no mapping)
    return MlflowException(str(err), ErrorCode.Value(err.code) if known else INTERNAL_ERROR)
