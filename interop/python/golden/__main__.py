import json
import os
import shutil
import sys
from unittest import mock

import mlflow
from mlflow.entities import LoggedModelOutput, LoggedModelStatus, LoggedModelTag

import models

from . import ROOT, T0, TOP, V3_TRACES
from .calls import do, ops, store
from .collected import collected
from .damages import damages
from .loggedmodels import create, log, start, write_models
from .questions import answers, questions
from .traces import begin, write_traces


def runs(R):
    found = {}
    for i in R.values():
        r = store().get_run(i)
        found[i] = {
            "datasets": sorted(d.dataset.name for d in r.inputs.dataset_inputs),
            "models_in": sorted(x.model_id for x in r.inputs.model_inputs),
            "models_out": sorted([x.model_id, x.step] for x in r.outputs.model_outputs),
            "metrics": {k: [models.point(p) for p in store().get_metric_history(i, k)] for k in sorted(r.data.metrics)},
        }
    return found


def dump(names):
    E, R, M, T = (names[k] for k in ("experiments", "runs", "models", "traces"))
    return {
        "mlflow": mlflow.__version__,
        "names": names,
        "models": models.models(ROOT),
        "traces": models.traces(ROOT),
        "runs": runs(R),
        "searches": answers(questions(E, R, M, T)),
    }


def save(found, path):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(found, f, indent=1, ensure_ascii=False, sort_keys=False)
        f.write("\n")


def write(out):
    shutil.rmtree(TOP, ignore_errors=True)
    os.makedirs(TOP)
    os.chdir(TOP)
    sys.argv = [TOP + "/train.py"]  # what MLflow takes for the name of the source
    if not V3_TRACES:  # a newer OpenTelemetry asks for what this version does not have
        from mlflow.tracing.processor.mlflow_v2 import MlflowV2SpanProcessor

        MlflowV2SpanProcessor._shutdown, MlflowV2SpanProcessor._metrics = False, mock.Mock()
    mlflow.set_tracking_uri(ROOT)
    E = {name: do("create_experiment", name) for name in ("main", "grid", "traces", "odd", "poison", "deletions", "gone")}
    E["located"] = do("create_experiment", "located", "file://" + TOP + "/elsewhere")
    gone = create(E["gone"], "in the trash", None, "agent", {"p": "1"}, {}, LoggedModelStatus.READY)
    deleted = start(E["gone"], "in the trash")
    log(deleted, "acc", 0.5, gone)
    trashed = begin(E["gone"], T0 + 9, 1, "OK", {}, {"color": "red"})
    do("delete_experiment", E["gone"])
    R, M = write_models(E)
    R["deleted"] = start(E["main"], "deleted")
    do("delete_run", R["deleted"])
    log(R["deleted"], "acc", 1, M["alpha"])
    do("log_outputs", R["deleted"], [LoggedModelOutput(M["alpha"], 0)])
    M["trashed"] = gone
    R["traced"] = start(E["traces"], "traced")
    T = write_traces(E, R)
    T["trashed"] = trashed
    do("get_logged_model", gone)
    do("set_logged_model_tags", gone, [LoggedModelTag("late", "1")])
    do("finalize_logged_model", gone, LoggedModelStatus.FAILED)
    do("get_trace_info", trashed)
    do("set_trace_tag", trashed, "late", "1")
    do("delete_traces", E["gone"], max_timestamp_millis=0)
    names = {"experiments": E, "runs": R, "models": M, "traces": T}
    found = dump(names)
    found["ops"] = ops
    found["gc"] = collected(E, R, M)
    found["damages"] = damages(E, M, T)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    for top in ("mlruns", "elsewhere"):
        if os.path.isdir("%s/%s" % (TOP, top)):
            shutil.copytree("%s/%s" % (TOP, top), "%s/%s" % (out, top), symlinks=True)
    save(found, out + "/expected.json")
    shutil.rmtree(TOP)
    print(mlflow.__version__, "models", len(found["models"]), "traces", len(found["traces"]), "searches", len(found["searches"]), "calls", len(ops), "damages", len(found["damages"]))


def answer(out, name):
    with open(out + "/expected.json", encoding="utf-8") as f:
        names = json.load(f)["names"]
    shutil.rmtree(TOP, ignore_errors=True)
    os.makedirs(TOP)
    os.chdir(TOP)
    for top in ("mlruns", "elsewhere"):
        if os.path.isdir("%s/%s" % (out, top)):
            shutil.copytree("%s/%s" % (out, top), "%s/%s" % (TOP, top), symlinks=True)
    save(dump(names), "%s/expected-by-%s.json" % (out, name))
    shutil.rmtree(TOP)


if __name__ == "__main__":
    {"write": write, "answer": answer}[sys.argv[1]](os.path.abspath(sys.argv[2]), *sys.argv[3:])
