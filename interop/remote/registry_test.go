//go:build interop

package remote

import (
	"errors"
	"fmt"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/tracking"
)

// registry makes the 13 calls, stages included, through a client whose runs are in a folder.
func registry(t *testing.T, s *server) {
	client, err := tracking.Open(t.Context(), t.TempDir(), s.uri)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	text := func(text string) *string { return &text }

	m, err := client.CreateRegisteredModel(ctx, "net é 1")
	must(err)
	want("name", m.Name, "net é 1")
	if m.Created.IsZero() {
		t.Error("the model has no time of creation")
	}
	if _, err := client.CreateRegisteredModel(ctx, "net é 1"); !errors.Is(err, mlruns.ErrExists) {
		t.Errorf("the second of a name: %v", err)
	}
	if _, err := client.RegisteredModel(ctx, "nobody"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("a model that is not there: %v", err)
	}
	m, err = client.UpdateRegisteredModel(ctx, "net é 1", mlruns.RegisteredModelUpdate{Name: text("net"), Description: text("a net")})
	must(err)
	want("renamed", m.Name+" "+m.Description, "net a net")
	for range 3 {
		_, err = client.CreateModelVersion(ctx, "net", "s3://bucket/net", "")
		must(err)
	}
	for version, stage := range map[string]string{"1": "Production", "2": "Staging"} {
		v, err := client.UpdateModelVersion(ctx, "net", version, mlruns.ModelVersionUpdate{Stage: text(stage), Description: text("v" + version)})
		must(err)
		want("stage", v.Stage+" "+v.Description+" "+v.Status+" "+v.Source, stage+" v"+version+" READY s3://bucket/net")
	}
	v, err := client.ModelVersion(ctx, "net", "3")
	must(err)
	want("a version without a stage", v.Stage, "None")
	for stages, versions := range map[string]int{"": 3, "Staging": 1, "Archived": 0} {
		asked := []string{stages}
		if stages == "" {
			asked = nil
		}
		latest, err := client.LatestVersions(ctx, "net", asked...)
		must(err)
		want("latest of "+stages, len(latest), versions)
	}
	uri, err := client.ModelVersionDownloadURI(ctx, "net", "1")
	must(err)
	want("URI", uri, "s3://bucket/net")
	stages, err := client.ModelVersionStages(ctx, "net", "1")
	must(err)
	want("stages", stages, "[None Staging Production Archived]")
	must(client.DeleteModelVersion(ctx, "net", "3"))
	if _, err := client.ModelVersion(ctx, "net", "3"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("a deleted version: %v", err)
	}
	n := 0
	for v, err := range client.SearchModelVersions(ctx, "name='net'") {
		must(err)
		want("found", v.Name, "net")
		n++
	}
	want("versions found", n, 2)
	for i := range 101 { // more than a page
		_, err := client.CreateRegisteredModel(ctx, fmt.Sprintf("m%03d", i))
		must(err)
	}
	n = 0
	for _, err := range client.RegisteredModels(ctx) {
		must(err)
		n++
	}
	want("models", n, 102)
	must(client.DeleteRegisteredModel(ctx, "net"))
	if _, err := client.RegisteredModel(ctx, "net"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("a deleted model: %v", err)
	}
}
