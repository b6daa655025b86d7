package codec

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

// eachMLflow3File calls do with the files of the golden stores of models and traces, by their paths
// below the store.
func eachMLflow3File(t testing.TB, do func(name string, data []byte)) {
	t.Helper()
	archives, err := filepath.Glob("../../../testdata/models/*.tar.gz")
	if err != nil || len(archives) != 2 {
		t.Fatal(archives, err)
	}
	for _, archive := range archives {
		f, err := os.Open(archive)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(z); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, rel, ok := strings.Cut(h.Name, "/mlruns/"); ok && h.Typeflag == tar.TypeReg {
				do(strings.TrimPrefix(rel, ".trash/"), data)
			}
		}
		_ = f.Close()
	}
}

// TestGoldenModelBytes reads what MLflow 3 wrote of logged models and traces and writes it again,
// byte for byte.
func TestGoldenModelBytes(t *testing.T) {
	counts := map[string]int{}
	eachMLflow3File(t, func(name string, data []byte) {
		parts := strings.Split(name, "/")
		if len(parts) < 4 {
			return
		}
		experiment, kind, id, rest := parts[0], parts[1], parts[2], path.Join(parts[3:]...)
		switch {
		case kind == "models" && rest == "meta.yaml":
			counts["models"]++
			modelBytes(t, name, experiment, id, data)
		case kind == "models" && parts[3] == "metrics":
			for line := range strings.Lines(string(data)) {
				pt, err := ParseModelPoint([]byte(strings.TrimSuffix(line, "\n")))
				if err != nil {
					counts["lines that MLflow cannot read"]++
					continue
				}
				counts["lines"]++
				if got := string(AppendModelPoint(nil, pt.Metric("k"))); got != line && strings.Replace(got, ".0 ", " ", 1) != line { // the value may be one of Python's integers
					t.Errorf("%s: %q became %q", name, line, got)
				}
			}
		case kind == "traces" && rest == "trace_info.yaml":
			traceBytes(t, name, experiment, id, data, counts)
		case kind == "traces" && parts[3] == "assessments":
			counts["assessments"]++
			if text, err := AssessmentJSON(data); err != nil || !bytes.HasPrefix(text, []byte(`{"assessment_id":"`)) {
				t.Errorf("%s: %s, %v", name, text, err)
			}
		}
	})
	if counts["models"] != 52 || counts["lines"] < 60 || counts["traces"] < 15 || counts["second"] < 15 || counts["assessments"] < 5 {
		t.Errorf("read only %v", counts)
	}
}

func modelBytes(t *testing.T, name, experiment, id string, data []byte) {
	t.Helper()
	doc, err := ParseDocument(data)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	m, err := LoggedModelOf(&doc, experiment, id)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	made := NewLoggedModelDocument(m)
	switch _, staged := doc.Text(KeyLifecycleStage); {
	case m.Stage == mlruns.StageDeleted:
		SetModelDeleted(&made, m)
	case !staged:
		SetModelStatus(&made, m)
	}
	if got, err := made.Encode(); err != nil || !bytes.Equal(got, bytes.Replace(data, []byte("model_type: ''"), []byte("model_type: null"), 1)) {
		t.Errorf("%s: got\n%s%v, want\n%s", name, got, err, data)
	}
}

func traceBytes(t *testing.T, name, experiment, id string, data []byte, counts map[string]int) {
	t.Helper()
	doc, err := ParseDocument(data)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	tr, err := TraceOf(&doc, experiment, id)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if bytes.Contains(data, []byte("request_id: ")) && !bytes.Contains(data, []byte("trace_id: ")) {
		counts["second"]++
		return
	}
	counts["traces"]++
	made := NewTraceDocument(tr)
	if got, err := made.Encode(); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%s: got\n%s%v, want\n%s", name, got, err, data)
	}
}

// TestModelPointRefused is the lines that MLflow cannot read.
func TestModelPointRefused(t *testing.T) {
	for _, line := range []string{
		"", "1 2", "1 2 3", "1 2 3 r d", "1 2 3 r d e f", "1 2 3  d e", "1 2 3 r  e", "x 2 3 r", "1 x 3 r", "1 2 x r", "1 2 3 r\x00", "1 2 3 r a\x00 b",
	} {
		if p, err := ParseModelPoint([]byte(line)); err == nil {
			t.Errorf("%q is %+v", line, p)
		}
	}
}

// FuzzModelPoint shows that what is read of a line and written again is read again the same.
func FuzzModelPoint(f *testing.F) {
	for _, line := range []string{"1588888888000 0.5 7 88c500e318764808a78f41798cde0a1b", "1 nan -3 r iris d1", "  1 1_0 3 r"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		p, err := ParseModelPoint(line)
		if err != nil {
			return
		}
		text := AppendModelPoint(nil, p.Metric("k"))
		again, err := ParseModelPoint(bytes.TrimSuffix(text, []byte("\n")))
		if err != nil || again.RunID != p.RunID || again.Identity() != p.Identity() {
			t.Fatalf("%q: %+v became %q: %+v, %v", line, p, text, again, err)
		}
	})
}

// FuzzModelAndTraceDocuments shows that no file makes the readers panic, and that what they read
// comes back from what is written of it.
func FuzzModelAndTraceDocuments(f *testing.F) {
	eachMLflow3File(f, func(name string, data []byte) {
		if base := path.Base(name); base == "trace_info.yaml" || strings.Contains(name, "/models/") && base == "meta.yaml" || strings.Contains(name, "/assessments/") {
			f.Add(data)
		}
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		if text, err := AssessmentJSON(data); err == nil && text[0] != '{' {
			t.Fatalf("%q is %s", data, text)
		}
		doc, err := ParseDocument(data)
		if err != nil {
			return
		}
		_, _, _ = ModelDoubts(&doc), TraceDoubts(&doc), TraceKeys(&doc)
		experiment, _ := doc.Text(KeyExperimentID)
		model, _ := doc.Text(KeyModelID)
		if m, err := LoggedModelOf(&doc, experiment, model); err == nil {
			made := NewLoggedModelDocument(m)
			encoded, err := made.Encode()
			if err != nil {
				return // what YAML cannot hold
			}
			again, err := ParseDocument(encoded)
			if err != nil {
				t.Fatalf("%s: %v", encoded, err)
			}
			m2, err := LoggedModelOf(&again, experiment, model)
			if m2.Stage = m.Stage; err != nil || m2.Name != m.Name || m2.Status != m.Status || !m2.Created.Equal(m.Created) {
				t.Fatalf("%+v became %+v, %v", m, m2, err)
			}
		}
		trace, ok := doc.Text(KeyRequestID)
		if !ok {
			trace, _ = doc.Text(KeyTraceID)
		}
		if tr, err := TraceOf(&doc, "1", trace); err == nil && tr.Start.Year() >= 0 && tr.Start.Year() <= 9999 {
			made := NewTraceDocument(tr)
			encoded, err := made.Encode()
			if err != nil {
				return
			}
			again, err := ParseDocument(encoded)
			if err != nil {
				t.Fatalf("%s: %v", encoded, err)
			}
			tr2, err := TraceOf(&again, "1", trace)
			if err != nil || tr2.State != tr.State || !tr2.Start.Equal(tr.Start) || !tr2.End.Equal(tr.End) {
				t.Fatalf("%+v became %+v, %v", tr, tr2, err)
			}
		}
	})
}
