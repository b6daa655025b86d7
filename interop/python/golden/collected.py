"""What mlflow gc removes."""

import os
import shutil

from click.testing import CliRunner
from mlflow.cli import gc

from . import ROOT, TOP
from .calls import store, told


def collected(E, R, M):
    """What mlflow gc removes, from the whole store each time. It fails on a store with an unreadable model, which is there only the first time."""
    found = []

    def files():
        return {os.path.relpath(os.path.join(d, f), TOP) for top in (ROOT, TOP + "/elsewhere") for d, _, names in os.walk(top) for f in names}

    for what, args in (
        ("nothing named, a model is unreadable", []),
        ("nothing named", []),
        ("models by id", ["--logged-model-ids", M["deleted"]]),
        ("two models", ["--logged-model-ids", M["deleted"] + "," + M["deleted-pending"]]),
        ("an active model", ["--logged-model-ids", M["alpha"]]),
        ("no such model", ["--logged-model-ids", "m-nope"]),
        ("old enough", ["--older-than", "1m"]),
        ("too young", ["--older-than", "1d"]),
        ("a model too young", ["--older-than", "1d", "--logged-model-ids", M["deleted"]]),
        ("an experiment", ["--experiment-ids", E["gone"]]),
        ("an active experiment", ["--experiment-ids", E["main"]]),
        ("a run", ["--run-ids", R["deleted"]]),
        ("an experiment whose artifacts lie elsewhere", ["--experiment-ids", E["located"]]),
        ("nothing named, a deleted model in a deleted experiment", []),
    ):
        for top in ("mlruns", "elsewhere"):
            shutil.copytree("%s/%s" % (TOP, top), "%s/whole/%s" % (TOP, top), symlinks=True)
        if found:
            shutil.rmtree("%s/%s/models" % (ROOT, E["poison"]))
        if "elsewhere" in what:
            store().delete_experiment(E["located"])
        if "deleted model in" in what:
            with open("%s/.trash/%s/models/%s/meta.yaml" % (ROOT, E["gone"], M["trashed"]), "a") as f:
                f.write("lifecycle_stage: deleted\n")
        before = files()
        r = CliRunner().invoke(gc, ["--backend-store-uri", ROOT, "--tracking-uri", ROOT, *args])
        lines = sorted(line for line in r.output.splitlines() if "permanently deleted" in line)
        found.append({"what": what, "args": args, "said": lines, "removed": sorted(before - files())})
        if r.exception is not None:
            found[-1]["error"] = told(r.exception)
        for top in ("mlruns", "elsewhere"):
            shutil.rmtree("%s/%s" % (TOP, top))
            os.rename("%s/whole/%s" % (TOP, top), "%s/%s" % (TOP, top))
        os.rmdir(TOP + "/whole")
    return found
