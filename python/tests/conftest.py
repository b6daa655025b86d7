"""What the tests share: stores in short folders, scripts in processes of their own, and the demand
that no server is left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlruns import process

# So that no test waits longer for it.
process.LINGER = "1s"

# Nothing here takes as long; a machine under load may.
AT_MOST = 300.0

LIFE = """
import os, sys, json, time, signal
import mlruns.process
mlruns.process.LINGER = "1s"
from mlruns.service import service
from mlruns import uri
store = sys.argv[1]
s = service(uri.parse(store))
def new_run():
    return s.post("runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
def log(run_id, step, key="m"):
    s.post("runs/log-metric", dict(run_id=run_id, key=key, value=step, timestamp=1, step=step))
def steps(run_id, key="m"):
    points = s.get("metrics/get-history", run_id=run_id, metric_key=key).get("metrics", [])
    return [p["step"] for p in points]
"""


def servers(path: str | os.PathLike[str]) -> list[int]:
    """The processes that serve a store, those that have ended but for their parent left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                if b"serve" in arguments and os.fsencode(path) in arguments:
                    found.append(int(entry.name))
    return found


def wait_until(done, what: str) -> None:
    late = time.monotonic() + AT_MOST
    while not done():
        assert time.monotonic() < late, f"still not: {what}"
        time.sleep(0.02)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    made = Path(os.path.realpath(tempfile.mkdtemp(prefix="ml")))
    yield made
    with contextlib.suppress(OSError):
        shutil.rmtree(made)


@pytest.fixture
def store(folder: Path) -> Iterator[Path]:
    """The path of a store. At the end its server must go, and what it holds must be whole."""
    path = folder / "mlruns"
    yield path
    from mlruns import service

    for (location, _), used in list(service._services.items()):
        if location.path == str(path):
            used._pool.close()
    if sys.platform == "linux":
        wait_until(lambda: not servers(path), f"a server is left: {servers(path)}")
    if path.is_dir() and any(path.iterdir()):
        from mlruns import command

        told = command.run_json("store", "verify", "--store", str(path), ok=(0, 3))
        assert told == {"problems": []}


class Scripts:
    """Starts scripts, each in a process of its own, and ends those that are left."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self, text: str, *args: object, env: dict[str, str] | None = None, **more
    ) -> subprocess.Popen[str]:
        script = subprocess.Popen(
            [sys.executable, "-c", LIFE + textwrap.dedent(text), *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
            **more,
        )
        self.started.append(script)
        return script

    def run(self, text: str, *args: object, **more) -> str:
        return self.end(self.start(text, *args, **more))

    def end(self, script: subprocess.Popen[str], code: int = 0) -> str:
        out, err = script.communicate(timeout=AT_MOST)
        assert script.returncode == code, f"exit {script.returncode}: {err}"
        return out


@pytest.fixture
def scripts() -> Iterator[Scripts]:
    made = Scripts()
    yield made
    for script in made.started:
        if script.poll() is None:
            script.kill()
        script.communicate()
