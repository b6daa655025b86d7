#!/usr/bin/env bash
# check.sh [ENVIRONMENT…] builds the wheel of this platform, twice, and tests it in each ENVIRONMENT, a name in pins/. What pytest is told more is in ARGS.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
eval "arguments=(${ARGS:-})"
[ $# -gt 0 ] || set -- skinny-2.9 skinny-2.22 skinny-3.x full-3.x libraries
tools="$("$here/environments.sh" tools)"
tools="$(dirname "${tools#*=}")"
cd "$here"
"$tools/ruff" check --quiet .
"$tools/ruff" format --check --quiet src tests hatch_build.py
"$tools/mypy" --no-error-summary

made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT
platform="$(go env GOOS)-$(go env GOARCH)"
./wheels.sh "$made/wheel" "$platform"
# The same bytes from a copy elsewhere, under another umask.
(
	umask 077
	mkdir "$made/copy"
	git -C .. ls-files -z --cached --others --exclude-standard -- '*.go' go.mod go.sum LICENSE python | tar -C .. --null --files-from=- -cf - | tar -C "$made/copy" -xf -
	SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" "$made/copy/python/wheels.sh" "$made/again" "$platform"
)
cmp "$made"/wheel/*.whl "$made"/again/*.whl

cd "$made"
for environment in $("$here/environments.sh" "$@"); do
	echo "== ${environment%%=*}"
	tests="$here/tests"
	case "$environment" in libraries=*) tests="$here/tests/test_libraries.py" ;; esac
	"${environment#*=}" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$made"/wheel/*.whl
	"${environment#*=}" -m pytest -c "$here/pyproject.toml" --rootdir "$here" -p no:cacheprovider "$tests" "${arguments[@]}"
done
