#!/usr/bin/env bash
# bench.sh PYTHON [RUNS…] prints the table of docs/python.md: MLflow's calls on mlruns:, on its own file store and on its SQLite store, on the disk of TMPDIR.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
python="$1"
shift
made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT
"$here/wheels.sh" "$made/wheel" "$(go env GOOS)-$(go env GOARCH)" 2>/dev/null
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$made"/wheel/*.whl
"$python" -W ignore "$here/bench.py" "$made/stores" "$@" 2>"$made/log" || { cat "$made/log" >&2; exit 1; }
