#!/usr/bin/env bash
# drives.sh exports a folder by NFS and by SMB from this machine, mounts each twice as two clients would, and lets both write to one store: POINTS (150) each to
# one metric, and eight processes that ask for one experiment. It prints a row for each kind of mount, and fails if points are lost where locks are said to
# exclude all. Everything that it starts, mounts and exports ends with it.
#
# It needs root; the kernel's nfs, nfsd and cifs; exportfs with a running NFS server (nfs-kernel-server); mount.nfs (nfs-common); smbd and smbpasswd (samba);
# mount.cifs (cifs-utils); and Go, or the command in MLRUNS.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() { printf '*** drives: %s\n*** Nothing was tried.\n' "$1" >&2; exit 1; }
has_kernel() { grep -qw "$1" /proc/filesystems || modprobe -q "$1" 2>/dev/null && grep -qw "$1" /proc/filesystems; }

[ "$(uname)" = Linux ] || refuse "this is for Linux"
[ "$(id -u)" = 0 ] || refuse "only root can export and mount"
nfs="" smb=""
if ! has_kernel nfs; then nfs="the kernel has no nfs"
elif ! command -v exportfs >/dev/null || ! command -v mount.nfs >/dev/null; then nfs="exportfs or mount.nfs is missing"
elif [ ! -e /proc/fs/nfsd/threads ] || [ "$(cat /proc/fs/nfsd/threads)" = 0 ]; then nfs="no NFS server is running"; fi
if ! has_kernel cifs; then smb="the kernel has no cifs"
elif ! command -v smbd >/dev/null || ! command -v smbpasswd >/dev/null || ! command -v mount.cifs >/dev/null; then smb="smbd, smbpasswd or mount.cifs is missing"; fi
[ -z "$nfs" ] || [ -z "$smb" ] || refuse "no NFS: $nfs; no SMB: $smb"

top="$(mktemp -d)"
chmod 755 "$top"
mlruns="${MLRUNS:-$top/mlruns}"
[ -n "${MLRUNS:-}" ] || go build -o "$mlruns" ./cmd/mlruns || refuse "the command cannot be built; name one with MLRUNS="
smbd_pid=""
# shellcheck disable=SC2317 # it is called at the end
end() {
	umount -l "$top/a" "$top/b" 2>/dev/null || true
	exportfs -u "127.0.0.1:$top/exported" 2>/dev/null || true
	if [ -n "$smbd_pid" ]; then kill "$smbd_pid" 2>/dev/null || true; wait "$smbd_pid" 2>/dev/null || true; fi
	mountpoint -q "$top/a" || mountpoint -q "$top/b" || rm -rf "$top"
}
trap end EXIT
mkdir "$top/a" "$top/b" "$top/exported"

points="${POINTS:-150}"
failed=0

# client MOUNT RUN FIRST logs the points FIRST, FIRST+1 … and counts the refused ones in a file beside.
client() {
	local step refused=0
	for ((step = $3; step < $3 + points; step++)); do
		"$mlruns" --store "$1/mlruns" runs log-metric "$2" loss 1 --step "$step" >/dev/null 2>>"$top/said" || refused=$((refused + 1))
	done
	echo "$refused" >"$top/refused.$3"
}

# try NAME SAFE tries the two mounts; SAFE is yes where nothing may be lost and no warning given.
try() {
	local name="$1" safe="$2" run made lost refused experiments problems warned verdict=""
	rm -rf "$top/exported/mlruns" "$top/said" && : >"$top/said"
	"$mlruns" --store "$top/a/mlruns" experiments create first >/dev/null 2>>"$top/said"
	local clients=() i
	for i in 1 2 3 4 5 6 7 8; do
		local at="$top/a"; [ $((i % 2)) = 0 ] || at="$top/b"
		"$mlruns" --store "$at/mlruns" experiments create one >/dev/null 2>&1 &
		clients+=($!)
	done
	for i in "${clients[@]}"; do wait "$i" || true; done # one makes it, and the others are told that it is there
	experiments="$("$mlruns" --store "$top/a/mlruns" experiments search --filter "name = 'one'" --json | grep -o '"experiment_id"' | wc -l)"
	made="$("$mlruns" --store "$top/a/mlruns" runs create --experiment one --json 2>>"$top/said")"
	run="$(grep -o '"run_id": *"[^"]*"' <<<"$made" | head -1 | sed 's/.*"\([^"]*\)"$/\1/')"
	client "$top/a" "$run" 0 & local first=$!
	client "$top/b" "$run" "$points" & local second=$!
	wait "$first" "$second"
	refused=$(($(cat "$top/refused.0") + $(cat "$top/refused.$points")))
	lost=$((2 * points - refused - $("$mlruns" --store "$top/a/mlruns" metrics history "$run" loss --csv | tail -n +2 | wc -l)))
	problems=0; "$mlruns" --store "$top/a/mlruns" store verify >/dev/null 2>&1 || problems=$?
	warned=no; grep -q 'locks may not exclude' "$top/said" && warned=yes
	if [ "$safe" = yes ] && { [ "$lost" != 0 ] || [ "$refused" != 0 ] || [ "$experiments" != 1 ] || [ "$problems" != 0 ] || [ "$warned" = yes ]; }; then verdict=" FAILED"; fi
	if [ "$safe" = no ] && [ "$warned" = no ]; then verdict=" FAILED: no warning"; fi
	[ -z "$verdict" ] || failed=1
	echo "| $name | $lost of $((2 * points)) | $refused | $experiments | $warned | verify exits with $problems |$verdict"
}

# mounted NAME SAFE TYPE SOURCE OPTIONS mounts twice and tries. A mount that this machine cannot make is told and left out.
mounted() {
	local name="$1" safe="$2" type="$3" source="$4" options="$5"
	if mount -t "$type" -o "$options" "$source" "$top/a" && mount -t "$type" -o "$options" "$source" "$top/b"; then
		try "$name" "$safe"
	else
		echo "| $name | cannot be mounted here |"
	fi
	umount "$top/a" "$top/b" 2>/dev/null || umount -l "$top/a" "$top/b" 2>/dev/null || true
}

echo "| drive | points lost | refused | experiments | warned | |"
echo "| --- | ---: | ---: | ---: | --- | --- |"
mounted "the disk itself" yes none "$top/exported" bind
if command -v bindfs >/dev/null; then mounted "bindfs, two mounts" no fuse.bindfs "$top/exported" rw; fi
if [ -z "$nfs" ]; then
	exportfs -o rw,no_root_squash,no_subtree_check,insecure,fsid=4711 "127.0.0.1:$top/exported"
	# nosharecache: the two mounts are clients of their own, with caches of their own.
	mounted "NFS 4.2" yes nfs "127.0.0.1:$top/exported" vers=4.2,nosharecache
	mounted "NFS 3" yes nfs "127.0.0.1:$top/exported" vers=3,nosharecache
	mounted "NFS 3, nolock" no nfs "127.0.0.1:$top/exported" vers=3,nolock,nosharecache
	mounted "NFS 3, local_lock" no nfs "127.0.0.1:$top/exported" vers=3,local_lock=flock,nosharecache # NFS 4 pays no heed to it
	exportfs -u "127.0.0.1:$top/exported"
else
	echo "| NFS | not tried: $nfs |"
fi
if [ -z "$smb" ]; then
	mkdir "$top/smb"
	password="$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')"
	cat >"$top/smb/smb.conf" <<-CONF
		[global]
		interfaces = lo
		bind interfaces only = yes
		smb ports = 4450
		disable netbios = yes
		private dir = $top/smb
		state directory = $top/smb
		cache directory = $top/smb
		lock directory = $top/smb
		pid directory = $top/smb
		ncalrpc dir = $top/smb/ncalrpc
		log file = $top/smb/log
		passdb backend = tdbsam:$top/smb/passdb.tdb
		[store]
		path = $top/exported
		read only = no
		invalid users =
	CONF
	printf '%s\n%s\n' "$password" "$password" | smbpasswd -c "$top/smb/smb.conf" -s -a root >/dev/null
	smbd -F -s "$top/smb/smb.conf" >"$top/smb/said" 2>&1 &
	smbd_pid=$!
	for _ in $(seq 50); do (exec 3<>/dev/tcp/127.0.0.1/4450) 2>/dev/null && break; sleep 0.1; done
	printf 'username=root\npassword=%s\n' "$password" >"$top/smb/credentials"
	# nosharesock: the two mounts are clients of their own.
	mounted "SMB" no cifs //127.0.0.1/store "port=4450,credentials=$top/smb/credentials,nosharesock"
	mounted "SMB, nobrl" no cifs //127.0.0.1/store "port=4450,credentials=$top/smb/credentials,nosharesock,nobrl"
else
	echo "| SMB | not tried: $smb |"
fi
exit "$failed"
