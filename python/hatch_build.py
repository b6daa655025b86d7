"""Builds the Go command into the wheel, for this platform or that of MLRUNS_WHEEL."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# The command is linked statically, so that one build is for glibc of any age and for musl. What Go
# itself asks of macOS is version 12.
PLATFORMS = {
    "linux-amd64": "manylinux2014_x86_64.manylinux_2_17_x86_64.musllinux_1_1_x86_64",
    "linux-arm64": "manylinux2014_aarch64.manylinux_2_17_aarch64.musllinux_1_1_aarch64",
    "darwin-amd64": "macosx_12_0_x86_64",
    "darwin-arm64": "macosx_12_0_arm64",
    "windows-amd64": "win_amd64",
}


def this_platform() -> str:
    machine = platform.machine().lower()
    system = {"win32": "windows"}.get(sys.platform, sys.platform)
    return f"{system}-{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(machine, machine) }"


class GoCommand(BuildHookInterface):
    """Puts the command among the scripts of the wheel and gives the wheel its platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        target = os.environ.get("MLRUNS_WHEEL") or this_platform()
        if target not in PLATFORMS:
            raise ValueError(f"MLRUNS_WHEEL: {target!r} is none of {', '.join(PLATFORMS)}")
        system, machine = target.split("-")
        self._made = Path(tempfile.mkdtemp())
        command = self._made / ("mlruns.exe" if system == "windows" else "mlruns")
        subprocess.run(
            [
                os.environ.get("GO", "go"),
                "build",
                "-trimpath",
                "-buildvcs=false",
                f"-ldflags=-s -w -buildid= -X main.release={self.metadata.version}",
                f"-o={command}",
                "./cmd/mlruns",
            ],
            cwd=Path(self.root).parent,
            env={
                **os.environ,
                "CGO_ENABLED": "0",
                "GOOS": system,
                "GOARCH": machine,
                "GOFLAGS": "",
            },
            check=True,
        )
        command.chmod(0o755)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{PLATFORMS[target]}"
        build_data["shared_scripts"] = {str(command): command.name}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            shutil.rmtree(self._made, ignore_errors=True)
