"""MLflow's client on our store beside MLflow's own file store: the same answers, the same files."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

mlflow = pytest.importorskip("mlflow")

HERE = Path(__file__).parent
ADDED = {"effective_trace_archival_retention", "tags", "trace_location", "workspace"}
ENV = {**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}


# Calls that are refused in other words, and ours: those of MLflow's server or of the newest MLflow,
# or more of them.
WORDED = {
    "log_metric": 'Invalid value \\"bad name!',
    "set_tag": 'Invalid value \\"..\\" for parameter',
    "create_experiment": "Missing value for required parameter 'name'.",
    "search_experiments": "Invalid clause(s) in filter string: nonsense (",
    "search_runs": "Invalid clause(s) in filter string: 'what', 'is', 'this' (",
    "log_batch": '["INVALID_PARAMETER_VALUE", "Changing param values is not allowed.',
}


def run(script: str, uri: str, work: Path, **more: str) -> str:
    work.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", HERE / script, uri, work],
        capture_output=True,
        text=True,
        env={**ENV, **more},
        cwd=work.parent,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tree(store: Path) -> dict[str, str]:
    """The files of a store by names that do not change from one run of a script to the next, with
    their contents, in which ids and times are masked."""
    names: dict[str, str] = {}
    for meta in sorted(store.rglob("meta.yaml")):
        text = meta.read_text()
        match = re.search(r"^(?:run_name|name): (.*)$", text, re.M)
        names[meta.parent.name] = "<" + (match[1].strip("'\"") if match else "?") + ">"
    files = {}
    for path in sorted(store.rglob("*")):
        name = str(path.relative_to(store))
        if any(part.startswith(".mlruns") for part in path.parts):
            continue  # locks and the trash, which are ours
        if path.is_dir():
            files[masked(name, names) + "/"] = ""
            continue
        data = path.read_bytes()
        try:
            files[masked(name, names)] = content(name, masked(data.decode(), names), store)
        except UnicodeDecodeError:
            files[masked(name, names)] = hashlib.sha256(data).hexdigest()
    return files


def masked(text: str, names: dict[str, str]) -> str:
    for word, name in names.items():
        if word != "0":
            text = text.replace(word, name)
    return text


def content(name: str, text: str, store: Path) -> str:
    text = text.replace(str(store), "STORE")
    text = re.sub(r"\b1[78]\d{11}\b", "TIME", text)
    if name.endswith("mlflow.source.git.commit"):  # somebody may commit meanwhile
        text = re.sub(r"^[0-9a-f]{40}$", "COMMIT", text)
    if name.endswith("meta.yaml"):
        text = "\n".join(sorted(text.splitlines()))
    return text


@pytest.fixture
def pair(folder, store):
    """The same for both stores, which lie in folders of the same name."""
    theirs = folder / "theirs" / "mlruns"
    theirs.parent.mkdir()
    return f"mlruns:{store}", theirs


def test_training_leaves_the_same_files(folder, store, pair):
    ours, theirs = pair
    told = run("training.py", ours, folder / "work1")
    told_theirs = run("training.py", theirs.as_uri(), folder / "work2")
    assert told == told_theirs
    left, right = tree(store), tree(theirs)
    assert sorted(left) == sorted(right)
    for name in left:
        if name.endswith("meta.yaml"):
            ours, theirs = set(left[name].splitlines()), set(right[name].splitlines())
            # run_uuid is what the older ones know, which the newest leaves out.
            assert {line.partition(":")[0] for line in ours - theirs} <= {"run_uuid"}, name
            # What the newest MLflow adds, which the older ones do not know, is left out.
            more = {line.partition(":")[0] for line in theirs - ours if line[0] != " "}
            assert more <= ADDED, name
        else:
            assert left[name] == right[name], name


def test_calls_are_answered_the_same(folder, store, pair):
    ours, theirs = pair
    told = run("calls.py", ours, folder / "work" / "a")
    # MLflow's REST store gives an empty text for none.
    for key in ("model_type", "status_message", "profile"):
        told = told.replace(f'"{key}": ""', f'"{key}": null')
    told = told.splitlines()
    told_theirs = run("calls.py", theirs.as_uri(), folder / "work" / "b").splitlines()
    differing = [line for line in difflib.ndiff(told_theirs, told) if line[:2] in ("- ", "+ ")]
    calls = {line.split(" ")[2] for line in differing}
    assert calls <= set(WORDED), "\n".join(differing)
    for line in differing:
        begin, ours_alone = WORDED[line.split(" ")[2]], line[0] == "+"
        assert begin in line or not ours_alone, line


def test_a_search_gives_what_get_run_gives(store):
    """Runs of a search are made of columns, those of get_run of their own answer."""
    import pickle

    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, RunData

    client = mlflow.MlflowClient(f"mlruns:{store}")
    ids = [client.create_run("0", run_name=f"r{i}", start_time=i).info.run_id for i in (1, 2, 3, 4)]
    for i, run_id in enumerate(ids[:3]):
        client.log_metric(run_id, "m", i, timestamp=7, step=i)
        client.log_metric(run_id, f"own{i}", float("inf"), timestamp=8, step=-i)
        client.log_param(run_id, f"p{i % 2}", "x" * i)
    client.set_terminated(ids[1], "FAILED", end_time=99)
    data = Dataset("d", "digest", "local", "{}", schema="{}", profile=None)
    client.log_inputs(ids[2], [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])
    if hasattr(client, "create_logged_model"):
        from mlflow.entities import LoggedModelOutput

        model = client.create_logged_model("0", name="m", source_run_id=ids[0])
        client.log_metric(ids[0], "of model", 0.5, timestamp=5, model_id=model.model_id)
        client.log_outputs(ids[0], models=[LoggedModelOutput(model.model_id, 3)])
        client.finalize_logged_model(model.model_id, "READY")
    meta = store / "0" / ids[3] / "meta.yaml"
    meta.write_text(meta.read_text().replace("\nstart_time: 4\n", "\nstart_time: null\n"))
    found = client.search_runs(["0"], order_by=["run_name"])
    assert [run.info.run_id for run in found] == ids
    assert found[3].info.start_time == 0
    for run in found:
        alone = client.get_run(run.info.run_id)
        assert repr(run) == repr(alone)
        assert run.to_dictionary() == alone.to_dictionary()
        assert run.info == alone.info
        assert run.to_proto() == alone.to_proto()
        copied = pickle.loads(pickle.dumps(run))
        assert type(copied.data) is RunData
        assert copied.to_proto() == alone.to_proto()
    found[0].data._add_metric(Metric("more", 1.0, 1, 1))
    assert found[0].data.metrics["more"] == 1.0
    assert len(found[0].to_proto().data.metrics) == len(found[0].data.metrics)


@pytest.mark.long
def test_a_training_loop(store, scripts):
    """As with PyTorch: 10,000 calls of log_metric, and workers by fork that read what is there."""
    script = """
    import mlflow
    mlflow.set_tracking_uri("mlruns:" + store)
    with mlflow.start_run() as run:
        for step in range(10_000):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
            if step % 2_500 == 0:
                worker = os.fork()
                if not worker:
                    seen = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
                    os._exit(len(seen) != step + 1)
                assert os.waitpid(worker, 0)[1] == 0
    points = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [p.step for p in points] == list(range(10_000))
    print("done")
    """
    assert scripts.run(script, store, env=ENV).endswith("done\n")


def test_the_registry_is_unsupported_in_mlflows_words(store):
    client = mlflow.MlflowClient(f"mlruns:{store}")
    with pytest.raises(mlflow.exceptions.MlflowException) as refused:
        client.create_registered_model("m")
    assert refused.value.error_code == "FEATURE_DISABLED"
    begin = f"Model Registry features are not supported by the store with URI: 'mlruns:{store}'. "
    assert str(refused.value).startswith(begin)
    assert "'mlruns'" not in str(refused.value).removeprefix(begin)


def test_read_only(folder, store):
    client = mlflow.MlflowClient(f"mlruns:{store}")
    run_id = client.create_run("0").info.run_id
    client.log_text(run_id, "text", "a.txt")
    reader = mlflow.MlflowClient(f"mlruns:{store}?read_only=1")
    forget_artifacts()
    (found,) = reader.search_runs(["0"])
    assert found.info == reader.get_run(run_id).info
    assert found.info.artifact_uri != client.get_run(run_id).info.artifact_uri
    assert [f.path for f in reader.list_artifacts(run_id)] == ["a.txt"]
    assert Path(reader.download_artifacts(run_id, "a.txt")).read_text() == "text"
    for write in (
        lambda: reader.set_tag(run_id, "a", "b"),
        lambda: reader.create_run("0"),
        lambda: reader.log_text(run_id, "x", "b.txt"),
        lambda: reader.log_artifact(run_id, __file__),
    ):
        with pytest.raises(mlflow.exceptions.MlflowException) as refused:
            write()
        assert refused.value.error_code == "PERMISSION_DENIED"
    assert not (store / "0" / run_id / "artifacts" / "b.txt").exists()
    with pytest.raises(mlflow.exceptions.MlflowException) as missing:
        mlflow.MlflowClient(f"mlruns:{folder}/none?read_only=1").search_experiments()
    assert missing.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_a_moved_store_has_its_artifacts(folder, store):
    before = mlflow.MlflowClient(f"mlruns:{folder}/before")
    run_id = before.create_run("0").info.run_id
    before.log_text(run_id, "text", "a.txt")
    (folder / "before").rename(store)
    forget_artifacts()
    moved = mlflow.MlflowClient(f"mlruns:{store}")
    assert moved.get_run(run_id).info.artifact_uri == f"{store.as_uri()}/0/{run_id}/artifacts"
    moved.log_text(run_id, "more", "b.txt")
    assert sorted(f.path for f in moved.list_artifacts(run_id)) == ["a.txt", "b.txt"]
    assert not (folder / "before").exists()


def forget_artifacts() -> None:
    """MLflow keeps the artifact repository of a run's id for the whole process, whichever store
    it came from."""
    from mlflow.tracking._tracking_service import client, utils

    for place in (utils, client.TrackingServiceClient):
        getattr(place, "_artifact_repos_cache", {}).clear()


def test_relative_uris(folder, scripts):
    script = """
    import mlflow
    for uri, path in (("mlruns:", "mlruns"), ("mlruns:./a b", "a b"), ("mlruns:c%20d", "c d")):
        mlflow.set_tracking_uri(uri)
        with mlflow.start_run() as run:
            mlflow.log_metric("m", 1)
        assert os.path.exists(f"{path}/0/{run.info.run_id}/metrics/m"), uri
    print("done")
    """
    assert scripts.run(script, folder / "unused", cwd=folder, env=ENV).endswith("done\n")


TAKEN = """
import mlflow
from mlruns.store import MlrunsStore
from mlflow.tracking._tracking_service.utils import _get_store
mlflow.set_tracking_uri(sys.argv[2])
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1)
logged = os.path.exists(f"{store}/0/{run.info.run_id}/metrics/m")
print(isinstance(_get_store(), MlrunsStore), logged)
"""


@pytest.mark.parametrize("kind", ["file:", "path"])
def test_taking_over_files(store, scripts, kind):
    uri = store.as_uri() if kind == "file:" else str(store)
    allowed = {"MLFLOW_ALLOW_FILE_STORE": "true"}
    taken = {"MLRUNS_TAKE_FILE": "1"}
    assert scripts.run(TAKEN, store, uri, env=taken).endswith("True True\n")
    assert scripts.run(TAKEN, store, uri, env=allowed).endswith("False True\n")
    activated = "import mlruns; mlruns.activate()\n" + TAKEN
    assert scripts.run(activated, store, uri).endswith("True True\n")
    at_uri = "import mlruns; mlruns.activate(sys.argv[2])\n" + TAKEN.replace(
        "mlflow.set_tracking_uri(sys.argv[2])", ""
    )
    assert scripts.run(at_uri, store, uri).endswith("True True\n")


def test_a_batch_whose_answer_is_lost_is_logged_once(store, monkeypatch):
    from mlflow.entities import Metric, Param

    from mlruns import transport

    client = mlflow.MlflowClient(f"mlruns:{store}")
    run_id = client.create_run("0").info.run_id
    receive = transport.Connection._response
    lost = iter([True, False, False, True] + [False] * 100)

    def lose(self):
        response = receive(self)
        if next(lost):
            raise ConnectionResetError("lost")
        return response

    monkeypatch.setattr(transport.Connection, "_response", lose)
    points = [Metric("a", i, 1, i) for i in range(3)] + [Metric("b", float("nan"), 1, 0)]
    client.log_batch(run_id, points, [Param("p", "1")], [])
    assert [m.step for m in client.get_metric_history(run_id, "a")] == [0, 1, 2]
    assert len(client.get_metric_history(run_id, "b")) == 1
    before = len(client.search_runs(["0"]))
    lost = iter([True] + [False] * 100)
    client.create_run("0", run_name="once")
    assert len(client.search_runs(["0"])) == before + 1


def test_what_a_folder_does_not_offer_is_said(store):
    client = mlflow.MlflowClient(f"mlruns:{store}")
    run = client.create_run("0")
    client.set_terminated(run.info.run_id)
    if not hasattr(client, "create_dataset"):
        pytest.skip("MLflow has not had anything more")
    with pytest.raises(mlflow.exceptions.MlflowException):
        client.create_dataset("d")


def test_no_link_is_printed(store, capsys):
    client = mlflow.MlflowClient(f"mlruns:{store}")
    client.set_terminated(client.create_run("0").info.run_id)
    assert capsys.readouterr().out == ""
