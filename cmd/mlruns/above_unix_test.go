//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// lookUpward runs a command that reads, in a folder and with no home, and gives all it printed.
func lookUpward(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command("mlruns", "experiments", "search", "-v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME=", "PWD="+dir, trackingURI+"=")
	out, _ := cmd.CombinedOutput() // the text tells what happened
	return string(out)
}

// storeAbove makes a store in a folder, and a folder two below it.
func storeAbove(t *testing.T) (top, below string) {
	t.Helper()
	top = t.TempDir()
	below = filepath.Join(top, "a", "b")
	if err := os.MkdirAll(below, 0o777); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mlruns", "experiments", "create", "above", "--store", filepath.Join(top, usual)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := lookUpward(t, below); !strings.Contains(got, "above") {
		t.Fatalf("the store above is not found: %s", got)
	}
	return top, below
}

// TestLookUpwardEndsAtAnotherOwner shows nobody the store that somebody else left in a folder
// above, nor one beyond a stranger's folder.
func TestLookUpwardEndsAtAnotherOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives folders away")
	}
	for _, given := range []string{".", "a", usual} {
		top, below := storeAbove(t)
		if err := os.Chown(filepath.Join(top, given), 12345, -1); err != nil {
			t.Fatal(err)
		}
		want := filepath.Join(top, given) + " belongs to another user)"
		if got := lookUpward(t, below); !strings.HasPrefix(got, "mlruns: there is no store: ") || !strings.Contains(got, want) {
			t.Errorf("%s given away: %s, want no store, as %q", given, got, want)
		}
	}
	// What is in the current folder is meant, whoever made it.
	top, _ := storeAbove(t)
	if err := os.Chown(filepath.Join(top, usual), 12345, -1); err != nil {
		t.Fatal(err)
	}
	if got := lookUpward(t, top); !strings.Contains(got, "above") {
		t.Errorf("the store of the current folder is not used: %s", got)
	}
}
