package drive

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

const readOnlyVolume = 0x00080000 // FILE_READ_ONLY_VOLUME

// At judges the file system of a directory. Of a network drive nothing is told but that it is one.
func At(dir string) Drive {
	volume := filepath.VolumeName(dir)
	if isShare(volume) {
		return judge(seen{kind: "network"})
	}
	root, err := windows.UTF16PtrFromString(volume + `\`)
	if err != nil {
		return judge(seen{})
	}
	if windows.GetDriveType(root) == windows.DRIVE_REMOTE {
		return judge(seen{kind: "network"})
	}
	var name [windows.MAX_PATH + 1]uint16
	var flags uint32
	if err := windows.GetVolumeInformation(root, nil, 0, nil, nil, &flags, &name[0], uint32(len(name))); err != nil {
		return judge(seen{})
	}
	s := seen{kind: strings.ToLower(windows.UTF16ToString(name[:]))}
	if flags&readOnlyVolume != 0 {
		s.options = []string{"ro"}
	}
	return judge(s)
}
