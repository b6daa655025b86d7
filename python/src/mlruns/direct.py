"""A store without MLflow: searches, histories and checks, as plain objects and as tables."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from . import command, html, uri
from .columns import KINDS, Table
from .service import Service, reader

if TYPE_CHECKING:
    import pandas
    import pyarrow

# The most runs that the server gives at once.
_PAGE = 50_000
_VIEWS = {"active": 1, "deleted": 2, "all": 3}


class Point(NamedTuple):
    """A point of a metric."""

    step: int
    value: float
    time: datetime | None


class Problem(NamedTuple):
    """Something wrong with a file or folder of a store. ``path`` is below the store's folder."""

    kind: str
    path: str
    line: int | None
    reason: str
    repairable: bool


@dataclass(frozen=True)
class Experiment:
    id: str
    name: str
    stage: str
    tags: dict[str, str]


@dataclass(frozen=True)
class Run:
    """A run: what its folder holds, with the latest point of each metric."""

    id: str
    name: str
    experiment_id: str
    status: str
    start_time: datetime | None
    end_time: datetime | None
    stage: str
    user: str
    artifact_uri: str
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]
    _service: Service = field(repr=False, compare=False)

    def history(self, key: str) -> list[Point]:
        """All points of a metric, in the order in which they were logged."""
        return _history(self._service, self.id, key)

    def to_dict(self) -> dict[str, Any]:
        """Everything as one flat dict, with keys such as ``metrics.loss``."""
        return {
            **{name: getattr(self, name) for name in _FIELDS.values()},
            **{f"metrics.{key}": value for key, value in self.metrics.items()},
            **{f"params.{key}": value for key, value in self.params.items()},
            **{f"tags.{key}": value for key, value in self.tags.items()},
        } | {"run_id": self.id}

    def _repr_html_(self) -> str:
        keys = html.chosen_keys(self.metrics)
        return html.run(
            self, {key: _sampled(self._service, [self.id], key)[self.id] for key in keys}
        )


# Columns of tables, named as mlflow.search_runs names them, and the fields they come from.
_FIELDS = {
    "run_id": "id",
    "run_name": "name",
    "experiment_id": "experiment_id",
    "status": "status",
    "start_time": "start_time",
    "end_time": "end_time",
    "artifact_uri": "artifact_uri",
}
_TIMES = ("start_time", "end_time")


class Runs(Sequence[Run]):
    """What a search found, and the problems that it met on the way."""

    def __init__(self, table: Table, problems: list[Problem], service: Service) -> None:
        self._table = table
        self._service = service
        self.problems = problems

    @functools.cached_property
    def _found(self) -> list[Run]:
        return _runs(self._table, self._service)

    def __len__(self) -> int:
        return self._table.size

    @overload
    def __getitem__(self, at: int) -> Run: ...
    @overload
    def __getitem__(self, at: slice) -> Runs: ...
    def __getitem__(self, at: int | slice) -> Run | Runs:
        rows = range(len(self))[at]
        if isinstance(rows, range):
            return Runs(self._table.take(rows), self.problems, self._service)
        return self._found[rows]

    def __iter__(self) -> Iterator[Run]:
        return iter(self._found)

    def __repr__(self) -> str:
        return f"<{len(self)} runs, {len(self.problems)} problems>"

    def to_dicts(self) -> list[dict[str, Any]]:
        """A flat dict for each run."""
        return [run.to_dict() for run in self._found]

    def columns(self) -> dict[str, list[Any]]:
        """A list for each column, with None where a run has nothing."""
        columns = {}
        for name in _FIELDS:
            values = self._table.info.get(name, [])
            columns[name] = list(map(_time, values) if name in _TIMES else values)
        for kind in KINDS:
            for key in self._table.columns[kind]:
                columns[f"{kind}.{key}"] = list(self._table.dense(kind, key))
        return columns

    def to_pandas(self) -> pandas.DataFrame:
        """A table with the columns of ``mlflow.search_runs``, and ``run_name``."""
        import numpy
        import pandas

        table = self._table
        columns: dict[str, Any] = {name: table.info.get(name, []) for name in _FIELDS}
        for name in _TIMES:
            # What is no time that pandas knows is none.
            columns[name] = pandas.to_datetime(columns[name], unit="ms", utc=True, errors="coerce")
        for key, column in table.columns["metrics"].items():
            values = numpy.full(table.size, numpy.nan)
            values[numpy.asarray(column.rows)] = column.values
            columns[f"metrics.{key}"] = values
        for kind in ("params", "tags"):
            for key in table.columns[kind]:
                columns[f"{kind}.{key}"] = table.dense(kind, key)
        return pandas.DataFrame(columns)

    def to_arrow(self) -> pyarrow.Table:
        """The same columns as an Arrow table."""
        import pyarrow

        table, times = self._table, pyarrow.timestamp("ms", tz="UTC")
        arrays = {}
        for name in _FIELDS:
            kind = times if name in _TIMES else pyarrow.string()
            arrays[name] = pyarrow.array(table.info.get(name, []), kind)
        for kind in KINDS:
            stored = pyarrow.float64() if kind == "metrics" else pyarrow.string()
            for key in table.columns[kind]:
                arrays[f"{kind}.{key}"] = pyarrow.array(table.dense(kind, key), stored)
        return pyarrow.table(arrays)

    def _repr_html_(self) -> str:
        shown = list(self[: html.MOST_ROWS])
        keys = html.common_keys([run.metrics for run in shown])
        lines = {key: _sampled(self._service, [run.id for run in shown], key) for key in keys}
        return html.runs(shown, len(self), keys, lines)


class Store:
    """A store that is read. All of it can be asked at any time, also while others write."""

    def __init__(self, path: str | os.PathLike[str], index: str | None = None) -> None:
        location = uri.parse(path)
        if index is not None:
            location = replace(location, index=uri.check_index(index))
        self.path = location.path
        if not os.path.isdir(self.path):
            raise FileNotFoundError(f"There is no store at {self.path}")
        self._service = reader(location)

    def __repr__(self) -> str:
        return f"mlruns.open({self.path!r})"

    def experiments(self, view: str = "active") -> list[Experiment]:
        """The experiments: those that are active, deleted, or all."""
        found: list[Experiment] = []
        token = None
        while True:
            body = {"view_type": _view(view), "max_results": _PAGE, "page_token": token}
            answer = self._service.post("experiments/search", body)
            for told in answer.get("experiments", ()):
                found.append(
                    Experiment(
                        told["experiment_id"],
                        told["name"],
                        told["lifecycle_stage"],
                        _mapping(told.get("tags")),
                    )
                )
            token = answer.get("next_page_token")
            if not token:
                return found

    def runs(
        self,
        filter: str = "",
        *,
        experiments: Iterable[str] | str | None = None,
        order_by: Iterable[str] | str = (),
        view: str = "active",
        max_results: int | None = None,
    ) -> Runs:
        """Search runs, in all active experiments or in those named, by name or id.

        The language is MLflow's and more: OR, NOT, parentheses, IN, BETWEEN, numbers in params,
        ``last(metrics.loss)``. docs/search.md has it.
        """
        ids = self._experiment_ids(experiments)
        order = [order_by] if isinstance(order_by, str) else list(order_by)
        table = Table()
        problems: dict[Problem, None] = {}
        token = None
        while ids:
            wanted = _PAGE if max_results is None else min(_PAGE, max_results - table.size)
            if wanted <= 0:
                break
            body = {
                "experiment_ids": ids,
                "filter": filter,
                "run_view_type": _view(view),
                "max_results": wanted,
                "order_by": order,
                "page_token": token,
                "columns": True,
            }
            answer = self._service.post("runs/search", body)
            table.append(answer["columns"])
            problems.update(dict.fromkeys(_problems(answer.get("problems"))))
            token = answer.get("next_page_token")
            if not token:
                break
        return Runs(table, list(problems), self._service)

    def run(self, run_id: str) -> Run:
        """One run, deleted or not."""
        return _run(self._service.get("runs/get", run_id=run_id)["run"], self._service)

    def history(self, run: Run | str, key: str) -> list[Point]:
        """All points of a metric of a run, in the order in which they were logged."""
        return _history(self._service, run.id if isinstance(run, Run) else run, key)

    def problems(self) -> list[Problem]:
        """What reading everything meets: values and runs that other answers leave out."""
        return self.runs(experiments=[e.id for e in self.experiments("all")], view="all").problems

    def verify(self) -> list[Problem]:
        """Check every file, as ``mlruns store verify`` does. An empty list means all is well."""
        answer = command.run_json("store", "verify", "--store", self.path, ok=(0, 3))
        return _problems(answer.get("problems"))

    def _experiment_ids(self, named: Iterable[str] | str | None) -> list[str]:
        known = self.experiments("active" if named is None else "all")
        if named is None:
            return [e.id for e in known]
        by_name = {e.name: e.id for e in known}
        ids = {e.id for e in known}
        chosen = []
        for name in [named] if isinstance(named, str) else named:
            if name not in by_name and name not in ids:
                raise KeyError(f"There is no experiment {name!r}")
            chosen.append(by_name.get(name, name))
        return chosen

    def _repr_html_(self) -> str:
        return html.store(self.path, self.experiments())


def _view(view: str) -> int:
    if view not in _VIEWS:
        raise ValueError(f"view is one of {', '.join(_VIEWS)}, not {view!r}")
    return _VIEWS[view]


def _run(told: dict[str, Any], service: Service) -> Run:
    data = told.get("data", {})
    metrics = {m["key"]: float(m["value"]) for m in data.get("metrics", ())}
    params, tags = _mapping(data.get("params")), _mapping(data.get("tags"))
    return _made(told["info"], metrics, params, tags, service)


def _runs(table: Table, service: Service) -> list[Run]:
    names = list(table.info)
    infos = (dict(zip(names, values)) for values in zip(*table.info.values()))
    entries = zip(infos, *(table.entries(kind) for kind in KINDS))
    return [_made(info, metrics, params, tags, service) for info, metrics, params, tags in entries]


def _made(
    info: dict[str, Any],
    metrics: dict[str, float],
    params: dict[str, str],
    tags: dict[str, str],
    service: Service,
) -> Run:
    return Run(
        id=info["run_id"],
        name=info.get("run_name", ""),
        experiment_id=info["experiment_id"],
        status=info["status"],
        start_time=_time(info.get("start_time")),
        end_time=_time(info.get("end_time")),
        stage=info["lifecycle_stage"],
        user=info.get("user_id", ""),
        artifact_uri=info.get("artifact_uri", ""),
        metrics=metrics,
        params=params,
        tags=tags,
        _service=service,
    )


def _mapping(entries: list[dict[str, str]] | None) -> dict[str, str]:
    return {entry["key"]: entry.get("value", "") for entry in entries or ()}


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _time(millis: int | None) -> datetime | None:
    """The time, None for one that Python has no word for."""
    try:
        return None if millis is None else _EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        return None


def _problems(told: list[dict[str, Any]] | None) -> list[Problem]:
    return [
        Problem(
            p["kind"], p["path"], p.get("line"), p.get("reason", ""), p.get("repairable", False)
        )
        for p in told or ()
    ]


def _point(told: dict[str, Any]) -> Point:
    return Point(told.get("step", 0), float(told["value"]), _time(told["timestamp"]))


def _history(service: Service, run_id: str, key: str) -> list[Point]:
    answer = service.get("metrics/get-history", run_id=run_id, metric_key=key)
    return [_point(told) for told in answer.get("metrics", ())]


def _sampled(service: Service, run_ids: list[str], key: str) -> dict[str, list[Point]]:
    """Some points of a metric of some runs, enough to draw a line."""
    lines: dict[str, list[Point]] = {run_id: [] for run_id in run_ids}
    if run_ids:
        answer = service.get(
            "metrics/get-history-bulk-interval",
            run_ids=run_ids,
            metric_key=key,
            max_results=html.MOST_POINTS,
        )
        for told in answer.get("metrics", ()):
            lines[told["run_id"]].append(_point(told))
    return lines
