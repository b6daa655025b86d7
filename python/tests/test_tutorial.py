"""A model by scikit-learn's autologging, on our store and on MLflow's own."""

from __future__ import annotations

import json

import pytest
from test_store import run, tree

import mlruns

pytest.importorskip("sklearn")
pytest.importorskip("mlflow.sklearn")


@pytest.mark.long
def test_tutorial(folder):
    ours, theirs = folder / "ours" / "mlruns", folder / "theirs" / "mlruns"
    theirs.parent.mkdir()
    told = run("tutorial.py", f"mlruns:{ours}", folder / "w" / "a")
    told_theirs = run("tutorial.py", theirs.as_uri(), folder / "w" / "b")
    assert json.loads(told.splitlines()[-1]) == json.loads(told_theirs.splitlines()[-1])
    left, right = tree(ours), tree(theirs)
    assert sorted(left) == sorted(right)
    for name, text in left.items():
        if "/metrics/" in name or "/params/" in name:
            assert text == right[name], name
    # MLflow logs the points of a model twice, once more when it knows the model, to both.
    problems = [
        {(p.kind, p.path.count("/")) for p in mlruns.open(s).verify()} for s in (ours, theirs)
    ]
    assert problems[0] == {("duplicate-line", 3)}
    assert problems[0] <= problems[1]
