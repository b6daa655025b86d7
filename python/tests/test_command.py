"""The command that comes with the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mlruns
from mlruns import command

INSTALLED = Path(sys.executable).with_name(command.NAME)


@pytest.mark.skipif(not INSTALLED.exists(), reason="the package is not installed, only imported")
def test_the_command_is_beside_python(monkeypatch):
    """So it is on PATH where an environment is active, and is that of this version."""
    monkeypatch.delenv("MLRUNS_COMMAND", raising=False)
    command.find.cache_clear()
    assert Path(command.find()).resolve() == INSTALLED.resolve()
    command.find.cache_clear()
    told = subprocess.run([INSTALLED, "--version"], check=True, capture_output=True, text=True)
    assert mlruns.__version__ in told.stdout


def test_a_command_that_is_missing_is_named(monkeypatch, folder):
    monkeypatch.delenv("MLRUNS_COMMAND", raising=False)
    monkeypatch.setattr(command, "_folders", lambda: [folder])
    command.find.cache_clear()
    with pytest.raises(mlruns.MlrunsError, match="set MLRUNS_COMMAND to the path of the command"):
        command.find()
    command.find.cache_clear()
