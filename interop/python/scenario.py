"""Writes a random store through MlflowClient."""

import os
import random
import tempfile

import mlflow
from mlflow.entities import Metric, Param, RunTag

import read

VERSION = tuple(int(n) for n in mlflow.__version__.split(".")[:2])
FINITE = VERSION < (1, 7)  # MLflow 1.0 refuses what is not finite
LETTERS = "abcXYZ019_.- éß日本語Ω²"
LINES = VERSION >= (1, 7)  # before, a param of several lines could be written and not read
TEXT = LETTERS + "/:'\"#%{}[]&*!|>@`,\\~=+?<>$^()\täöü🚀\u00a0\u200b" + ("\u2028\u0085" if LINES else "")
VALUES = [0.0, -0.0, 1.0, 1e16, 1e-5, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, -1e-10, float("nan"), float("inf"), float("-inf")]


class Writer:
    def __init__(self, root, seed):
        self.c = read.client(root)
        self.r = random.Random(seed)
        self.n = 0

    def text(self, most=30):
        s = "".join(self.r.choice(TEXT) for _ in range(self.r.randint(0, most)))
        kind = self.r.random()
        if kind < 0.05 and LINES:
            return s + "\n" + s + "\r\nend\n"
        if kind < 0.1:
            return self.r.choice(["null", "~", "1e5", "08", "yes", "2020-01-01", "0x1F", " x ", "12:30:00", "=", "<<", "nan", "- a", "a: b", "'"])
        if kind < 0.13:
            return (s or "x") * (240 // max(len(s), 1))
        return s

    def key(self):
        """No two keys are the same, so none needs another's file as its folder."""
        self.n += 1
        s = "".join(self.r.choice(LETTERS) for _ in range(self.r.randint(0, 12))).strip(".")
        if self.r.random() < 0.3:
            s = "nest/" + s.strip(" .") + "x/deep"
        if self.r.random() < 0.1 and VERSION >= (2, 16):
            s += ":colon"
        return "k%d%s" % (self.n, s)

    def value(self):
        values = VALUES[:9] if FINITE else VALUES
        return self.r.choice(values) if self.r.random() < 0.5 else self.r.uniform(-1, 1) * 10 ** self.r.randint(-20, 20)

    def time(self):
        return self.r.randint(1, 2_000_000_000_000)

    def name(self):
        """A quote in a name is a bug of MLflow >= 2.0, which docs/compat.md lists."""
        self.n += 1
        return "%s %d" % (self.text().replace("'", ""), self.n)

    def experiment(self):
        c, r = self.c, self.r
        e = c.create_experiment(self.name(), r.choice([None, None, "s3://bucket/" + str(self.n)]))
        if hasattr(c, "set_experiment_tag"):
            for _ in range(r.randint(0, 3)):
                c.set_experiment_tag(e, self.key(), self.text())
        if r.random() < 0.3:
            c.rename_experiment(e, self.name())
        return e

    def run(self, e):
        c, r = self.c, self.r
        tags = {self.key(): self.text() for _ in range(r.randint(0, 3))}
        if r.random() < 0.5:
            tags["mlflow.runName"] = self.text() or "named"
        if r.random() < 0.5:
            tags["mlflow.user"] = self.text() or "somebody"
        run = c.create_run(e, self.time(), tags)
        i = run.info.run_id
        for _ in range(r.randint(0, 4)):
            c.log_param(i, self.key(), self.text())
        for _ in range(r.randint(0, 3)):
            k = self.key()
            for _ in range(r.randint(1, 8)):
                c.log_metric(i, k, self.value(), r.choice([5, 6, self.time()]), r.randint(-1, 1))
        keys = [self.key() for _ in range(3)]
        c.log_batch(
            i,
            metrics=[Metric(r.choice(keys), self.value(), self.time(), n) for n in range(r.randint(0, 40))],
            params=[Param(self.key(), self.text()) for _ in range(r.randint(0, 3))],
            tags=[RunTag(self.key(), self.text()) for _ in range(r.randint(0, 3))],
        )
        k = self.key()
        c.set_tag(i, k, self.text())
        c.set_tag(i, k, self.text())
        gone = self.key()
        c.set_tag(i, gone, "gone")
        if hasattr(c, "delete_tag"):
            c.delete_tag(i, gone)
        if not run.info.artifact_uri.startswith("s3:"):
            self.artifacts(i)
        if VERSION >= (2, 4):
            self.inputs(i)
        if VERSION >= (1, 30) and r.random() < 0.3:
            c.update_run(i, name=self.text() or "again")
        if r.random() < 0.6:
            c.set_terminated(i, r.choice(["FINISHED", "FAILED", "KILLED", "SCHEDULED", None]), self.time())
        if r.random() < 0.3:
            c.delete_run(i)
            if r.random() < 0.4:
                c.restore_run(i)

    def artifacts(self, i):
        with tempfile.TemporaryDirectory() as d:
            for name in ("a.txt", "b é.bin", "sub/c.txt"):
                os.makedirs(os.path.dirname(os.path.join(d, name)), exist_ok=True)
                with open(os.path.join(d, name), "wb") as f:
                    f.write(bytes(self.r.randrange(256) for _ in range(self.r.randint(0, 99))))
            self.c.log_artifact(i, os.path.join(d, "a.txt"), "one/two")
            self.c.log_artifacts(i, d)

    def inputs(self, i):
        from mlflow.entities import Dataset, DatasetInput, InputTag

        for _ in range(self.r.randint(0, 2)):
            d = Dataset(self.text() + "d", self.key()[:36], "local", self.text(), self.text(), self.text())
            self.c.log_inputs(i, [DatasetInput(d, [InputTag("mlflow.data.context", self.text())])])


def scenario(root, seed, experiments, runs):
    """Makes the store; gives the ids of the runs whose artifacts lie in it and are not in the trash."""
    w = Writer(root, seed)
    local = []
    for e in ["0"] + [w.experiment() for _ in range(experiments)]:
        for _ in range(w.r.randint(1, runs)):
            w.run(e)
        if e != "0" and w.r.random() < 0.35:
            w.c.delete_experiment(e)
            if w.r.random() < 0.4:
                w.c.restore_experiment(e)
    for e in read.experiments(w.c, read.ViewType.ACTIVE_ONLY):
        for r in w.c.search_runs([e.experiment_id], "", read.ViewType.ALL):
            if not r.info.artifact_uri.startswith("s3:"):
                local.append(r.info.run_id)
    return local


DO = {"scenario": scenario}
