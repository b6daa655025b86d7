"""The server process of a store: found, or started, by whoever needs it first."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from . import MlrunsError, __version__, command
from .runfile import Lock, RunFile, folders, sweep
from .transport import Connection, Endpoint
from .uri import Location

log = logging.getLogger("mlruns")

# How long a server stays when nobody is connected any more.
LINGER = "3s"
# How long to wait for a server that somebody is starting, or that holds its lock and is ending.
PATIENCE = 60.0
# It ends at once, and leaves the server to the system.
SHELL = "/bin/sh"
# A socket's path must fit into 104 bytes, on Linux into 108.
LONGEST_SOCKET = 100


class Identity(tuple[int, int]):
    """Device and inode of a store's folder: which folder it is, whatever its path leads to."""

    @classmethod
    def of(cls, path: str) -> Identity:
        info = os.stat(path)
        return cls((info.st_dev, info.st_ino))


def key(location: Location, identity: Identity) -> str:
    """What a run file is named after. Another version, or another folder at the same path, and
    that of a container for instance, is another server. So is another use of the index: with some
    of them a search can miss something."""
    index = location.index or os.environ.get("MLRUNS_INDEX", "")
    parts = [__version__, os.path.realpath(location.path), *identity, location.read_only, index]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


def dial(location: Location, identity: Identity, instead: Location | None = None) -> Connection:
    """Connect to the server of a store, which is started if there is none. A server of ``instead``
    that is there already serves as well."""
    if instead is not None:
        for folder in folders():
            if connection := _connect(RunFile(folder, key(instead, identity))):
                return connection
    name = key(location, identity)
    deadline = time.monotonic() + PATIENCE
    pause = 0.002
    while True:
        run_files = [RunFile(folder, name) for folder in folders()]
        for run_file in run_files:
            if connection := _connect(run_file):
                return connection
        held, connection = _start_first(location, run_files)
        if connection:
            return connection
        if not held:
            return _start_alone(location)
        if time.monotonic() > deadline:
            raise MlrunsError(f"The server of {location.path} does not answer: {_said(held)}")
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def _connect(run_file: RunFile) -> Connection | None:
    endpoint = run_file.read()
    if endpoint is None:
        return None
    try:
        return endpoint.connect()
    except OSError:
        return None


def _start_first(
    location: Location, run_files: list[RunFile]
) -> tuple[RunFile | None, Connection | None]:
    """Start a server at the first place that has room. Where somebody holds the lock, one is
    there or just coming: that run file is given instead."""
    for run_file in run_files:
        try:
            lock = run_file.lock()
        except OSError as err:
            log.debug("no run file in %s: %s", run_file.folder, err)
            continue
        if lock is None:
            return run_file, None
        try:
            # On Windows a server does not hold the lock, so somebody may have been first.
            return run_file, _connect(run_file) or _start_at(location, run_file, lock)
        except OSError as err:
            log.debug("no server by %s: %s", run_file.path, err)
        finally:
            lock.close()
    return None, None


def _start_at(location: Location, run_file: RunFile, lock: Lock) -> Connection | None:
    """Start a server. None if it has ended before this process, which was held up, came to it."""
    listen, endpoint = ["--port", "0"], Endpoint("", secrets.token_hex(24))
    if sys.platform != "win32" and len(os.fsencode(run_file.socket)) <= LONGEST_SOCKET:
        listen = ["--socket", str(run_file.socket)]
        endpoint = Endpoint(f"unix:{run_file.socket}", endpoint.token)
    # Before the server is there, so that none is started where there is no room for this.
    lock.write(endpoint, store=location.path, version=__version__)
    with open(run_file.log, "w+b", opener=_private) as told:
        uri = _start(location, endpoint.token, listen, told, lock.fd)
        if uri != endpoint.uri:
            endpoint = Endpoint(uri, endpoint.token)
            lock.write(endpoint, store=location.path, version=__version__)
        told.seek(0)
        for line in told.read().decode(errors="replace").splitlines():
            log.warning("%s", line)
    sweep(run_file.folder)
    try:
        return endpoint.connect()
    except OSError:
        return None


def _start_alone(location: Location) -> Connection:
    """Start a server that nobody else finds, where there is no place for a run file."""
    log.info("no folder for a run file: the server of %s is this process's own", location.path)
    token = secrets.token_hex(24)
    with open(os.devnull, "w+b") as nowhere:
        return Endpoint(_start(location, token, ["--port", "0"], nowhere, None), token).connect()


def _start(
    location: Location, token: str, listen: list[str], told: IO[bytes], lock: int | None
) -> str:
    """Start a server and give the URI where it listens."""
    arguments = [command.find(), "serve", "--json", "--no-access-log", "--ui", "none"]
    arguments += ["--store", location.path, "--artifacts", "local", "--unused-timeout", LINGER]
    arguments += listen
    if location.read_only:
        arguments.append("--read-only")
    if location.index:
        arguments += ["--index", location.index]
    environment = {**os.environ, "MLRUNS_SERVE_TOKEN": token}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with _detached(arguments, environment, told, lock) as started:
        assert started.stdout is not None
        line = _first_line(started.stdout, location)
        if started.args[0] == SHELL:  # type: ignore[index]
            started.wait()
        else:
            started.returncode = 0  # nobody waits for the server
    try:
        return str(json.loads(line)["uri"])
    except (ValueError, KeyError):
        with contextlib.suppress(OSError):
            told.seek(0)
        refusal = command.refusal(told.read().decode(errors="replace"))
        raise MlrunsError(
            f"The store {location.path} cannot be served: {refusal}", refusal.code
        ) from None


def _detached(
    arguments: list[str], environment: dict[str, str], told: IO[bytes], lock: int | None
) -> subprocess.Popen[bytes]:
    """Start a process that is no child of ours: it has a session of its own, so that no Ctrl-C and
    no end of a terminal reaches it, and nobody who ends our children ends what others use."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=told,
            creationflags=flags,
        )
    if os.path.exists(SHELL):
        arguments = [SHELL, "-c", '"$@" &', SHELL, *arguments]
    return subprocess.Popen(
        arguments,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=told,
        start_new_session=True,
        pass_fds=[] if lock is None else [lock],
    )


def _first_line(stream: IO[bytes], location: Location) -> bytes:
    """The line that the server prints once it listens, nothing if it ends before."""
    if sys.platform != "win32" and not select.select([stream], [], [], PATIENCE)[0]:
        raise MlrunsError(f"The server of {location.path} does not start within {PATIENCE:.0f} s")
    return stream.readline()


def _said(run_file: RunFile) -> str:
    try:
        return run_file.log.read_text(errors="replace").strip() or "it says nothing"
    except OSError as err:
        return str(err)


def _private(path: str | Path, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
