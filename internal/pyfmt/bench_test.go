package pyfmt

import "testing"

func BenchmarkAppendFloat(b *testing.B) {
	b.ReportAllocs()
	dst := make([]byte, 0, 32)
	for b.Loop() {
		dst = AppendFloat(dst[:0], 0.30000000000000004)
	}
}

func BenchmarkParseFloat(b *testing.B) {
	b.ReportAllocs()
	text := []byte("0.30000000000000004")
	for b.Loop() {
		if _, err := ParseFloat(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseInt(b *testing.B) {
	b.ReportAllocs()
	text := []byte("1588888888000")
	for b.Loop() {
		if _, err := ParseInt(text); err != nil {
			b.Fatal(err)
		}
	}
}

// runMeta is the meta.yaml of a run.
func runMeta() []Field {
	const id = "b3670504b60c40b68e9d68050da1fde5"
	return []Field{
		{"artifact_uri", String("file:///d/mlruns/678900260541269465/" + id + "/artifacts")},
		{"end_time", Null()},
		{"entry_point_name", String("")},
		{"experiment_id", String("678900260541269465")},
		{"lifecycle_stage", String("active")},
		{"run_id", String(id)},
		{"run_name", String("my run")},
		{"run_uuid", String(id)},
		{"source_name", String("")},
		{"source_type", Int(4)},
		{"source_version", String("")},
		{"start_time", Int(1588888888000)},
		{"status", Int(1)},
		{"tags", Sequence(nil)},
		{"user_id", String("alice")},
	}
}

func BenchmarkAppendDocument(b *testing.B) {
	b.ReportAllocs()
	fields := runMeta()
	dst := make([]byte, 0, 1024)
	for b.Loop() {
		var err error
		if dst, err = AppendDocument(dst[:0], fields); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAllocations(t *testing.T) {
	fields := runMeta()
	dst := make([]byte, 0, 1024)
	for name, f := range map[string]func(){
		"AppendDocument": func() { dst, _ = AppendDocument(dst[:0], fields) },
		"AppendFloat":    func() { dst = AppendFloat(dst[:0], 1e-05) },
		"ParseFloat":     func() { _, _ = ParseFloat([]byte("0.30000000000000004")) },
		"ParseInt":       func() { _, _ = ParseInt([]byte("1588888888000")) },
		"ParseInt error": func() { _, _ = ParseInt("3.0") },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s allocates %v times, want 0", name, got)
		}
	}
}
