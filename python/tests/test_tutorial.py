"""A model by scikit-learn's autologging, on our store and on MLflow's own."""

from __future__ import annotations

import json

import pytest
from test_store import run, tree

pytest.importorskip("sklearn")
pytest.importorskip("mlflow.sklearn")


@pytest.mark.long
def test_tutorial(folder, store):
    theirs = folder / "theirs" / "mlruns"
    theirs.parent.mkdir()
    told = run("tutorial.py", f"mlruns:{store}", folder / "w" / "a")
    told_theirs = run("tutorial.py", theirs.as_uri(), folder / "w" / "b")
    assert json.loads(told.splitlines()[-1]) == json.loads(told_theirs.splitlines()[-1])
    left, right = tree(store), tree(theirs)
    assert sorted(left) == sorted(right)
    for name, text in left.items():
        if "/metrics/" in name or "/params/" in name:
            assert text == right[name], name
