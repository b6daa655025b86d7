"""Measures MLflow's own stores: the counterpart of bench/ours.go. Arguments: a job as JSON; "fill" makes the SQLite databases of the data set."""

import json
import os
import random
import resource
import sys
import time

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import logging
import warnings

warnings.filterwarnings("ignore")
import mlflow

logging.disable(logging.CRITICAL)
from mlflow.entities import Metric, Param, RunTag, ViewType

FILTER, ORDER, AT = "metrics.m0 > 0.5 and params.p0 = 'x'", ["metrics.m1 DESC"], 1_600_000_000_000


def run_id(i):
    return "%032x" % (i + 1)


def open_store(job):
    if job["Side"] == "file":
        from mlflow.store.tracking.file_store import FileStore

        return FileStore(job["Dir"], "file://" + job["Dir"])
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    return SqlAlchemyStore("sqlite:///" + job["Dir"] + ".db", "file://" + job["Dir"] + ".artifacts")


def fnv(texts):
    h = 0x811C9DC5
    for text in texts:
        for b in text.encode():
            h = ((h ^ b) * 0x01000193) & 0xFFFFFFFF
    return h


def prepare(s, job):
    case, sizes = job["Case"], job["Sizes"]
    r = random.Random(1)
    n = [0]
    run = run_id(0)
    if case in ("log_metric", "log_batch_1", "log_batch_100", "log_param") and not sizes["Experiments"]:
        run = s.create_run("0", "u", AT, [], "run").info.run_id

    def count():
        n[0] += 1
        return n[0]

    def metric():
        i = count()
        s.log_metric(run, Metric("loss", i / 3, AT, i))

    def batch(keys):
        points = []
        for i in range(1000):
            k = count()
            points.append(Metric("k%d" % (i % keys), k / 3, AT, k))
        s.log_batch(run, points, [], [])

    def search(filter_string, order, most):
        found = s.search_runs(["0"], filter_string, ViewType.ACTIVE_ONLY, most, order, None)
        return "%d runs, %08x" % (len(found), fnv(r.info.run_id for r in found))

    def history(run):
        points = s.get_metric_history(run, "loss")
        total = 0.0
        for m in points:
            total += m.value
        return "%d points, %.6f" % (len(points), total)

    def get(run):
        data = s.get_run(run).data
        return "%d metrics, %d params" % (len(data.metrics), len(data.params))

    def create():
        s.create_run("0", "u", AT, [RunTag("a", "1"), RunTag("b", "2")], "run")

    def by_name():
        return s.get_experiment_by_name("experiment %d" % (sizes["Experiments"] // 2)).experiment_id

    return {
        "log_metric": metric,
        "log_batch_1": lambda: batch(1),
        "log_batch_100": lambda: batch(100),
        "log_param": lambda: s.log_param(run, Param("p%d" % count(), "value")),
        "create_run": create,
        "create_run_nosync": create,
        "get_run": lambda: get(run_id(r.randrange(sizes["Large"])) if sizes["Large"] else run),
        "get_run_large": lambda: get(run_id(1)),
        "search": lambda: search(FILTER, ORDER, 1000),
        "search_all": lambda: search(None, None, 1000),
        "search_page": lambda: search(None, None, 10),
        "history_small": lambda: history(run_id(0)),
        "history_large": lambda: history(run_id(1)),
        "experiments": lambda: "%d experiments" % len(s.search_experiments(ViewType.ACTIVE_ONLY, sizes["Experiments"])),
        "by_name": by_name,
    }[case]


def measure(job):
    begin = time.perf_counter()
    call = prepare(open_store(job), job)
    check = call() or ""
    first = time.perf_counter() - begin
    times = []
    for _ in range(job["Repeat"]):
        begin = time.perf_counter()
        for _ in range(job["Calls"]):
            call()
        times.append((time.perf_counter() - begin) / job["Calls"])
    return {"First": first, "Times": times, "Memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "Check": check}


def fill(dir, sizes):
    """The data set of bench/data.go in SQLite, in bulk."""
    for name in ("runs1k", "runs10k", "points", "experiments"):
        s = open_store({"Side": "sqlite", "Dir": os.path.join(dir, name)})
        rows = {}
        if name.startswith("runs"):
            for i in range(sizes["Small"] if name == "runs1k" else sizes["Large"]):
                add_run(rows, i, 0, dir, AT + i)
        elif name == "points":
            for i, total in enumerate((sizes["FewPoints"], sizes["ManyPoints"])):
                add_run(rows, i, 0, dir, 1, empty=True)
                point = {"key": "loss", "run_uuid": run_id(i), "is_nan": False}
                rows["metrics"] += [dict(point, value=1 / (k + 1), timestamp=AT + k, step=k) for k in range(total)]
                rows["latest_metrics"].append(dict(rows["metrics"][-1]))
        else:
            for i in range(1, sizes["Experiments"] + 1):
                rows.setdefault("experiments", []).append(
                    {"experiment_id": i, "name": "experiment %d" % i, "artifact_location": dir, "lifecycle_stage": "active", "creation_time": AT + i, "last_update_time": AT + i}
                )
            add_run(rows, 0, sizes["Experiments"], dir, 1)
        write(s.engine, rows)


def add_run(rows, i, experiment, dir, start, empty=False):
    run = run_id(i)
    for table in ("runs", "metrics", "latest_metrics", "params", "tags"):
        rows.setdefault(table, [])
    rows["runs"].append(
        {"run_uuid": run, "name": "run %d" % i, "source_type": "LOCAL", "user_id": "unknown", "status": "FINISHED", "start_time": start, "end_time": start + 60000,
         "lifecycle_stage": "active", "experiment_id": experiment, "artifact_uri": dir + "/" + run}
    )
    if empty:
        return
    for j in range(10):
        point = {"key": "m%d" % j, "value": (i * 7919 + j * 104729) % 1000 / 1000, "timestamp": AT, "step": 0, "run_uuid": run, "is_nan": False}
        rows["metrics"].append(point)
        rows["latest_metrics"].append(point)
        rows["params"].append({"key": "p%d" % j, "value": "xy"[(i + j) % 2], "run_uuid": run})
    rows["tags"] += [{"key": "t%d" % j, "value": "value %d" % i, "run_uuid": run} for j in range(5)]
    rows["tags"].append({"key": "mlflow.runName", "value": "run %d" % i, "run_uuid": run})


def write(engine, rows):
    from mlflow.store.db.base_sql_model import Base

    with engine.begin() as db:
        for table in ("experiments", "runs", "metrics", "latest_metrics", "params", "tags"):
            part = rows.get(table, [])
            for at in range(0, len(part), 10000):
                db.execute(Base.metadata.tables[table].insert(), part[at : at + 10000])


def main():
    job = json.loads(sys.argv[1])
    if job["Case"] == "fill":
        answer = {"Check": mlflow.__version__}
        fill(job["Dir"], job["Sizes"])
    else:
        answer = measure(job)
    out.write(json.dumps(answer))
    out.flush()


if __name__ == "__main__":
    main()
