"""Times MLflow's own calls on three stores on one disk, in turns, and prints a table of medians.

bench.py DIR [RUNS…] makes its stores below DIR; RUNS are the sizes that are searched.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
from mlflow.entities import Metric, Param, RunTag

import mlruns
from mlruns.store import MlrunsStore

DIR = Path(sys.argv[1]).resolve()
os.environ["XDG_CACHE_HOME"] = str(DIR / "cache")
SIZES = [int(n) for n in sys.argv[2:]] or [1000, 10000]
ROUNDS, CALLS = 5, 200

FIRST = """
import sys, time
begin = time.perf_counter()
import mlflow
imported = time.perf_counter()
mlflow.set_tracking_uri(sys.argv[1])
mlflow.MlflowClient().search_experiments()
print(imported - begin, time.perf_counter() - imported)
"""


def uris(name: str) -> dict[str, str]:
    folder = DIR / name
    folder.mkdir(parents=True)
    return {
        "mlruns": f"mlruns:{folder}/ours",
        "file store": (folder / "theirs").as_uri(),
        "SQLite store": f"sqlite:///{folder}/mlflow.db",
    }


def timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def row(name: str, times: dict[str, list[float]]) -> None:
    medians = {kind: statistics.median(t) for kind, t in times.items() if t}
    ours = medians["mlruns"]
    cells = [
        f"{show(t)} ({t / ours:.1f} \u00d7)" if kind != "mlruns" else show(t)
        for kind, t in medians.items()
    ]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def show(seconds: float) -> str:
    if seconds < 0.01:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def loop(client: mlflow.MlflowClient, run_id: str) -> dict[str, Callable[[int], object]]:
    points = [Metric(f"m{i}", i / 3, 1700000000000, 0) for i in range(100)]
    return {
        "`mlflow.log_metric`": lambda i: mlflow.log_metric("loss", 1 / (i + 1), step=i),
        "`mlflow.log_metrics`, 5 of them": lambda i: mlflow.log_metrics(
            {f"k{k}": float(i) for k in range(5)}, step=i
        ),
        "`log_batch`, 100 points": lambda _: client.log_batch(run_id, points),
        "`mlflow.log_param`": lambda i: mlflow.log_param(f"p{i}", i),
        "`mlflow.set_tag`": lambda i: mlflow.set_tag(f"t{i}", i),
        "`get_run`": lambda _: client.get_run(run_id),
    }


def calls(stores: dict[str, str]) -> None:
    timings: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        for kind, uri in stores.items():
            mlflow.set_tracking_uri(uri)
            client = mlflow.MlflowClient()
            run_id = client.create_run("0").info.run_id
            with mlflow.start_run(run_id):
                steps = loop(client, run_id)
                for name, step in steps.items():
                    n = CALLS if name.startswith("`mlflow.log_metric`") else CALLS // 10
                    seen = timings.setdefault(name, {k: [] for k in stores})[kind]
                    seen += [timed(lambda step=step, i=i: step(i)) for i in range(n)]
            seen = timings.setdefault("`create_run`", {k: [] for k in stores})[kind]
            seen += [timed(lambda c=client: c.create_run("0")) for _ in range(10)]
    for name, times in timings.items():
        row(name, times)


def searches(size: int) -> None:
    stores = uris(f"search{size}")
    client = mlflow.MlflowClient(stores["mlruns"])
    for i in range(size):
        run_id = client.create_run("0", run_name=f"r{i}", start_time=i).info.run_id
        client.log_batch(
            run_id,
            [Metric(f"m{k}", i * k, 1700000000000 + i, k) for k in range(5)],
            [Param(f"p{k}", str(i % 10)) for k in range(5)],
            [RunTag("team", "a" if i % 2 else "b")],
        )
    source = DIR / f"search{size}" / "ours"
    stores["file store"] = source.as_uri()  # the same files
    migrate = [sys.executable, "-m", "mlflow", "migrate-filestore"]
    subprocess.run(
        [*migrate, "--source", source, "--target", stores["SQLite store"]],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for name, query in (("all", ""), ("with a filter", "metrics.m1 < 100 AND params.p1 = '3'")):
        times: dict[str, list[float]] = {kind: [] for kind in stores}
        ways = ways_to_a_table(f"mlruns:{source}", query, size)
        others: dict[str, list[float]] = {way: [] for way in ways}
        for r in range(3):
            for kind, uri in stores.items():
                if kind == "file store" and size > 1000 and r:
                    continue
                mlflow.set_tracking_uri(uri)
                times[kind].append(
                    timed(lambda q=query: mlflow.search_runs(["0"], q, max_results=size))
                )
            mlflow.set_tracking_uri(stores["mlruns"])
            for way, call in ways.items():
                others[way].append(call())
        row(f"`mlflow.search_runs` of {size:,} to pandas, {name}", times)
        for way, seen in others.items():
            row(f"… {way}", {**times, "mlruns": seen})


def ways_to_a_table(uri: str, query: str, size: int) -> dict[str, Callable[[], float]]:
    """Other ways to the same table, and the part of the time that is in MLflow's hands whichever
    store it asks."""

    def from_memory() -> float:
        found = mlflow.search_runs(["0"], query, max_results=size, output_format="list")
        with patch.object(MlrunsStore, "_search_runs", lambda *_: (found, None)):
            return timed(lambda: mlflow.search_runs(["0"], query, max_results=size))

    def direct(index: str | None = None) -> float:
        opened = mlruns.open(uri, index=index)
        opened.experiments()
        return timed(lambda: opened.runs(query, max_results=size).to_pandas())

    return {
        "MLflow's own part of it, of any store": from_memory,
        "`mlruns.open(…).runs(…).to_pandas()`": direct,
        'the same with `index="none"`': lambda: direct("none"),
    }


def first_calls() -> None:
    stores = uris("first")
    imports: list[float] = []
    times: dict[str, list[float]] = {kind: [] for kind in stores}
    for _ in range(ROUNDS):
        for kind, uri in stores.items():
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", FIRST, uri],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            imported, first = map(float, done.stdout.split())
            imports.append(imported)
            times[kind].append(first)
            while kind == "mlruns" and serving():  # so that each starts one
                time.sleep(0.2)
    row("first call of a process, the start of the server in it", times)
    print(f"\n`import mlflow` took {show(statistics.median(imports))}.")


def serving() -> bool:
    found = subprocess.run(["pgrep", "-f", f"serve.*{DIR}/first"], check=False, capture_output=True)
    return found.returncode == 0


print("| | mlruns | file store | SQLite store |\n|---|---|---|---|")
calls(uris("calls"))
for size in SIZES:
    searches(size)
first_calls()
print(
    f"\nMLflow {mlflow.__version__}, Python {sys.version.split()[0]}, {os.cpu_count()} processors."
)
