package drive

import "strings"

// isShare reports whether the volume of a Windows path is a folder of a server: \\server\share, or
// \\?\UNC\server\share.
func isShare(volume string) bool {
	volume = strings.ReplaceAll(volume, "/", `\`)
	if rest, device := strings.CutPrefix(volume, `\\?\`); device {
		return strings.HasPrefix(strings.ToUpper(rest), `UNC\`)
	}
	if strings.HasPrefix(volume, `\\.\`) {
		return strings.HasPrefix(strings.ToUpper(volume[4:]), `UNC\`)
	}
	return strings.HasPrefix(volume, `\\`)
}
