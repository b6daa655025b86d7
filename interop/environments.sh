#!/usr/bin/env bash
# environments.sh VERSION… makes a virtual environment with MLflow for each VERSION, a name in pins/, and prints VERSION=PYTHON for it.
# They stay in MLRUNS_VENVS, else in the user's cache, under names that change with the pins and the Python.
set -euo pipefail
cache="${MLRUNS_VENVS:-${XDG_CACHE_HOME:-$HOME/.cache}/mlruns-interop}"
mkdir -p "$cache"
cache="$(cd "$cache" && pwd)"
cd "$(dirname "$0")/pins"
python="${PYTHON:-python3}"
fail() { printf '\n*** interop: %s\n*** Nothing was tested beside MLflow.\n\n' "$1" >&2; exit 1; }

"$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
	fail "$python is not a Python of at least 3.10 that can make virtual environments; name one with PYTHON="
[ $# -gt 0 ] || fail "no versions were named"
for version in "$@"; do
	[ -f "$version.txt" ] || fail "there are no pins for MLflow $version, only for: $(ls *.txt | grep -v nodeps | sed 's/.txt//' | tr '\n' ' ')"
	key="$(cat "$version".*txt <("$python" -VV) | sha256sum | cut -c1-12)"
	env="$cache/$version-$key"
	if [ ! -f "$env/complete" ]; then
		echo "== installing MLflow $version in $env" >&2
		rm -rf "$env"
		"$python" -m venv "$env" >&2 || fail "cannot make a virtual environment in $env"
		"$env/bin/pip" install --quiet --disable-pip-version-check -r "$version.txt" >&2 || fail "MLflow $version cannot be installed: is there a package index?"
		if [ -f "$version.nodeps.txt" ]; then
			"$env/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$version.nodeps.txt" >&2 || fail "MLflow $version cannot be installed: is there a package index?"
		fi
		touch "$env/complete"
	fi
	echo "$version=$env/bin/python"
done
