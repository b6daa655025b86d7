package fsck

import (
	"os"
	"regexp"
	"testing"

	"github.com/mlruns/mlruns"
)

// TestEveryKindHasARow holds the table to the kinds that the root package names: a new kind of
// problem is not to be passed over by a repair unnoticed.
func TestEveryKindHasARow(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../problem.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m)^\tProblem\w+ +ProblemKind = "(.*)"$`).FindAllSubmatch(source, -1)
	if len(kinds) < 20 {
		t.Fatalf("only %d kinds found", len(kinds))
	}
	for _, kind := range kinds {
		if _, ok := damages[mlruns.ProblemKind(kind[1])]; !ok {
			t.Errorf("%s has no row", kind[1])
		}
	}
	if len(damages) != len(kinds) {
		t.Errorf("%d rows for %d kinds", len(damages), len(kinds))
	}
}
