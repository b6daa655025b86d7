package artifacts

import (
	"path"
	"strings"
)

// RecordedPath gives the path, cleaned and with slashes, of a location of files wherever it was
// recorded: on this system, on Windows, on a share. A share is "//host/share/…", a drive stays one,
// and what is relative stays so. It is there to be compared with other recorded paths, and not to
// be opened. A location of another scheme is false, and so is "".
func RecordedPath(location string) (string, bool) {
	u := split(location)
	switch {
	case location == "" || u.scheme != "" && u.scheme != fileScheme:
		return "", false
	case u.scheme == "":
		u.path = location
	case hasDrive(u.host):
		u.path = u.host + u.path
	case !localHost(u.host):
		u.path = "//" + u.host + "/" + u.path
	case hasDrive(strings.TrimPrefix(u.path, "/")):
		u.path = u.path[1:]
	}
	p := unescape(u.path)
	share := strings.HasPrefix(p, `\\`) || u.host != "" && strings.HasPrefix(u.path, "//")
	if !strings.HasPrefix(p, "/") {
		p = strings.ReplaceAll(p, `\`, "/")
	}
	if p = path.Clean(p); share {
		p = "/" + p
	}
	return p, true
}

// Below gives the path of p relative to root, "" for root itself, if p is root or below it. Both
// are recorded paths; the root "." has every relative path below it that does not lead upwards.
func Below(root, p string) (string, bool) {
	if root == "." && p != "." {
		return p, !IsAbs(p) && !hasDrive(p) && p != ".." && !strings.HasPrefix(p, "../")
	}
	if p == root {
		return "", true
	}
	return strings.CutPrefix(p, strings.TrimSuffix(root, "/")+"/")
}

// endsIn reports whether the path of a location of any scheme ends in tail.
func endsIn(location, tail string) bool {
	p, ok := RecordedPath(location)
	if !ok {
		p = path.Clean(unescape(split(location).path))
	}
	return strings.HasSuffix("/"+p, "/"+tail)
}

// onShare reports whether a recorded path is that of another host.
func onShare(recorded string) bool { return strings.HasPrefix(recorded, "//") }
