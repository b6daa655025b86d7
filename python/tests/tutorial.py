"""MLflow's tutorial: a scikit-learn model by autologging, logged, loaded and asked."""

from __future__ import annotations

import json
import sys

import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("MLflow Quickstart")
x, y = load_iris(return_X_y=True, as_frame=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)
params = {"solver": "lbfgs", "max_iter": 1000, "random_state": 8888}

mlflow.sklearn.autolog()
with mlflow.start_run(run_name="autolog") as auto:
    LogisticRegression(**params).fit(x_train, y_train)
mlflow.sklearn.autolog(disable=True)

with mlflow.start_run(run_name="by hand"):
    model = LogisticRegression(**params).fit(x_train, y_train)
    mlflow.log_params(params)
    mlflow.log_metric("accuracy", accuracy_score(y_test, model.predict(x_test)))
    mlflow.set_tag("Training Info", "Basic LR model for iris data")
    info = mlflow.sklearn.log_model(
        model,
        name="iris_model",
        signature=infer_signature(x_train, model.predict(x_train)),
        input_example=x_train[:3],
    )

loaded = mlflow.pyfunc.load_model(info.model_uri)
again = mlflow.sklearn.load_model(f"runs:/{auto.info.run_id}/model")
best = mlflow.search_runs(
    experiment_names=["MLflow Quickstart"], order_by=["metrics.accuracy DESC"]
)
models = mlflow.search_logged_models(output_format="list")
print(
    json.dumps(
        {
            "loaded": loaded.predict(x_test).tolist(),
            "again": again.predict(x_test).tolist(),
            "best": best["tags.mlflow.runName"][0],
            "models": sorted(m.name for m in models),
            "metrics": {
                key: value
                for key, value in best.iloc[-1].items()
                if key.startswith(("metrics.", "params.")) and value == value
            },
        },
        sort_keys=True,
        default=str,
    )
)
