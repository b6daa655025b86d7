"""Logged models: in each status, with params, tags and points with and without data sets; and the calls that are refused."""

import os
import shutil

from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput, LoggedModelParameter, LoggedModelStatus, LoggedModelTag, Metric, Param, RunTag
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from . import ROOT, T0, TOP, now
from .calls import do, ops


def create(experiment, name=None, run=None, kind=None, params=None, tags=None, status=None):
    made = do(
        "create_logged_model",
        experiment,
        name,
        run,
        [LoggedModelTag(k, v) for k, v in (tags or {}).items()],
        [LoggedModelParameter(k, v) for k, v in (params or {}).items()],
        kind,
    )
    if made is None:
        return None
    if status is not None:
        do("finalize_logged_model", made.model_id, status)
    return made.model_id


def start(experiment, name):
    return do("create_run", experiment, "golden", now[0], [], name).info.run_id


def log(run, key, value, model, step=0, at=None, data=(None, None)):
    do("log_metric", run, Metric(key, value, at or now[0], step, model, data[0], data[1]))


TRAIN, TRAIN2, TEST = ("train", "d1"), ("train", "d2"), ("test", "d1")


def write_models(E):
    m, R, M = E["main"], {}, {}
    for name in ("one", "two", "three"):
        R[name] = start(m, name)
    READY, FAILED, PENDING = LoggedModelStatus.READY, LoggedModelStatus.FAILED, LoggedModelStatus.PENDING
    M["alpha"] = create(m, "alpha", R["one"], "agent", {"lr": "0.1", "depth": "3", "optimizer": "Adam"}, {"team": "red", "stage": "dev"}, READY)
    M["beta"] = create(m, "beta", R["one"], "agent", {"lr": "0.01", "depth": "10"}, {"team": "blue"}, READY)
    M["gamma"] = create(m, "gamma", R["two"], "sklearn", {"lr": "0.1", "optimizer": "sgd"}, {"team": "Red"}, FAILED)
    M["alpha2"] = create(m, "alpha", R["two"], "", {"lr": "1e-3"}, {"stage": "prod"}, READY)
    M["pending"] = create(m, "pending one", R["two"], None, {}, {})
    M["none"] = create(m, "none", None, None, None, None, LoggedModelStatus.UNSPECIFIED)
    M["unnamed"] = create(m)
    M["nowhere"] = create(m, "nowhere", "no-such-run", "torch", {"lr": ""}, {"team": ""}, PENDING)
    M["unicode"] = create(m, "模型 ünï 🚀 #1 = {x}, [y]\nz", R["three"], "typ é: x", {"損失": "ü", "a/b": "nested", "sp ace": "x"}, {"mlflow.note.content": "# title\n\ntext: x\n", "a/b": "nested", "t.o/p": "1"}, READY)
    M["values"] = create(m, "values", R["three"], "agent", {"nl": "a\nb", "crlf": "a\r\nb", "lead": "  a", "empty": "", "long": "y" * 6001, "quote": "it's \"q\"", "bom": "\ufeffx", "ls": "a\u2028b"}, {"empty": "", "nl": "x\n", "long": "t" * 8001}, READY)
    M["upper"] = create(m, "ALPHA", R["three"], "Agent", {"LR": "0.1", "lr": "0.10"}, {"Team": "red"}, READY)
    M["deleted"] = create(m, "deleted", R["one"], "agent", {"lr": "0.1"}, {"team": "red"}, READY)
    M["deleted-pending"] = create(m, "deleted-pending", R["one"])
    same = now[0]
    M["tie1"] = create(m, "tie", R["one"], "agent")
    now[0] -= 1000
    M["tie2"] = create(m, "tie", R["one"], "agent")
    now[0] = same + 2000
    M["grid1"] = create(E["grid"], "alpha", None, "agent", {"lr": "0.5"}, {"team": "red"}, READY)
    M["grid2"] = create(E["grid"], "delta", None, None, {"lr": "0.1"}, {}, FAILED)
    M["located"] = create(E["located"], "located", None, None, {}, {}, READY)

    # Points: without data set, of several, of one that comes before the plain ones, out of order, NaN and infinite, of two runs, in a batch.
    log(R["one"], "acc", 0.5, M["alpha"], 1)
    log(R["one"], "acc", 0.9, M["alpha"], 2)
    log(R["one"], "acc", 0.7, M["alpha"], 1)
    log(R["one"], "acc", 0.95, M["alpha"], 1, data=TRAIN)
    log(R["one"], "acc", 0.85, M["alpha"], 3, data=TEST)
    log(R["one"], "loss", 0.1, M["alpha"], 0, data=TRAIN)
    log(R["one"], "acc", 0.6, M["beta"], 5, data=TRAIN)
    log(R["one"], "acc", 0.99, M["beta"], 1)
    log(R["one"], "acc", 0.3, M["beta"], 5, data=TRAIN2)
    log(R["two"], "acc", 0.4, M["beta"], 9, data=TEST)
    log(R["two"], "loss", 0.2, M["beta"])
    log(R["two"], "acc", float("nan"), M["gamma"])
    log(R["two"], "acc", 0.8, M["gamma"], data=TRAIN)
    log(R["two"], "loss", float("inf"), M["gamma"])
    log(R["two"], "acc", float("nan"), M["alpha2"], 1)
    log(R["two"], "acc", 0.2, M["alpha2"], 1)
    log(R["two"], "loss", float("-inf"), M["alpha2"], data=TEST)
    log(R["two"], "acc", 0.2, M["tie1"], -1)
    log(R["two"], "acc", 0.2, M["tie2"], -1)
    log(R["three"], "val/acc", 0.5, M["unicode"])
    log(R["three"], "sp ace", -0.0, M["unicode"], 2, at=5)
    log(R["three"], "sp ace", 1e16, M["unicode"], 2, at=4)
    log(R["three"], "損失", 5e-324, M["unicode"], data=("データ", "ffff"))
    log(R["three"], "late", 3, M["values"], 1, at=T0 + 900)
    log(R["three"], "late", 1, M["values"], 9, at=T0 + 800)
    log(R["three"], "late", 2, M["values"], 9, at=T0 + 700, data=TRAIN)
    log(R["three"], "late", 4, M["values"], 1, at=T0 + 950, data=TEST)
    log(R["one"], "acc", 0.1, M["deleted"])
    do("log_batch", R["three"], [Metric("acc", i / 10, T0 + i, i, M["upper"], *(TRAIN if i % 2 else (None, None))) for i in range(6)], [Param("p", "v")], [RunTag("t", "v")])
    log(R["one"], "acc", 0.5, M["grid1"])  # of another experiment: makes a folder without meta.yaml in this one
    do("get_logged_model", M["grid1"])
    shutil.rmtree("%s/%s/models/%s" % (ROOT, m, M["grid1"]))
    do("log_inputs", R["one"], [DatasetInput(Dataset(*TRAIN, "local", "s"), [InputTag("mlflow.data.context", "train")])], [LoggedModelInput(M["gamma"])])
    do("log_outputs", R["one"], [LoggedModelOutput(M["alpha"], 2), LoggedModelOutput(M["beta"], 0)])
    do("log_outputs", R["two"], [LoggedModelOutput(M["deleted"], 1), LoggedModelOutput("m-nope", 7)])
    do("log_outputs", R["one"], [LoggedModelOutput(M["alpha"], 9)])

    # Calls on models that are there, and refused ones.
    tag, param = LoggedModelTag, LoggedModelParameter
    do("set_logged_model_tags", M["alpha"], [tag("stage", "prod"), tag("late", "1"), tag("gone", "x"), tag("none", None), tag("int", 3)])
    do("delete_logged_model_tag", M["alpha"], "gone")
    do("delete_logged_model_tag", M["alpha"], "gone")
    do("delete_logged_model_tag", M["alpha"], "it's")
    do("delete_logged_model_tag", M["alpha"], "bad!")
    do("set_logged_model_tags", M["alpha"], [tag("ok", "1"), tag("bad!", "1"), tag("after", "1")])
    do("set_logged_model_tags", M["alpha"], [])
    do("log_logged_model_params", M["alpha"], [param("lr", "0.2"), param("new", "1")])
    do("log_logged_model_params", M["alpha"], [param("lr", "0.1")])
    do("log_logged_model_params", M["alpha"], [param("x", "1"), param("bad!", "1")])
    do("log_logged_model_params", M["alpha"], [param("k" * 251, "1")])
    do("log_logged_model_params", M["alpha"], [param("a/../b", "1")])
    do("finalize_logged_model", M["beta"], FAILED)
    do("finalize_logged_model", M["beta"], READY)
    do("delete_logged_model", M["deleted"])
    do("delete_logged_model", M["deleted-pending"])
    for call in (("get_logged_model",), ("delete_logged_model",), ("finalize_logged_model", READY), ("delete_logged_model_tag", "team")):
        do(call[0], M["deleted"], *call[1:])
        for bad in ("m-nope", "", "../m-x", ".", "a" * 300, "m-é"):
            do(call[0], bad, *call[1:])
    for bad in (M["deleted"], "m-nope"):
        do("set_logged_model_tags", bad, [tag("a", "1")])
        do("log_logged_model_params", bad, [param("a", "1")])
    log(R["one"], "acc", 0.2, M["deleted"], 3)
    for bad in ("", "a/b", "a:b", "a.b", "50%", 'a"b', "a'b"):
        create(m, bad)
    for name in ("  ", "x" * 500, "C\\d"):
        create(E["odd"], name)
    create("424242", "x")
    create("nope", "x")
    create("", "x")
    create("../x", "x")
    create(E["gone"], "x")
    create(m, "x", None, None, {"bad!": "1"})
    create(E["odd"], "bad tag", None, None, {}, {"bad!": "1"})  # leaves the model without tags
    create(E["odd"], "same keys", None, None, {"a": "1"}, {"a": "2"})
    create(E["odd"], "a and a below", None, None, {"a": "1", "a/b": "2"})
    create(E["poison"], "poison")
    M["poison"] = ops[-1]["model"]
    P = start(E["poison"], "poison")
    log(P, "m", 1, M["poison"], data=("two words", "d"))

    for name, text in (("MLmodel", "flavors: {}\n"), ("data/weights.bin", "\0\1\2"), ("data/é a.txt", "x")):
        path = "%s/src/%s" % (TOP, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
    for at, name in ((ROOT + "/" + m, "alpha"), (ROOT + "/" + m, "deleted"), (TOP + "/elsewhere", "located")):
        LocalArtifactRepository("%s/models/%s/artifacts" % (at, M[name])).log_artifacts(TOP + "/src")
    shutil.rmtree(TOP + "/src")
    return R, M
