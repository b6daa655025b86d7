"""Works as people who train models do: scikit-learn with autologging, models logged and loaded back, data sets, pictures."""

import importlib.util

import mlflow
from mlflow.tracking import MlflowClient


def learns():
    """Whether there is what it needs; the pins of most versions have MLflow alone."""
    return all(importlib.util.find_spec(m) for m in ("sklearn", "matplotlib", "pandas", "PIL"))


def data():
    """Two groups of points, apart from each other."""
    import numpy as np

    x = np.array([[n % 7 + 10 * (n % 2), n % 5] for n in range(60)], dtype=float)
    return x, np.array([n % 2 for n in range(60)])


def logged_uri(run_id):
    """Where what was logged in a run is loaded from."""
    if hasattr(mlflow, "last_logged_model"):  # MLflow 3
        return mlflow.last_logged_model().model_uri
    return "runs:/%s/model" % run_id


def predictions(uri):
    import mlflow.pyfunc
    import mlflow.sklearn

    x, _ = data()
    return {
        "sklearn": [int(p) for p in mlflow.sklearn.load_model(uri).predict(x)],
        "pyfunc": [int(p) for p in mlflow.pyfunc.load_model(uri).predict(x)],
    }


def learn(root):
    """Trains with autologging, and logs by hand what a notebook logs."""
    import matplotlib
    import numpy as np
    import pandas as pd

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import mlflow.data
    import mlflow.models
    import mlflow.sklearn
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    # Which packages a model needs is found by starting another Python, which takes longer than all the rest.
    mlflow.models.infer_pip_requirements = lambda *_, fallback=None, **__: fallback or []
    mlflow.set_tracking_uri(root)
    experiment = mlflow.set_experiment("learning")
    client, (x, y) = MlflowClient(), data()
    mlflow.sklearn.autolog(log_post_training_metrics=True)
    try:
        with mlflow.start_run(run_name="auto") as run:
            model = LogisticRegression(C=0.5).fit(x, y)
            model.score(x, y)
        uri = logged_uri(run.info.run_id)
        with mlflow.start_run(run_name="search") as search:
            GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=3).fit(x, y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    with mlflow.start_run(run_name="by hand") as hand:
        frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=y)
        mlflow.log_input(mlflow.data.from_pandas(frame, name="points", targets="y"), context="training")
        mlflow.log_input(mlflow.data.from_numpy(x, name="array"), context="test", **({"tags": {"k": "v"}} if "tags" in mlflow.log_input.__code__.co_varnames else {}))
        image = np.zeros((8, 8, 3), dtype=np.uint8)
        mlflow.log_image(image, "picture.png")
        if "key" in mlflow.log_image.__code__.co_varnames:
            mlflow.log_image(image, key="steps", step=3, timestamp=7, synchronous=True)
        figure, axes = plt.subplots()
        axes.plot([1, 2])
        mlflow.log_figure(figure, "plots/figure.png")
        plt.close(figure)
        if hasattr(mlflow, "log_table"):
            mlflow.log_table({"a": [1, 2], "b": ["x", "é"]}, "table.json")
        made = mlflow.sklearn.log_model(LogisticRegression().fit(x, y), "byhand", input_example=x[:2], pip_requirements=[], serialization_format="cloudpickle")
    children = client.search_runs([experiment.experiment_id], "tags.`mlflow.parentRunId` = '%s'" % search.info.run_id)
    listed = []

    def walk(path):
        for f in client.list_artifacts(hand.info.run_id, path):
            walk(f.path) if f.is_dir else listed.append(f.path)

    walk(None)
    return {
        "run": run.info.run_id,
        "hand": hand.info.run_id,
        "uri": uri,
        "made": made.model_uri,
        "wanted": [int(p) for p in model.predict(x)],
        "loaded": predictions(uri),
        "loaded_by_hand": predictions(made.model_uri),
        "children": len(children),
        "params": dict(client.get_run(run.info.run_id).data.params),
        "metrics": sorted(client.get_run(run.info.run_id).data.metrics),
        "datasets": sorted(d.dataset.name for d in client.get_run(hand.info.run_id).inputs.dataset_inputs),
        "files": sorted(listed),
    }


def load(root, uri):
    """What a model that is loaded from a store predicts."""
    mlflow.set_tracking_uri(root if root.startswith("http:") else "file://" + root)
    return predictions(uri)


DO = {"learns": learns, "learn": learn, "load": load}
