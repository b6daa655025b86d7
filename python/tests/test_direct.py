"""A store without MLflow."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from xml.etree import ElementTree

import pytest

import mlruns
from mlruns import html, uri
from mlruns.direct import Point
from mlruns.service import service


@pytest.fixture
def filled(store):
    s = service(uri.parse(store))
    exp = s.post("experiments/create", {"name": "sweep"})["experiment_id"]
    for i in range(5):
        body = {"experiment_id": exp, "run_name": f"run {i}", "start_time": 1000 * i}
        run_id = s.post("runs/create", body)["run"]["info"]["run_id"]
        metrics = [
            {"key": "loss", "value": 1 / (step + 1) + i, "timestamp": step, "step": step}
            for step in range(200)
        ]
        odd = [{"key": "odd", "value": v, "timestamp": 1, "step": 1} for v in ("NaN", "Infinity")]
        tags = [{"key": "keep", "value": "yes" if i == 4 else "no"}]
        params = [{"key": "lr", "value": str(10.0**-i)}, {"key": "same", "value": "<b>&"}]
        body = {"run_id": run_id, "metrics": metrics + odd[i % 2 :], "tags": tags, "params": params}
        s.post("runs/log-batch", body)
    return store


def test_runs(filled):
    opened = mlruns.open(filled)
    found = opened.runs("metrics.loss < 1 OR tags.keep = 'yes'", order_by="metrics.loss ASC")
    assert [run.name for run in found] == ["run 0", "run 4"]
    assert found[0].params == {"lr": "1.0", "same": "<b>&"}
    assert found[0].start_time == datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert len(opened.runs(experiments="sweep", max_results=3)) == 3
    assert len(opened.runs(experiments=["Default"])) == 0
    assert len(found[:1]) == 1
    with pytest.raises(KeyError, match="no experiment 'none'"):
        opened.runs(experiments="none")
    with pytest.raises(mlruns.MlrunsError, match="Invalid comparator '~'") as refused:
        opened.runs("metrics.loss ~ 3")
    assert refused.value.code == "INVALID_PARAMETER_VALUE"
    assert [e.name for e in opened.experiments()] == ["sweep", "Default"]


def test_history_and_checks(filled):
    opened = mlruns.open(filled.as_uri())
    (run,) = opened.runs("tags.keep = 'yes'")
    points = opened.history(run.id, "loss")
    assert points == run.history("loss")
    assert points[0] == Point(0, 5.0, datetime(1970, 1, 1, tzinfo=timezone.utc))
    assert len(points) == 200
    assert opened.verify() == []
    metric = filled / run.experiment_id / run.id / "metrics" / "broken"
    metric.write_text("no point\n")
    (problem,) = opened.verify()
    assert (problem.kind, problem.line) == ("malformed", 1)
    assert [p.path for p in opened.problems()] == [problem.path]
    assert opened.runs().problems
    metric.unlink()


def test_tables(filled):
    found = mlruns.open(filled).runs(order_by="start_time DESC")
    assert found.to_dicts()[0]["metrics.loss"] == found[0].metrics["loss"]
    pandas = pytest.importorskip("pandas")
    frame = found.to_pandas()
    assert list(frame["tags.keep"]) == ["yes", "no", "no", "no", "no"]
    assert frame["metrics.loss"].dtype == "float64"
    assert str(frame["start_time"].dt.tz) == "UTC"
    assert frame["end_time"].isna().all()
    pyarrow = pytest.importorskip("pyarrow")
    table = found.to_arrow()
    assert table.schema.field("metrics.loss").type == pyarrow.float64()
    assert table.num_rows == 5
    empty = mlruns.open(filled).runs("metrics.loss < 0")
    assert empty.to_pandas().empty
    assert empty.to_arrow().num_rows == 0
    assert isinstance(frame, pandas.DataFrame)


def test_the_same_table_as_mlflows(filled):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("pandas")
    mlflow.set_tracking_uri(f"mlruns:{filled}")
    theirs = mlflow.search_runs(experiment_names=["sweep"], order_by=["start_time DESC"])
    ours = mlruns.open(filled).runs(experiments="sweep", order_by="start_time DESC").to_pandas()
    assert set(theirs.columns) == set(ours.columns) - {"run_name"}
    assert (theirs.isna() == ours[theirs.columns].isna()).all().all()
    for column in set(theirs.columns) - {"end_time"}:
        assert list(theirs[column].astype(str)) == list(ours[column].astype(str)), column


def test_runs_with_gaps(store):
    """Runs that have little in common, in more than one page, in parts and one by one."""
    s = service(uri.parse(store))
    for i in range(7):
        body = {"experiment_id": "0", "run_name": f"r{i}", "start_time": i}
        run_id = s.post("runs/create", body)["run"]["info"]["run_id"]
        metrics = [{"key": f"m{i % 3}", "value": i, "timestamp": 1, "step": 1}]
        tags = [{"key": f"only{i}", "value": "ü"}]
        s.post("runs/log-batch", {"run_id": run_id, "metrics": metrics, "tags": tags})
    opened = mlruns.open(store)
    whole = opened.runs(order_by="start_time ASC")
    assert [run.metrics for run in whole] == [{f"m{i % 3}": float(i)} for i in range(7)]
    assert all(run == opened.run(run.id) for run in whole)
    assert [run.name for run in whole[5:0:-2]] == ["r5", "r3", "r1"]
    assert whole[-1] == whole[6:][0] == list(whole)[6]
    with pytest.raises(IndexError):
        whole[7]
    assert whole[2:4].to_dicts() == whole.to_dicts()[2:4]
    columns = whole.columns()
    assert columns["metrics.m1"] == [None, 1.0, None, None, 4.0, None, None]
    assert columns["tags.only3"] == [None, None, None, "ü", None, None, None]
    assert columns["start_time"][1] == datetime(1970, 1, 1, 0, 0, 0, 1000, timezone.utc)
    assert "tags.only3" not in whole[:2].columns()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlruns.direct._PAGE", 3)
        paged = opened.runs(order_by="start_time ASC")
        assert paged.columns() == columns
        assert len(opened.runs(max_results=4)) == 4
    pandas = pytest.importorskip("pandas")
    frame = whole.to_pandas()
    assert list(frame.columns) == list(columns)
    pandas.testing.assert_frame_equal(frame, paged.to_pandas())
    assert frame["metrics.m1"].fillna(-1).tolist() == [-1, 1, -1, -1, 4, -1, -1]
    pandas.testing.assert_frame_equal(
        whole[2:5].to_pandas(),
        frame.iloc[2:5].dropna(axis=1, how="all").reset_index(drop=True).assign(
            end_time=frame["end_time"]
        )[list(whole[2:5].columns())],
    )  # fmt: skip


def test_a_time_beyond_all_calendars(filled):
    """A mistyped time of one run does not hide the others."""
    opened = mlruns.open(filled)
    run = opened.runs("tags.keep = 'yes'")[0]
    meta = filled / run.experiment_id / run.id / "meta.yaml"
    text = meta.read_text()
    assert "\nstart_time: 4000\n" in text
    meta.write_text(text.replace("\nstart_time: 4000\n", "\nstart_time: 4000000000000000\n"))
    found = opened.runs(order_by="start_time ASC")
    assert [r.start_time is None for r in found] == [False] * 4 + [True]
    assert found.columns()["start_time"][4] is None
    pytest.importorskip("pandas")
    assert list(found.to_pandas()["start_time"].isna()) == [False] * 4 + [True]


def test_an_index_when_asked_for(filled, folder, scripts):
    script = """
    import mlruns
    opened = mlruns.open(store, index=sys.argv[2])
    print(sorted(run.name for run in opened.runs("tags.keep = 'no'")))
    """
    env = {"XDG_CACHE_HOME": str(folder / "cache")}
    plain = scripts.run(script, filled, "none", env=env)
    assert not list(folder.glob("cache/**/*.*"))
    assert scripts.run(script, filled, "checked", env=env) == plain
    assert scripts.run(script, filled, "checked", env=env) == plain
    with pytest.raises(ValueError, match="index is one of none, checked, ended, not 'x'"):
        mlruns.open(filled, index="x")


def well_formed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{text}</div>")


def test_html(filled):
    found = mlruns.open(filled).runs(order_by="start_time DESC")
    table = well_formed(found._repr_html_())
    assert len(table.findall(".//tbody/tr")) == 5
    assert len(table.findall(".//svg")) == 5, "a line for the loss of each run, none for odd values"
    assert [th.text for th in table.findall(".//th")] == [
        "run", "status", "started", "loss", "odd", "lr",
    ]  # fmt: skip
    one = well_formed(found[0]._repr_html_())
    assert "<b>&" in [td.text for td in one.findall(".//td")]
    well_formed(mlruns.open(filled)._repr_html_())
    well_formed(mlruns.open(filled).runs("metrics.loss < 0")._repr_html_())


@pytest.mark.parametrize(
    "values",
    [[1, 2], [1, 1, 1], [1e308, -1e308, 0], [float("nan"), 1, float("inf"), 2], [5e-324, 0]],
)
def test_sparklines(values):
    now = datetime.now(timezone.utc)
    svg = html.sparkline([Point(i, v, now) for i, v in enumerate(values)])
    (line,) = ElementTree.fromstring(svg).findall("polyline")
    for place in line.get("points").split():
        x, y = map(float, place.split(","))
        assert 0 <= x <= 90
        assert 0 <= y <= 20
    assert html.sparkline([Point(0, 1.0, now)]) == ""


def test_nothing_is_written(folder):
    with pytest.raises(FileNotFoundError, match="There is no store at"):
        mlruns.open(folder / "none")
    assert not list(folder.iterdir())


def test_nothing_of_mlflow_is_imported(filled, scripts):
    script = "import mlruns; mlruns.open(store).runs(); print('mlflow' in sys.modules)"
    assert scripts.run(script, filled) == "False\n"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_one_server_for_reading_and_writing(filled):
    from conftest import servers

    mlruns.open(filled).runs()
    assert len(servers(filled)) == 1
