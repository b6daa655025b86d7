"""Makes testdata/models: a small, nasty store of logged models and traces, and what MLflow says of it. interop/golden.sh runs it.

    python -m golden write OUT            the store, and expected.json beside it
    python -m golden answer OUT NAME      what the MLflow that runs this says of the store that another has written to OUT: expected-by-NAME.json

The store lies at $GOLDEN_ROOT/mlruns (default /golden-root) while it is written and read. Ids, names and times come from a seed and a clock of its own, so that the
same versions write the same bytes again.
"""

import os
import random
import time
import uuid

TOP = os.environ.get("GOLDEN_ROOT", "/golden-root")
ROOT = TOP + "/mlruns"
os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"  # the maps of the other are in a random order
os.environ.update(MLFLOW_ALLOW_FILE_STORE="true", MLFLOW_ENABLE_ASYNC_TRACE_LOGGING="false", LOGNAME="golden", MLFLOW_TRACKING_URI=ROOT)
T0 = 1700000000000
now = [T0]
time.time = lambda: now[0] / 1000
time.time_ns = lambda: now[0] * 1000000
seeded = random.Random(20261127)
uuid.uuid4 = lambda: uuid.UUID(int=seeded.getrandbits(128), version=4)
random.seed(12)

import logging
import warnings

warnings.simplefilter("ignore")
import mlflow
from mlflow.store.tracking import file_store

logging.disable(logging.CRITICAL)
file_store.time.sleep = lambda _: None  # the pauses before an empty meta.yaml is read again
VERSION = tuple(int(n) for n in mlflow.__version__.split(".")[:2])
V3_TRACES = VERSION >= (3, 2)
