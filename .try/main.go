package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/remote"
	"github.com/mlruns/mlruns/transfer"
)

func must(errs ...error) {
	for _, e := range errs {
		if e != nil {
			panic(e)
		}
	}
}

func show(what string, seq func(func(transfer.Item, error) bool)) {
	fmt.Println("==", what)
	for it, err := range seq {
		fmt.Printf("  %s %s %s->%s tags %d meta %d ass %d files %d", it.Kind, it.Action, it.SourceID, it.ID, it.Tags, it.Metadata, it.Assessments, it.Files)
		for _, c := range it.Conflicts {
			fmt.Print("\n     C ", c)
		}
		for _, c := range it.Refused {
			fmt.Print("\n     R ", c)
		}
		fmt.Println("", it.Err, err)
	}
}

func main() {
	ctx := context.Background()
	dir := os.Args[2]
	os.RemoveAll(dir)
	src, err := filestore.Open(dir + "/src")
	must(err)
	r, err := src.CreateRun(ctx, mlruns.RunSpec{Name: "n", Start: time.UnixMilli(1000)})
	must(err)
	must(src.EndRun(ctx, r.Info.ID, 0, time.UnixMilli(2000)))
	a := func(id, more string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"assessment_id":%q,"assessment_name":"q","create_time":"2024-05-01T00:00:00Z","last_update_time":"2024-05-02T00:00:00.500Z","source":{"source_type":"HUMAN","source_id":"a@b"},"metadata":{"m":"1"}%s}`, id, more))
	}
	sfx := os.Args[3]
	_, err = src.ImportTrace(ctx, mlruns.Trace{ID: "tr-whole" + sfx, ClientRequestID: "client", State: mlruns.TraceError, Start: time.UnixMilli(1000), End: time.UnixMilli(2345), RequestPreview: "in\n", ResponsePreview: "out",
		Metadata: map[string]string{mlruns.TraceMetadataRun: r.Info.ID, "k": "ü"}, Tags: map[string]string{mlruns.TagTraceName: "chat", "t": "1"},
		Assessments: []json.RawMessage{a("a-1"+sfx, `,"feedback":{"value":[1,"é"]},"rationale":"why","valid":false`), a("a-2"+sfx, `,"feedback":{"value":2.5},"valid":true,"overrides":"a-1`+sfx+`"`), a("a-3"+sfx, `,"expectation":{"value":{"x":1}},"valid":true`)}})
	must(err)
	_, err = src.ImportTrace(ctx, mlruns.Trace{ID: "tr-way" + sfx, State: mlruns.TraceInProgress, Start: time.UnixMilli(3000)})
	must(err)
	must(src.WriteTraceArtifact(ctx, "tr-whole"+sfx, "traces.json", strings.NewReader(`{"spans": []}`)))
	must(src.WriteTraceArtifact(ctx, "tr-whole"+sfx, "attachments/a", strings.NewReader("x")))
	dst, err := remote.Open(ctx, os.Args[1])
	must(err)
	show("push", transfer.Copy(ctx, dst, src, transfer.Query{}))
	show("push again", transfer.Copy(ctx, dst, src, transfer.Query{}))
	_, err = src.EndTrace(ctx, "tr-way"+sfx, mlruns.TraceEnd{State: mlruns.TraceOK, End: time.UnixMilli(4000), Metadata: map[string]string{"m": "1"}, Tags: map[string]string{"u": "2"}})
	must(err)
	_, err = src.CreateAssessment(ctx, "tr-whole"+sfx, json.RawMessage(`{"assessment_name":"q","feedback":{"value":1},"overrides":"a-2`+sfx+`"}`))
	must(err)
	show("push more", transfer.Copy(ctx, dst, src, transfer.Query{}))
	show("push more again", transfer.Copy(ctx, dst, src, transfer.Query{}))
	back, err := filestore.Open(dir + "/back")
	must(err)
	show("pull", transfer.Copy(ctx, back, dst, transfer.Query{}))
	show("pull again", transfer.Copy(ctx, back, dst, transfer.Query{}))
	show("push back", transfer.Copy(ctx, dst, back, transfer.Query{}))
	show("pull to the source", transfer.Copy(ctx, src, dst, transfer.Query{}))
	t, err := back.Trace(ctx, "tr-whole"+sfx)
	if err == nil {
		fmt.Printf("%+v\n%s\n", *t, t.Assessments)
		fmt.Println(back.TraceData(ctx, t.ID))
	}
}
