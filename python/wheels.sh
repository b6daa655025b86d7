#!/usr/bin/env bash
# wheels.sh DIR [PLATFORM…] builds a wheel for each PLATFORM into DIR, the same bytes from the same sources: their time is that of the last commit, or SOURCE_DATE_EPOCH.
set -euo pipefail
dir="$1"
shift
here="$(cd "$(dirname "$0")" && pwd)"
[ $# -gt 0 ] || set -- linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64
mkdir -p "$dir"
dir="$(cd "$dir" && pwd)"
environment="$("$here/environments.sh" tools)"
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct)}"
for platform in "$@"; do
	MLRUNS_WHEEL="$platform" "${environment#*=}" -m build --no-isolation --wheel --outdir "$dir" "$here" >&2
done
