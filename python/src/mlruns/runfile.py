"""Run files: how the processes of a user find the server of a store.

A run file lies in a folder that only the user can enter. It names where the server listens and the
token that it demands. On POSIX the server holds a lock on it as long as it lives, so that whoever
gets the lock knows that there is none, and may start one.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .transport import Endpoint

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Beyond the content, which others must be able to read: locks of Windows are mandatory.
_LOCKED_BYTE = 1 << 30


def folders() -> Iterator[Path]:
    """The folders where run files may be, best first. Those that are not private are left out."""
    if sys.platform == "win32":
        candidates = [Path(tempfile.gettempdir(), "mlruns-run")]
    else:
        uid = os.getuid()
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        candidates = [Path(runtime, "mlruns")] if runtime else []
        candidates.append(Path(f"/run/user/{uid}/mlruns"))
        temporary = [os.environ.get("TMPDIR"), "/tmp", "/dev/shm"]  # noqa: S108 (make_private)
        candidates += [Path(folder, f"mlruns-{uid}") for folder in temporary if folder]
    seen = set()
    for candidate in candidates:
        if candidate not in seen and candidate.parent.is_dir():
            seen.add(candidate)
            yield candidate


def make_private(folder: Path) -> None:
    """Make a folder that nobody else can enter, or check that this one is so."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not is_private(folder):
        raise PermissionError(f"{folder} belongs to somebody else, or others can enter it")


def is_private(folder: Path) -> bool:
    try:
        info = os.lstat(folder)
    except OSError:
        return False
    if not stat.S_ISDIR(info.st_mode):
        return False
    return sys.platform == "win32" or (info.st_uid == os.getuid() and not info.st_mode & 0o077)


class RunFile:
    """One run file, and the names that belong to it."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.path = folder / f"{key}.run"
        self.socket = folder / f"{key}.sock"
        self.log = folder / f"{key}.log"

    def read(self) -> Endpoint | None:
        """Where the server listened when this was written. None if there is nothing to read."""
        if not is_private(self.folder):
            return None
        try:
            told = json.loads(self.path.read_bytes())
            return Endpoint(told["uri"], told["token"]) if told["uri"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def lock(self) -> Lock | None:
        """Take the lock. None if somebody has it; an ``OSError`` if it cannot be had here."""
        make_private(self.folder)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        while True:
            lock = Lock(os.open(self.path, flags, 0o600))
            if not lock.take():
                lock.close()
                return None
            # Meanwhile it may have been swept away, and another made.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock.fd), os.stat(self.path)):
                    return lock
            lock.close()

    def remove(self) -> None:
        for path in (self.socket, self.log, self.path):
            with contextlib.suppress(OSError):
                path.unlink()


class Lock:
    """A lock on an open run file. A child made by ``fork`` closes its copy."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        _held.add(self)

    def take(self) -> bool:
        try:
            if sys.platform == "win32":
                os.lseek(self.fd, _LOCKED_BYTE, os.SEEK_SET)
                msvcrt.locking(self.fd, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def write(self, endpoint: Endpoint, **more: object) -> None:
        text = json.dumps({"uri": endpoint.uri, "token": endpoint.token, **more}) + "\n"
        os.lseek(self.fd, 0, os.SEEK_SET)
        os.ftruncate(self.fd, 0)
        os.write(self.fd, text.encode())

    def close(self) -> None:
        _held.discard(self)
        os.close(self.fd)


_held: set[Lock] = set()


def _after_fork() -> None:
    for lock in list(_held):
        with contextlib.suppress(OSError):
            lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def sweep(folder: Path) -> None:
    """Remove what servers that have ended left in a folder, where a lock tells which have."""
    if sys.platform == "win32":
        return
    for path in folder.glob("*.run"):
        run_file = RunFile(folder, path.stem)
        with contextlib.suppress(OSError):
            if lock := run_file.lock():
                run_file.remove()
                lock.close()
