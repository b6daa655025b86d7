"""Columns as the server tells them, and tables of several answers."""

from __future__ import annotations

import math

import pytest

from mlruns.columns import Table


def told(ids, metrics=(), params=(), rest=()):
    info = {"run_id": list(ids), "start_time": [1] * len(ids)}
    return {
        "rows": len(ids), "info": info,
        "metrics": list(metrics), "params": list(params), "tags": [], "rest": list(rest),
    }  # fmt: skip


def points(key, values, **more):
    count = len(values)
    return {"key": key, "value": values, "timestamp": [5] * count, "step": [0] * count, **more}


@pytest.fixture
def table():
    """Rows a to e, of two answers: m of all, n of a, c and e, p of the second answer alone."""
    made = Table()
    made.append(told("abc", [points("m", [1, 2, "NaN"]), points("n", [1, 3], rows=[0, 2])]))
    made.append(
        told(
            "de",
            [points("m", [4, "-Infinity"]), points("n", [5], rows=[1])],
            [{"key": "p", "value": ["x", "y"]}],
            [{"row": 1, "inputs": {}}],
        )
    )
    return made


def test_answers_become_one_table(table):
    assert table.size == 5
    assert table.info["run_id"] == list("abcde")
    m = table.dense("metrics", "m")
    assert m[:2] + m[3:] == [1.0, 2.0, 4.0, -math.inf]
    assert math.isnan(m[2])
    assert table.columns["metrics"]["m"].rows == range(5)
    assert table.dense("metrics", "n") == [1.0, None, 3.0, None, 5.0]
    assert table.dense("params", "p") == [None, None, None, "x", "y"]
    assert table.entries("params") == [{}, {}, {}, {"p": "x"}, {"p": "y"}]
    assert table.entries("metrics")[4] == {"m": -math.inf, "n": 5.0}
    assert list(table.rest) == [4]


@pytest.mark.parametrize("at", [slice(1, 4), slice(None, None, -1), slice(0, 0), slice(4, 0, -2)])
def test_rows_are_taken(table, at):
    rows = range(5)[at]
    taken = table.take(rows)
    assert taken.size == len(rows)
    assert taken.info["run_id"] == list("abcde")[at]
    assert taken.entries("metrics") == table.entries("metrics")[at] or at == slice(1, 4)
    for key, column in taken.columns["metrics"].items():
        assert list(column.rows) == sorted(column.rows)
        assert str(taken.dense("metrics", key)) == str(table.dense("metrics", key)[at])
    assert [rows[row] for row in taken.rest] == [row for row in rows if row == 4]


def test_no_rows():
    made = Table()
    assert made.entries("metrics") == []
    made.append(told(""))
    assert (made.size, made.entries("tags")) == (0, [])
    assert made.take(range(0)).size == 0
