"""Logs what look.js looks at: python seed.py URI. Prints the experiment and three runs."""

import math
import pathlib
import struct
import sys
import tempfile
import zlib

import mlflow
from mlflow.entities import Metric


def png(size):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xff\x40\x40" * size) * size
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


mlflow.set_tracking_uri(sys.argv[1])
mlflow.create_experiment("for deletion")
mlflow.set_experiment("iris")
client, ids = mlflow.MlflowClient(), []
for n in range(6):
    with mlflow.start_run(run_name="run-%d" % n) as run:
        ids.append(run.info.run_id)
        mlflow.log_params({"lr": 0.1 / (n + 1), "opt": "adam" if n % 2 else "sgd"})
        for k in range(10):
            points = [Metric("m%d" % k, math.exp(-s / 20) + k + n / 10, 1_700_000_000_000 + s * 1000, s) for s in range(100)]
            client.log_batch(run.info.run_id, points)
        mlflow.log_text("hello", "notes/x.txt")
        mlflow.log_text("<h1 id=h>HTML</h1><script>document.getElementById('h').innerText = 'SCRIPT RAN'</script>", "page.html")
        with tempfile.TemporaryDirectory() as d:
            pathlib.Path(d, "img.png").write_bytes(png(64))
            pathlib.Path(d, "t.csv").write_text("a,b\n1,2\n")
            mlflow.log_artifacts(d)
print(run.info.experiment_id, *ids[:3])
