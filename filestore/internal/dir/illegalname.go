package dir

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// shortName is what Windows and Samba show in place of a name that DOS could not hold.
var shortName = regexp.MustCompile(`^[^a-z/~]{1,8}~[0-9A-Z]{1,3}(?:\.[^a-z/~.]{1,3})?$`)

// forbidden are the characters that Macs and SMB clients keep as U+F020 and the next, because
// Windows has them in no name.
const forbidden = "\"*:<>?\\| ."

// IllegalName says why the name of a file is no key's, and what it may have been before a file
// system or server made that of it.
func IllegalName(key string) string {
	const reason = "the name is not a legal key"
	for _, r := range key {
		was := rune(0)
		switch {
		case r >= 0xf020 && int(r-0xf020) < len(forbidden): // as Macs do
			was = rune(forbidden[r-0xf020])
		// as Windows' services for Unix do
		case r > 0xf000 && r < 0xf080 && strings.ContainsRune(forbidden, r-0xf000):
			was = r - 0xf000
		}
		if was != 0 {
			return fmt.Sprintf("%s: it has %U, as which SMB clients keep %q; seen through such a client it is another key", reason, r, was)
		}
		if unicode.Is(unicode.Mn, r) {
			return reason + ": it has combining marks, as file systems of macOS and some servers keep letters with accents"
		}
	}
	if shortName.MatchString(key[strings.LastIndexByte(key, '/')+1:]) {
		return reason + ": it looks like the short name that Windows or Samba shows for a name that they cannot, such as CON or one with a colon"
	}
	return reason
}
