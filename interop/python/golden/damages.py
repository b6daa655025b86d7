"""The store with one file of it damaged, and what MLflow says of that."""

import base64
import contextlib
import os
import shutil

from mlflow.entities import ViewType

import models

from . import ROOT, TOP, V3_TRACES
from .calls import sorted_sets, store


def damaged(path, content):
    """The store with one file or folder of it replaced; None removes it."""

    @contextlib.contextmanager
    def do():
        whole = ROOT + "/" + path
        shutil.copytree(ROOT, TOP + "/whole", symlinks=True)
        if os.path.isdir(whole):
            shutil.rmtree(whole)
        elif os.path.exists(whole):
            os.remove(whole)
        if content is not None:
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "wb") as f:
                f.write(content)
        try:
            yield
        finally:
            shutil.rmtree(ROOT)
            os.rename(TOP + "/whole", ROOT)

    return do()


def damages(E, M, T):
    found = []

    def one(what, path, content, ask):
        with damaged(path, content):
            d = {"of": of, "what": what, "path": path, "content": None if content is None else base64.b64encode(content).decode()}
            for name, f in ask.items():
                d[name] = models.attempt(f)
                if "error" in d[name]:
                    d[name]["error"]["message"] = sorted_sets(d[name]["error"]["message"])
            found.append(d)

    of, m, i = "model", E["main"], M["alpha"]
    ask = {
        "get": lambda: models.model(store().get_logged_model(i)),
        "get-any": lambda: models.model(models.any_model(store(), i)),
        "search": lambda: models.search_models(store(), {"experiments": [m]}, None)[0],
        "runs": lambda: len(store().search_runs([m], "", ViewType.ALL)),
    }
    at = "%s/models/%s/" % (m, i)
    with open(ROOT + "/" + at + "meta.yaml", "rb") as f:
        meta = f.read()
    lines = meta.splitlines(True)

    def replaced(key, value):
        return b"".join(key.encode() + b": " + value + b"\n" if line.startswith(key.encode() + b":") else line for line in lines)

    for what, content in {
        "missing": None, "empty": b"", "blank": b"\n", "not YAML": b"{[", "a list": b"- 1\n", "a key more": meta + b"extra: 1\n", "the stage missing": meta, "the stage active": meta + b"lifecycle_stage: active\n",
        "the stage deleted": meta + b"lifecycle_stage: deleted\n", "the stage unknown": meta + b"lifecycle_stage: gone\n", "status unknown": replaced("status", b"9"), "status as text": replaced("status", b"READY"),
        "status null": replaced("status", b"null"), "another experiment": replaced("experiment_id", b"'0'"), "the experiment as a number": replaced("experiment_id", m.encode()), "another id": replaced("model_id", b"m-other"),
        "params inside, as before 3.1": meta + b"params:\n  lr: '9'\ntags:\n  team: inside\n", "name null": replaced("name", b"null"), "times as text": replaced("creation_timestamp", b"'5'"), "a byte order mark": b"\xef\xbb\xbf" + meta, "CRLF": meta.replace(b"\n", b"\r\n"),
    }.items():  # fmt: skip
        one("meta.yaml: " + what, at + "meta.yaml", content, ask)
    for line in lines:
        key = line.split(b":")[0].decode()
        one("meta.yaml: without " + key, at + "meta.yaml", b"".join(x for x in lines if x != line), ask)
    run = b"0" * 32
    for what, content in {
        "empty": b"", "a blank line": b"1 2 3 r\n\n", "two fields": b"1 2\n", "three fields": b"1 0.5 3\n", "four fields": b"1 0.5 3 " + run + b"\n", "five fields": b"1 0.5 3 %s train\n" % run, "six fields": b"1 0.5 3 %s train d1\n" % run,
        "seven fields": b"1 0.5 3 %s two words d1\n" % run, "no newline": b"1 0.5 3 " + run, "cut off": b"1 0.5 3 %s\n17000" % run, "no number": b"1 abc 3 r\n", "two blanks": b"1  0.5 3 r\n", "two blanks after a digest": b"1 0.5 3 r t d  \n",
        "float step": b"1 0.5 3.5 r\n", "not UTF-8": b"1 0.5 3 \xff\n", "CRLF": b"1 0.5 3 r\r\n", "a tab": b"1\t0.5\t3\tr\n", "blanks before": b"    1 0.5 3 r\n",
    }.items():  # fmt: skip
        one("metrics/acc: " + what, at + "metrics/acc", content, ask)
    for what, path, content in (
        ("metrics: a bad name", "metrics/bad!", b"1 2 3 r\n"), ("metrics missing", "metrics", None), ("params missing", "params", None), ("tags missing", "tags", None), ("params: a bad name", "params/bad!", b"x"),
        ("params: not UTF-8", "params/lr", b"\xff"), ("params: empty", "params/lr", b""), ("params: a newline more", "params/lr", b"0.1\n"), ("tags: a bad name", "tags/bad!", b"x"), ("tags: .DS_Store", "tags/.DS_Store", b"x"),
        ("artifacts missing", "artifacts", None), ("a file more", "x.txt", b"x"), ("the folder missing", "", None), ("a file in its place", "", b"x"),
    ):  # fmt: skip
        one(what, (at + path).rstrip("/"), content, ask)
    one("models/: a stray file", m + "/models/x.txt", b"x", ask)
    one("models/: a folder without meta.yaml", m + "/models/m-half/metrics/acc", b"1 0.5 3 r\n", ask)
    one("models/: a folder with a foreign name", m + "/models/.ipynb_checkpoints/x", b"x", ask)
    one("models/: a copy of a model by another name", m + "/models/m-copy/meta.yaml", meta, ask)
    one("models/: a file", m + "/models", b"x", ask)

    of, m, i = "trace", E["traces"], T["plain"]
    ask = {
        "get": lambda: models.trace(store().get_trace_info(i)),
        "spans": lambda: models.spans(store().get_trace_info(T["ok"])),
        "search": lambda: models.search_traces(store(), {"experiments": [m]}, None)[0],
        "runs": lambda: len(store().search_runs([m], "", ViewType.ALL)),
    }
    at = "%s/traces/%s/" % (m, i)
    with open(ROOT + "/" + at + "trace_info.yaml", "rb") as f:
        meta = f.read()
    lines = meta.splitlines(True)
    for what, content in {
        "missing": None, "empty": b"", "not YAML": b"{[", "a list": b"- 1\n", "a key more": meta + b"extra: 1\n", "state unknown": replaced("state", b"GONE") if V3_TRACES else replaced("status", b"GONE"),
        "another id": replaced("trace_id", b"tr-other") if V3_TRACES else replaced("request_id", b"other"), "another experiment": meta.replace(m.encode(), b"0"), "no time": replaced("request_time", b"soon") if V3_TRACES else replaced("timestamp_ms", b"soon"),
        "the other generation": b"assessments: []\nexecution_time_ms: 7\nexperiment_id: '%s'\nrequest_id: %s\nstatus: OK\ntimestamp_ms: 1700000000200\n" % (m.encode(), i.encode()) if V3_TRACES
        else b"execution_duration_ms: 7\nrequest_time: '2026-11-27T09:25:09.135Z'\nstate: ERROR\ntrace_id: %s\ntrace_location:\n  mlflow_experiment:\n    experiment_id: '%s'\n  type: MLFLOW_EXPERIMENT\n" % (i.encode(), m.encode()),
        "the older generation without assessments": b"execution_time_ms: 7\nexperiment_id: '%s'\nrequest_id: %s\nstatus: OK\ntimestamp_ms: 1700000000200\n" % (m.encode(), i.encode()),
    }.items():  # fmt: skip
        one("trace_info.yaml: " + what, at + "trace_info.yaml", content, ask)
    if V3_TRACES:
        for what, text in {
            "as a number": b"1700000000100", "without fraction": b"'2023-11-14T22:13:20Z'", "of microseconds": b"'2023-11-14T22:13:20.123456Z'", "with an offset": b"'2023-11-14T22:13:20.1+01:00'", "unquoted": b"2023-11-14T22:13:20.100Z",
        }.items():  # fmt: skip
            one("trace_info.yaml: the time " + what, at + "trace_info.yaml", replaced("request_time", text), ask)
        one("trace_info.yaml: the state lower case", at + "trace_info.yaml", replaced("state", b"ok"), ask)
        one("trace_info.yaml: the duration a text of seconds", at + "trace_info.yaml", meta.replace(b"execution_duration_ms: 50", b"execution_duration: 0.050s"), ask)
    for line in lines:
        if not line.startswith(b" "):
            one("trace_info.yaml: without " + line.split(b":")[0].decode(), at + "trace_info.yaml", b"".join(x for x in lines if x != line), ask)
    for what, path, content in (
        ("tags missing", "tags", None), ("request_metadata missing", "request_metadata", None), ("tags: a bad name", "tags/bad!", b"x"), ("tags: .DS_Store", "tags/.DS_Store", b"x"), ("tags: not UTF-8", "tags/color", b"\xff"),
        ("request_metadata: a bad name", "request_metadata/bad!", b"x"), ("the artifact location missing", "tags/mlflow.artifactLocation", None), ("assessments: a stray file", "assessments/x.txt", b"x"), ("assessments: an empty one", "assessments/a-x.yaml", b""),
        ("assessments: not YAML", "assessments/a-x.yaml", b"{["), ("assessments: of no kind", "assessments/a-x.yaml", b"assessment_id: a-x\nassessment_name: x\n"), ("assessments: a name with two dots", "assessments/a-x.old.yaml", b"x"),
        ("a file more", "x.txt", b"x"), ("the folder missing", "", None), ("a file in its place", "", b"x"),
    ):  # fmt: skip
        one(what, (at + path).rstrip("/"), content, ask)
    spans_at = "%s/traces/%s/artifacts/traces.json" % (m, T["ok"])
    for what, content in {"missing": None, "empty": b"", "not JSON": b'{"spans": [', "a list": b"[]", "no spans": b"{}", "not UTF-8": b'{"spans": "\xff"}'}.items():
        one("traces.json: " + what, spans_at, content, ask)
    one("traces/: a stray file", m + "/traces/x.txt", b"x", ask)
    one("traces/: an empty folder", m + "/traces/tr-half/tags/x", b"x", ask)
    one("traces/: a copy of a trace by another name", m + "/traces/tr-copy/trace_info.yaml", meta, ask)
    return found
