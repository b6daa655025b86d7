#!/usr/bin/env bash
# environments.sh NAME… makes a virtual environment for each NAME in pins/ and prints NAME=PYTHON for it. They stay in MLRUNS_VENVS, else in the user's cache, under
# names that change with the pins and the Python.
set -euo pipefail
cache="${MLRUNS_VENVS:-${XDG_CACHE_HOME:-$HOME/.cache}/mlruns-python}"
mkdir -p "$cache"
cache="$(cd "$cache" && pwd)"
cd "$(dirname "$0")/pins"
python="${PYTHON:-python3}"
fail() { printf '\n*** python: %s\n\n' "$1" >&2; exit 1; }

"$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
	fail "$python is not a Python of at least 3.10 that can make virtual environments; name one with PYTHON="
[ $# -gt 0 ] || fail "no environments were named"
for name in "$@"; do
	[ -f "$name.txt" ] || fail "there are no pins for $name, only for: $(ls *.txt | sed 's/.txt//' | tr '\n' ' ')"
	key="$(cat "$name.txt" $(sed -n 's/^-r //p' "$name.txt") <("$python" -VV) | sha256sum | cut -c1-12)"
	env="$cache/$name-$key"
	if [ ! -f "$env/complete" ]; then
		echo "== installing $name in $env" >&2
		rm -rf "$env"
		"$python" -m venv "$env" >&2 || fail "cannot make a virtual environment in $env"
		"$env/bin/pip" install --quiet --disable-pip-version-check -r "$name.txt" >&2 || fail "$name cannot be installed: is there a package index?"
		touch "$env/complete"
	fi
	echo "$name=$env/bin/python"
done
