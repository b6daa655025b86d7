package mlruns_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestLicense holds LICENSE to the standard text of the Apache License 2.0, and the README to
// naming it.
func TestLicense(t *testing.T) {
	text, err := os.ReadFile("LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	// Git may have given the lines the ends of this machine.
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.ReplaceAll(string(text), "\r\n", "\n"))))
	if want := "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"; sum != want {
		t.Errorf("LICENSE has the SHA-256 %s, the standard text has %s", sum, want)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "Apache License 2.0, the text is in [LICENSE](LICENSE)") {
		t.Error("README.md does not name the license")
	}
}
