package codec

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkParseManyKeys reads a meta.yaml of 100,000 keys: the time must grow with their number,
// not with its square.
func BenchmarkParseManyKeys(b *testing.B) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "key%d: v\n", i)
	}
	data := []byte(text.String())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseDocument(data); err != nil {
			b.Fatal(err)
		}
	}
}
