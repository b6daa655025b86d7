#!/usr/bin/env bash
# golden.sh makes testdata/models again: stores of logged models and traces that MLflow wrote, with its answers. GOLDEN_ROOT (default /golden-root) must not exist.
set -euo pipefail
cd "$(dirname "$0")"
[ ! -e "${GOLDEN_ROOT:-/golden-root}" ] || { echo "${GOLDEN_ROOT:-/golden-root} exists" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
environments=$(./environments.sh 3.1 3.x)
out=$PWD/../testdata/models
mkdir -p "$out"
cd python
export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 TZ=UTC LC_ALL=C.UTF-8
declare -A name
for e in $environments; do
	name[${e%%=*}]=$("${e#*=}" -c 'import mlflow; print(".".join(mlflow.__version__.split(".")[:2]))' 2>/dev/null)
	"${e#*=}" -m golden write "$work/${name[${e%%=*}]}" 2>/dev/null
done
for e in $environments; do
	for v in "${name[@]}"; do
		[ "$v" = "${name[${e%%=*}]}" ] || "${e#*=}" -m golden answer "$work/$v" "${name[${e%%=*}]}" 2>/dev/null
	done
done
for v in "${name[@]}"; do
	tar -C "$work" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf - "$v" | gzip -9n >"$out/mlflow-$v.tar.gz"
done
ls -l "$out"
