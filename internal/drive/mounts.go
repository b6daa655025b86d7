package drive

import (
	"path"
	"strconv"
	"strings"
)

// mount is a line of /proc/self/mountinfo, see proc(5).
type mount struct {
	id    uint64
	point string
	seen
}

// mounted finds the mount with an id in a mount table or, where the id is 0, the one that a path
// lies on.
func mounted(table string, id uint64, dir string) (seen, bool) {
	var found mount
	ok := false
	for line := range strings.Lines(table) {
		m, parsed := parseMount(line)
		switch {
		case !parsed:
		case id != 0:
			if m.id == id {
				return m.seen, true
			}
		// of two on one point the later hides the other
		case below(dir, m.point) && (!ok || len(m.point) >= len(found.point)):
			found, ok = m, true
		}
	}
	return found.seen, ok
}

// within are the mounts inside of a directory: an experiment that lies on a disk of its own.
func within(table, dir string) (list []mount) {
	for line := range strings.Lines(table) {
		if m, ok := parseMount(line); ok && below(m.point, dir) && path.Clean(m.point) != path.Clean(dir) {
			list = append(list, m)
		}
	}
	return list
}

func below(dir, point string) bool {
	dir, point = path.Clean(dir), path.Clean(point)
	return dir == point || point == "/" || strings.HasPrefix(dir, point+"/")
}

// parseMount reads "36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/sda
// rw,errors=continue".
func parseMount(line string) (m mount, ok bool) {
	mounting, system, ok := strings.Cut(line, " - ")
	fields, of := strings.Fields(mounting), strings.Fields(system)
	if !ok || len(fields) < 6 || len(of) < 1 {
		return m, false
	}
	id, err := strconv.ParseUint(fields[0], 10, 64)
	m.id, m.point, m.kind = id, unescape(fields[4]), unescape(of[0])
	m.options = strings.Split(fields[5], ",")
	if len(of) > 2 { // the source can be empty, which leaves two fields: the options are the last
		m.options = append(m.options, strings.Split(of[2], ",")...)
	} else if len(of) == 2 {
		m.options = append(m.options, strings.Split(of[1], ",")...)
	}
	return m, err == nil
}

// unescape reads the octal escapes of blanks, tabs, newlines and backslashes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
