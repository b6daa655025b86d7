"""Texts as MLflow's files hold them."""

import base64
import os
import sqlite3
import struct
import tempfile

import yaml

try:
    from mlflow.utils.yaml_utils import write_yaml
except ImportError:  # MLflow < 2.4
    from mlflow.utils.file_utils import write_yaml


MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def dump_strings(strings):
    """What MLflow's own writer makes of {"name": s}, base64, for each s."""
    found = []
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        for s in strings:
            write_yaml(folder, "probe.yaml", {"name": s}, overwrite=True)
            with open(os.path.join(folder, "probe.yaml"), "rb") as f:
                found.append(base64.b64encode(f.read()).decode())
    return found


def load_strings(documents):
    """The value of name in each document, as PyYAML reads it."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [yaml.load(base64.b64decode(d), Loader=loader)["name"] for d in documents]


def reprs(bits):
    """repr() of the floats with these bits."""
    return [repr(struct.unpack(">d", bytes.fromhex(b))[0]) for b in bits]


def floats(texts):
    """The bits of float() of each text."""
    return [struct.pack(">d", float(t)).hex() for t in texts]


def rows(database, tables):
    """How many rows each table of an SQLite database has."""
    with sqlite3.connect(database) as db:
        return {t: db.execute("SELECT COUNT(*) FROM " + t).fetchone()[0] for t in tables}


DO = {"rows": rows, "dump_strings": dump_strings, "load_strings": load_strings, "reprs": reprs, "floats": floats}
