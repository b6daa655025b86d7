"""The Go command that came with this package."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from . import MlrunsError

NAME = "mlruns.exe" if os.name == "nt" else "mlruns"


@functools.cache
def find() -> str:
    """The path of the command: that of ``MLRUNS_COMMAND``, else the one installed beside us."""
    if chosen := os.environ.get("MLRUNS_COMMAND"):
        return chosen
    for folder in _folders():
        path = folder / NAME
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise MlrunsError(
        f"The command {NAME} of the package mlruns is not where it was installed; "
        "install the package again, or set MLRUNS_COMMAND to the path of the command"
    )


def _folders() -> list[Path]:
    folders = []
    recorded = _recorded()
    if recorded is not None:
        folders.append(recorded)
    folders.append(Path(sysconfig.get_path("scripts")))
    folders.append(Path(sys.prefix, "Scripts" if os.name == "nt" else "bin"))
    return folders


def _recorded() -> Path | None:
    """Where the installer says it put the command, which is right for every way to install."""
    from importlib import metadata

    try:
        files = metadata.files(__package__) or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == NAME and file.parent.name.lower() in ("bin", "scripts"):
            return Path(os.path.abspath(file.locate())).parent
    return None


def run_json(*args: str, ok: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Run a verb of the command and give what it answers as JSON."""
    done = subprocess.run(
        [find(), *args, "--json"], capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode not in ok:
        raise refusal(done.stderr.decode(errors="replace"))
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def refusal(stderr: str) -> MlrunsError:
    """The error that the command printed, which with ``--json`` is the last line."""
    last = stderr.strip().rpartition("\n")[2]
    try:
        told = json.loads(last)
        return MlrunsError(told["message"], told["error_code"])
    except (ValueError, KeyError, TypeError):
        return MlrunsError(last or "mlruns said nothing")
