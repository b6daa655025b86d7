"""Logs, tags, renames, deletes and searches in a store that others write to at the same time, and keeps a log of it."""

import json
import random
import time

from mlflow.entities import Metric, Param, RunTag, ViewType

import read

try:
    from mlflow.models import Model
except ImportError:  # mlflow-skinny without numpy
    Model = None


class Worker:
    """Each method is an operation; it gives what it was about: the run or experiment, a key, a value."""

    def __init__(self, root, name, seed, experiment, runs, at):
        self.c, self.name, self.experiment, self.runs, self.at = read.client(root), name, experiment, runs, at
        self.r = random.Random(seed)
        self.n = 0
        self.made, self.mine = [], []

    def value(self):
        return "%s-%06d" % (self.name, self.n)

    def run(self):
        return self.runs[self.r.randrange(2)]

    def metric(self, what):
        what.update(run=self.run(), key=self.r.choice(["both", "own/" + self.name]), value=str(self.n))
        self.c.log_metric(what["run"], what["key"], float(self.n), self.at, self.n)

    def batch(self, what):
        what.update(run=self.run(), key="batch/" + self.name, value=self.value())
        self.c.log_batch(
            what["run"],
            [Metric("batch/" + self.name, float(i), 1, self.n * 100 + i) for i in range(20)],
            [Param("batch/" + self.value(), self.value())],
            [RunTag("batch/" + self.name, self.value())],
        )

    def param(self, what):
        what.update(run=self.run(), key="own/" + self.value(), value=self.value())
        self.c.log_param(what["run"], what["key"], what["value"])

    def tag(self, what):
        what.update(run=self.run(), key=self.r.choice(["both", "own." + self.name]), value=self.value())
        self.c.set_tag(what["run"], what["key"], what["value"])

    def untag(self, what):
        what.update(run=self.run(), key=self.r.choice(["both", "own." + self.name]))
        self.c.delete_tag(what["run"], what["key"])

    def rename(self, what):
        what.update(run=self.run(), value=self.value())
        self.c.update_run(what["run"], name=what["value"])

    def status(self, what):
        what.update(run=self.run(), value=self.r.choice(["RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED"]))
        self.c.update_run(what["run"], status=what["value"])

    def delete(self, what):
        what.update(run=self.runs[2], value="deleted")
        self.c.delete_run(what["run"])

    def restore(self, what):
        what.update(run=self.runs[2], value="active")
        self.c.restore_run(what["run"])

    def model(self, what):
        what.update(run=self.run(), value=self.value())
        self.c._record_logged_model(what["run"], Model(artifact_path=what["value"], run_id=what["run"]))

    def experiment_rename(self, what):
        what.update(run=self.experiment, value=self.value())
        self.c.rename_experiment(self.experiment, what["value"])

    def experiment_tag(self, what):
        what.update(run=self.experiment, key=self.r.choice(["both", "own." + self.name]), value=self.value())
        self.c.set_experiment_tag(self.experiment, what["key"], what["value"])

    def create(self, what):
        run = self.c.create_run(self.experiment, 1, {"made": self.value()})
        what.update(run=run.info.run_id, value=self.value())
        self.c.log_metric(what["run"], "m", 1.0, 1, 1)
        self.made.append(what["run"])

    def experiment_create(self, what):
        what.update(value="of " + self.value())
        what["run"] = self.c.create_experiment(what["value"])
        self.mine.append(what["run"])

    def experiment_delete(self, what):
        if not self.mine:
            raise LookupError("none yet")
        what.update(run=self.r.choice(self.mine), value="deleted")
        self.c.delete_experiment(what["run"])

    def experiment_restore(self, what):
        if not self.mine:
            raise LookupError("none yet")
        what.update(run=self.r.choice(self.mine), value="active")
        self.c.restore_experiment(what["run"])

    def search(self, what):
        found = {r.info.run_id for r in self.c.search_runs([self.experiment], "tags.made LIKE '%'", ViewType.ALL, 50000)}
        missing = [i for i in self.made if i not in found]
        if missing:
            raise AssertionError("search misses %s" % missing)


WEIGHTS = {
    "metric": 20, "batch": 5, "param": 8, "tag": 10, "untag": 3, "rename": 5, "status": 5, "delete": 3, "restore": 3, "model": 4,
    "experiment_rename": 3, "experiment_tag": 5, "create": 3, "experiment_create": 1, "experiment_delete": 1, "experiment_restore": 1, "search": 1,
}


def work(root, name, seed, experiment, runs, end, log, at):
    """Works until the time end, in nanoseconds, and writes one line an operation."""
    w = Worker(root, name, seed, experiment, runs, at)
    names = [n for n in WEIGHTS if n != "model" or Model]
    weights = [WEIGHTS[n] for n in names]
    with open(log, "w", encoding="utf-8") as f:
        while time.time_ns() < end:
            do = w.r.choices(names, weights)[0]
            w.n += 1
            what = {"by": name, "do": do, "n": w.n, "begin": time.time_ns()}
            try:
                getattr(w, do)(what)
            except Exception as e:
                error = read.error(e)
                what["err"] = "%s %s: %s" % (error["type"], error["code"], error["message"][:200])
            what["end"] = time.time_ns()
            f.write(json.dumps(what) + "\n")
    return w.n


DO = {"work": work}
