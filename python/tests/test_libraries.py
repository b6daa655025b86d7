"""Libraries that log through MLflow, or in whose processes it is used."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import pytest

pytest.importorskip("mlflow")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

ENV = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": os.pathsep.join(sys.path),
}

# Each task logs to the run of all and to one of its own.
SHARED = """
def work(uri, run_id, task):
    import os
    import mlflow
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    for step in range(50):
        client.log_metric(run_id, f"task {task}", step / 7, step=step)
        client.log_metric(run_id, "all", task, step=step)
    with mlflow.start_run(run_name=f"task {task}") as own:
        mlflow.log_param("task", task)
        mlflow.log_text(str(task), "task.txt")
    return own.info.run_id, os.getpid()

def check(uri, run_id, done):
    from collections import Counter
    import mlflow
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    steps = lambda key: [p.step for p in client.get_metric_history(run_id, key)]
    for task in range(TASKS):
        assert steps(f"task {task}") == list(range(50)), task
    logged = Counter((p.value, p.step) for p in client.get_metric_history(run_id, "all"))
    assert logged == Counter((float(t), s) for t in range(TASKS) for s in range(50))
    found = client.search_runs(["0"], "params.task LIKE '%'")
    assert {r.info.run_id for r in found} == {own for own, _ in done}
    assert sorted(int(r.data.params["task"]) for r in found) == list(range(TASKS))
    assert all(r.info.status == "FINISHED" for r in found)
    assert len(client.list_artifacts(done[0][0])) == 1
    return len({pid for _, pid in done})

TASKS = 12
uri = "mlruns:" + store
"""

DASK = """
from dask.distributed import Client, LocalCluster
if __name__ == "__main__":
    run_id = new_run()
    with LocalCluster(
        n_workers=3, threads_per_worker=2, processes=True, dashboard_address=None,
        local_directory=sys.argv[2],
    ) as cluster, Client(cluster) as dask:
        futures = [dask.submit(work, uri, run_id, task, pure=False) for task in range(TASKS)]
        done = dask.gather(futures)
        print("processes:", check(uri, run_id, done))
"""

RAY = """
import ray
run_id = new_run()
ray.init(
    num_cpus=3, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False,
    _temp_dir=sys.argv[2],
)
task = ray.remote(work)
done = ray.get([task.remote(uri, run_id, t) for t in range(TASKS)])
print("processes:", check(uri, run_id, done))
ray.shutdown()
"""


# A server that answers as OpenAI's, and a program that asks it.
OPENAI = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "hello"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
        body = json.dumps({
            "id": "1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [choice], "usage": usage,
        }).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

web = HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=web.serve_forever, daemon=True).start()
import mlflow
import openai
mlflow.set_tracking_uri("mlruns:" + store)
mlflow.openai.autolog()
client = openai.OpenAI(api_key="x", base_url=f"http://127.0.0.1:{web.server_port}/v1")
with mlflow.start_run() as run:
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
mlflow.flush_trace_async_logging()
(trace,) = mlflow.search_traces(return_type="list")
said = trace.data.spans[0].outputs["choices"][0]["message"]["content"]
print(trace.info.request_metadata["mlflow.sourceRun"] == run.info.run_id, said)
"""


def test_openai_is_traced_by_autologging(store, scripts):
    pytest.importorskip("openai")
    assert scripts.run(OPENAI, store, env=ENV).endswith("True hello\n")


@pytest.mark.parametrize(
    ("module", "script"), [("distributed", DASK), ("ray", RAY)], ids=["dask", "ray"]
)
def test_workers_log_to_one_store(store, folder, scripts, module, script):
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    out = scripts.run(SHARED + script, store, folder / "w", env=ENV, cwd=folder)
    processes = int(out.splitlines()[-1].removeprefix("processes:"))
    assert processes > 1
