package drive

import (
	"strings"
	"testing"
)

// table is a mount table, as /proc/self/mountinfo has it.
const table = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro
30 27 0:40 / /mnt/nfs4 rw,relatime shared:2 - nfs4 srv:/export rw,vers=4.2,hard,proto=tcp,local_lock=none,addr=10.0.0.1
31 27 0:41 / /mnt/nfs3 rw,relatime - nfs srv:/export rw,vers=3,hard,local_lock=none,addr=10.0.0.1
32 27 0:42 / /mnt/nolock rw,relatime - nfs srv:/export rw,vers=3,nolock,local_lock=all,addr=10.0.0.1
33 27 0:43 / /mnt/localflock rw,relatime - nfs4 srv:/export rw,vers=4.2,local_lock=flock,addr=10.0.0.1
34 27 0:44 / /mnt/posix rw,relatime - nfs4 srv:/export rw,vers=3,local_lock=posix,addr=10.0.0.1
35 27 0:45 / /mnt/smb rw,relatime - cifs //srv/share rw,vers=3.1.1,cache=strict,soft
36 27 0:46 / /mnt/nobrl rw,relatime - cifs //srv/share rw,vers=3.1.1,nobrl
37 27 0:47 / /mnt/smb3 rw - smb3 //srv/share rw
38 27 0:48 / /mnt/sshfs rw,nosuid - fuse.sshfs me@srv:/ rw,user_id=0
39 27 0:49 / /mnt/s3 rw - fuse.s3fs s3fs rw
40 27 8:1 / /mnt/ntfs rw - fuseblk /dev/sda1 rw,blksize=4096
41 27 0:50 / /mnt/9p rw - 9p host rw,trans=virtio,version=9p2000.L
42 27 0:51 / /mnt/virtiofs rw - virtiofs host rw
43 27 7:0 / /mnt/squash ro,relatime - squashfs /dev/loop0 ro
44 27 254:0 /srv /mnt/bound ro,relatime - ext4 /dev/vda rw
45 27 0:52 / /mnt/overlay rw - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w
46 27 0:53 / /mnt/ceph rw - ceph mon:/ rw
47 27 0:54 / /mnt/stacked rw - tmpfs tmpfs rw
48 47 0:55 / /mnt/stacked rw - fuse.bindfs /x rw
49 27 0:56 / /mnt/a\040blank\134 rw - exfat /dev/sdb1 rw
50 27 0:57 / /mnt/nosource rw - tmpfs  rw,size=1k
51 27 8:2 / /mnt/zfs rw,noatime shared:3 master:4 - zfs pool/data rw,xattr
52 27 0:58 / /mnt/nfs4/inside rw - xfs /dev/sdc rw
not a line
`

var tableCases = []struct {
	dir      string
	kind     string
	excludes bool
	local    bool
	readOnly bool
	says     string // in Why
}{
	{dir: "/home/me/mlruns", kind: "ext4", excludes: true, local: true},
	{dir: "/mnt/nfs4", kind: "nfs4", excludes: true},
	{dir: "/mnt/nfs4x", kind: "ext4", excludes: true, local: true},
	{dir: "/mnt/nfs4/inside/mlruns", kind: "xfs", excludes: true, local: true},
	{dir: "/mnt/nfs3/mlruns", kind: "nfs", excludes: true},
	{dir: "/mnt/nolock/mlruns", kind: "nfs", says: "mounted with nolock"},
	{dir: "/mnt/localflock/mlruns", kind: "nfs4", says: "local_lock=flock"},
	{dir: "/mnt/posix/mlruns", kind: "nfs4", excludes: true},
	{dir: "/mnt/smb/mlruns", kind: "cifs", says: "at the same moment"},
	{dir: "/mnt/smb3/mlruns", kind: "smb3", says: "at the same moment"},
	{dir: "/mnt/nobrl/mlruns", kind: "cifs", says: "mounted with nobrl"},
	{dir: "/mnt/sshfs/mlruns", kind: "fuse.sshfs", says: "the same mount"},
	{dir: "/mnt/s3/mlruns", kind: "fuse.s3fs", says: "the same mount"},
	{dir: "/mnt/ntfs/mlruns", kind: "fuseblk", excludes: true},
	{dir: "/mnt/9p/mlruns", kind: "9p", says: "9p"},
	{dir: "/mnt/virtiofs/mlruns", kind: "virtiofs", says: "not known"},
	{dir: "/mnt/ceph/mlruns", kind: "ceph", says: "not known"},
	{dir: "/mnt/squash/mlruns", kind: "squashfs", excludes: true, readOnly: true},
	{dir: "/mnt/bound/mlruns", kind: "ext4", excludes: true, local: true, readOnly: true},
	{dir: "/mnt/overlay/mlruns", kind: "overlay", excludes: true, local: true},
	{dir: "/mnt/stacked/mlruns", kind: "fuse.bindfs", says: "the same mount"},
	{dir: `/mnt/a blank\/mlruns`, kind: "exfat", excludes: true},
	{dir: "/mnt/nosource/mlruns", kind: "tmpfs", excludes: true, local: true},
	{dir: "/mnt/zfs/mlruns", kind: "zfs", excludes: true},
	{dir: "/proc", kind: "proc", says: "not known"},
}

func check(t *testing.T, name string, d Drive, i int) {
	t.Helper()
	want := tableCases[i]
	if d.Kind != want.kind || d.Excludes != want.excludes || d.Local != want.local || d.ReadOnly != want.readOnly {
		t.Errorf("%s: %+v, want %+v", name, d, want)
	}
	if d.Excludes != (d.Why == "") || !strings.Contains(d.Why, want.says) {
		t.Errorf("%s: says %q, want %q in it", name, d.Why, want.says)
	}
}

// TestMountTable judges what lies where by a table of every kind of mount.
func TestMountTable(t *testing.T) {
	for i, c := range tableCases {
		s, ok := mounted(table, 0, c.dir)
		if !ok {
			t.Errorf("%s is on no mount", c.dir)
		}
		check(t, c.dir, judge(s), i)
	}
}

// TestMountByID finds a mount by the id that the kernel gives, whatever the path: what hides
// another is another mount.
func TestMountByID(t *testing.T) {
	for id, want := range map[uint64]string{47: "tmpfs", 48: "fuse.bindfs", 41: "9p", 27: "ext4"} {
		if s, ok := mounted(table, id, "/elsewhere"); !ok || s.kind != want {
			t.Errorf("mount %d is %q, %v; want %q", id, s.kind, ok, want)
		}
	}
	if s, ok := mounted(table, 99, "/mnt/nfs4"); ok {
		t.Errorf("a mount that is not in the table is %q", s.kind)
	}
}

// TestUnknownIsNotLocal has the system say nothing, or not all that decides.
func TestUnknownIsNotLocal(t *testing.T) {
	for _, s := range []seen{
		{}, {kind: "newfs"}, {kind: "nfs", partial: true}, {kind: "cifs", partial: true}, {kind: "9p", partial: true}, {kind: "fuse", partial: true}, {kind: "network"}, {kind: "webdav", partial: true},
	} {
		if d := judge(s); d.Excludes || d.Local || d.Cached || d.Why == "" {
			t.Errorf("%+v is judged as %+v", s, d)
		}
	}
	if d := judge(seen{kind: "ext4", partial: true}); !d.Excludes || !d.Local {
		t.Errorf("ext4 without a mount table is judged as %+v", d)
	}
	if d := (Drive{}); d.Excludes || d.Local {
		t.Errorf("the zero Drive promises something: %+v", d)
	}
}

// TestKindsAgree has no kind whose handles are kept and whose locks do not exclude.
func TestKindsAgree(t *testing.T) {
	for kind := range keeps {
		if !own[kind] {
			t.Errorf("handles are kept on %s, which is not one of the machine's own", kind)
		}
	}
}

// TestShares tells network paths of Windows.
func TestShares(t *testing.T) {
	for volume, want := range map[string]bool{
		`C:`: false, ``: false, `\\?\C:`: false, `\\?\Volume{0000}`: false, `\\.\C:`: false,
		`\\server\share`: true, `//server/share`: true, `\\?\UNC\server\share`: true, `\\?\unc\server\share`: true, `\\.\UNC\server\share`: true, `\\wsl.localhost\Ubuntu`: true,
	} {
		if got := isShare(volume); got != want {
			t.Errorf("%q is a share: %v, want %v", volume, got, want)
		}
	}
}

// TestMountsWithin finds the drives inside of a store: the weakest counts, and is named.
func TestMountsWithin(t *testing.T) {
	var points []string
	for _, m := range within(table, "/mnt/nfs4/") {
		points = append(points, m.point)
	}
	if len(points) != 1 || points[0] != "/mnt/nfs4/inside" {
		t.Errorf("inside of /mnt/nfs4 are %q", points)
	}
	if list := within(table, "/mnt/nfs"); len(list) != 0 {
		t.Errorf("inside of /mnt/nfs are %v", list)
	}
	strong, weak := judge(seen{kind: "ext4"}), judge(seen{kind: "fuse.sshfs"})
	if d := strong.With("/a/b", strong); d != strong {
		t.Errorf("two drives that exclude: %+v", d)
	}
	if d := strong.With("/a/b", weak); d.Excludes || d.Kind != "ext4" || !strings.HasPrefix(d.Why, "/a/b is on another drive: ") || !strings.HasSuffix(d.Why, weak.Why) {
		t.Errorf("one that does not exclude: %+v", d)
	}
	if d := weak.With("/a/b", weak); d != weak {
		t.Errorf("both: %+v", d)
	}
}

// TestAsked relies on the server's answers where a look can be made to ask it, and opening a file
// does.
func TestAsked(t *testing.T) {
	for _, tc := range []struct {
		seen
		asked bool
	}{
		{seen{kind: "nfs4", options: []string{"rw", "vers=4.2"}}, true},
		{seen{kind: "nfs", options: []string{"rw", "vers=3"}}, true},
		{seen{kind: "nfs", options: []string{"rw", "nolock", "local_lock=all"}}, true},
		{seen{kind: "nfs4", options: []string{"rw", "nocto"}}, false},
		{seen{kind: "nfs4", options: []string{"rw", "fsc"}}, false},
		{seen{kind: "nfs", partial: true}, false},
		{seen{kind: "cifs", options: []string{"rw", "cache=none"}}, false},
		{seen{kind: "smb3"}, false},
		{seen{kind: "fuse.sshfs"}, false},
		{seen{kind: "ceph"}, false},
		{seen{kind: "9p"}, false},
		{seen{kind: "ext4"}, false},
		{seen{}, false},
	} {
		if d := judge(tc.seen); d.Asked != tc.asked {
			t.Errorf("%s %v: %v, want %v", tc.kind, tc.options, d.Asked, tc.asked)
		}
	}
}
