"""Answers requests about file stores with whatever MLflow is installed: one JSON object a line in, one a line out.

Each request has the key "do", the name of a function below, and its arguments. The answer is {"result": …} or {"error": {"type", "code", "message"}}.
"""

import json
import os
import sys

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
out = os.fdopen(os.dup(1), "w", encoding="ascii")
os.dup2(2, 1)  # whatever MLflow prints must not end up among the answers

import logging
import warnings

warnings.filterwarnings("ignore")
import mlflow

logging.disable(logging.CRITICAL)

import fluent
import learn
import read
import scenario
import texts
import tracing
import work

DO = {}
for module in (fluent, learn, read, scenario, texts, tracing, work):
    DO.update(module.DO)
if int(mlflow.__version__.split(".")[0]) >= 3:
    import models

    DO.update(models.DO)


def version():
    import yaml

    return {"mlflow": mlflow.__version__, "python": sys.version.split()[0], "yaml": yaml.__version__, "libyaml": yaml.__with_libyaml__}


DO["version"] = version


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": DO[request.pop("do")](**request)}
        except Exception as e:
            answer = {"error": read.error(e)}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
