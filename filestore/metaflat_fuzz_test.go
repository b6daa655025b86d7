package filestore

import (
	"fmt"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// FuzzMeta holds the scan by hand to yaml.v3: what it takes, yaml.v3 reads as the same keys and
// texts, and both make the same run of it.
func FuzzMeta(f *testing.F) {
	run := records.NewRunRef(records.NewExperimentRef("1", false), "r")
	doc := codec.NewRunDocument(mlruns.RunInfo{ID: "r", ExperimentID: "1", Name: "my 'run': #1", Status: mlruns.StatusRunning, Stage: mlruns.StageActive, User: "é"})
	whole, err := doc.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, text := range []string{"a: b\n", "a: 'it''s'\n", "a: null\nb: NULL\nc: nULL\n", "b: 1\na: 2\nb: 3\n", "a: []\nb: {}\n", "a: b \n", "a: b: c\n", "a: b #c\n", "a: '\n", "a: x\r\n",
		"run_id: r\nexperiment_id: '1'\nstatus: FINISHED\nend_time: 12\n", "a: -\n", "a: 0x1F\n", "a: /x\n", "a: _\n", "a: ---\n", "a: b\n---\n", "a: y:\n", "a:  b\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m codec.FlatMeta
		if !m.Scan(data) {
			return
		}
		want, err := codec.DecodeDocument(data)
		if err != nil {
			t.Fatalf("yaml.v3 refuses %q: %v", data, err)
		}
		if len(m.Entries) != len(want.Entries) {
			t.Fatalf("%q: %d keys, yaml.v3 reads %d", data, len(m.Entries), len(want.Entries))
		}
		for _, e := range want.Entries {
			got, ok := m.Text(e.Key)
			if text, wantOK := want.Text(e.Key); got != text || ok != wantOK {
				t.Errorf("%q: %s is %q, %v; yaml.v3 reads %q, %v", data, e.Key, got, ok, text, wantOK)
			}
		}
		flat, ok := codec.ScanFlat(data)
		again, err := flat.Encode()
		wantAgain, wantErr := want.Encode()
		if !ok || string(again) != string(wantAgain) || (err == nil) != (wantErr == nil) {
			t.Errorf("%q is written again as %q, %v; from yaml.v3 as %q, %v", data, again, err, wantAgain, wantErr)
		}
		info, err := codec.RunInfoOf(&m, "1", run.ID)
		wantInfo, wantErr := codec.RunInfoOf(&want, "1", run.ID)
		if info != wantInfo || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%q is the run %+v, %v; by yaml.v3 %+v, %v", data, info, err, wantInfo, wantErr)
		}
	})
}
