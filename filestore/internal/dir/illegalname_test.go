package dir

import (
	"strings"
	"testing"

	"github.com/mlruns/mlruns/internal/validate"
)

// TestBentNamesAreExplained has names that file systems and servers made of keys: each is foreign,
// and the reason says what it may have been.
func TestBentNamesAreExplained(t *testing.T) {
	for name, want := range map[string]string{
		"a\uf022b": `keep ':'`, "lr\uf029": `keep '.'`, "lr\uf028": `keep ' '`, "a\uf03ab": `keep ':'`, "a/b\uf025": `keep '?'`, "a\uf040": "", "e\u0301": "combining marks",
		"CTBL6V~F": "short name", "x/LOSS~1": "short name", "A_2F~1.TXT": "short name", "loss~x": "", "bad!": "",
	} {
		if validate.Key("key", name) == nil {
			t.Errorf("%q is a legal key", name)
		}
		if got := IllegalName(name); !strings.HasPrefix(got, "the name is not a legal key") || want != "" && !strings.Contains(got, want) || want == "" && strings.Contains(got, ":") {
			t.Errorf("%q: %q, want %q in it", name, got, want)
		}
	}
}
