#!/usr/bin/env bash
# run.sh MLRUNS PYTHON… serves a store with the web page of the mlflow of each PYTHON, looks at every view of it in headless Chromium, edits, deletes and restores there, and keeps screenshots in .bin/page.
# It needs node, npm and chromium, and says so.
set -euo pipefail
mlruns="$(realpath "$1")"; shift
here="$(cd "$(dirname "$0")" && pwd)"
shots="$here/../../.bin/page"
for need in node npm "${CHROMIUM:-chromium}"; do
	command -v "$need" >/dev/null || { echo "*** page: $need is missing. Nothing was looked at." >&2; exit 1; }
done
work="$(mktemp -d)"; server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$work"' EXIT
npm install --silent --no-audit --no-fund --prefix "$work/node" playwright-core@1.65.1 >&2
for python in "$@"; do
	version="$("$python" -W ignore -c 'import mlflow; print(mlflow.__version__)')"
	mkdir -p "$shots/$version" "$work/$version"
	"$mlruns" serve --json --port 0 --ui "$(dirname "$(dirname "$python")")" --store "$work/$version/mlruns" >"$work/$version/said" 2>"$work/$version/log" &
	server=$!
	for _ in $(seq 100); do [ -s "$work/$version/said" ] && break; sleep 0.1; done
	uri="$(sed 's/.*"uri":"\([^"]*\)".*/\1/' "$work/$version/said")"
	ids="$("$python" -W ignore "$here/seed.py" "$uri" 2>/dev/null | tail -1)"
	echo "== the page of mlflow $version"
	# shellcheck disable=SC2086 # ids are words
	NODE_PATH="$work/node/node_modules" node "$here/look.js" "$uri" "$shots/$version" $ids
	kill "$server"; wait "$server" || true; server=
done
