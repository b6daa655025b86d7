package filestore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// RecordLoggedModel implements mlruns.Store: the tag mlflow.log-model.history is a JSON array to which an object is added, in the text form of
// Python's json.dumps. MLflow reads, changes and writes the tag without a lock; here no record of ours is lost.
// ErrBusy if MLflow is in the middle of writing it for a second: calling again is safe. The commit point is that of SetTag.
func (s *Store) RecordLoggedModel(ctx context.Context, runID string, m mlruns.ModelRecord) error {
	return fail("record logged model", runID, s.recordLoggedModel(ctx, runID, m))
}

func (s *Store) recordLoggedModel(ctx context.Context, runID string, m mlruns.ModelRecord) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if m.Created.IsZero() {
		m.Created = s.now()
	}
	record, err := encodeRecord(runID, m)
	if err != nil {
		return err
	}
	return s.withActiveRun(ctx, runID, func(ref runRef, info mlruns.RunInfo, _ document) error {
		f, err := s.tree.folder(ref.dir)
		if err != nil {
			return err
		}
		defer closeQuietly(f)
		history, err := readModels(ctx, f)
		if err != nil {
			return err
		}
		history, err = addToArray(history, record)
		if err != nil {
			return err
		}
		return s.writeValue(ref.dir, layout.Tags, mlruns.TagModelHistory, history, s.syncsValues(info))
	})
}

// modelRetries are the pauses before looking again at a list of models that is empty or cut off. They are longer than emptyRetry: what is lost here is all
// models.
var modelRetries = [...]time.Duration{emptyRetry, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond}

// readModels reads the list of models, again while it is fresh and not whole: MLflow truncates the file and then writes it, what is beyond 8 KiB with
// another call, and a list begun anew in between would replace all that it writes. An old one is taken as it is.
func readModels(ctx context.Context, f rootfs.Folder) (string, error) {
	name := layout.Join(layout.Tags, mlruns.TagModelHistory)
	for try := 0; ; try++ {
		models, err := readText(keyFile{folder: f, name: name})
		if isGone(err) {
			return "", nil
		}
		if err != nil || !unfinished(models) || !beingWritten(f, name) {
			return models, err
		}
		if try == len(modelRetries) {
			return "", &mlruns.Reason{Kind: mlruns.ErrBusy, Text: fmt.Sprintf("another program has not finished writing the tag %s", mlruns.TagModelHistory)}
		}
		if err := sleep(ctx, modelRetries[try]); err != nil {
			return "", err
		}
	}
}

// unfinished reports whether more text could make JSON of this one, which is none yet.
func unfinished(text string) bool {
	if json.Valid([]byte(text)) { // which takes no memory for what is in it
		return false
	}
	err := json.NewDecoder(strings.NewReader(text)).Decode(new(json.RawMessage))
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// addToArray adds an element to the text of a JSON array and leaves the rest of the text as it is.
func addToArray(array, element string) (string, error) {
	array = strings.TrimSpace(array)
	if array == "" {
		array = "[]"
	}
	if array[0] != '[' || !json.Valid([]byte(array)) {
		return "", &mlruns.Reason{Kind: mlruns.ErrCorrupt, Code: mlruns.CodeInternal, Text: fmt.Sprintf("the tag %s is not a JSON array", mlruns.TagModelHistory)}
	}
	end := len(array) - 1
	if strings.TrimSpace(array[1:end]) == "" {
		return "[" + element + "]", nil
	}
	return array[:end] + ", " + element + "]", nil
}

// encodeRecord gives the object that MLflow ≥ 2.16 writes, its keys in the order of that.
func encodeRecord(runID string, m mlruns.ModelRecord) (string, error) {
	for _, f := range [...]mlruns.Tag{{Key: "artifact_path", Value: m.ArtifactPath}, {Key: "model_uuid", Value: m.ModelUUID}} {
		if err := mlruns.ValidateText(f.Key, f.Value); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	b.WriteString(`{"run_id": `)
	b.WriteString(mlruns.JSONText(runID))
	b.WriteString(`, "artifact_path": `)
	b.WriteString(mlruns.JSONText(m.ArtifactPath))
	b.WriteString(`, "utc_time_created": `)
	b.WriteString(mlruns.JSONText(m.Created.UTC().Truncate(time.Microsecond).Format("2006-01-02 15:04:05.000000")))
	if m.ModelUUID != "" {
		b.WriteString(`, "model_uuid": `)
		b.WriteString(mlruns.JSONText(m.ModelUUID))
	}
	b.WriteString(`, "flavors": {`)
	for i, name := range slices.Sorted(maps.Keys(m.Flavors)) {
		if i > 0 {
			b.WriteString(", ")
		}
		flavor := m.Flavors[name]
		if err := errors.Join(mlruns.ValidateText("flavors", name), mlruns.ValidateText("flavors", string(flavor))); err != nil {
			return "", err
		}
		b.WriteString(mlruns.JSONText(name))
		b.WriteString(": ")
		if err := writeSpaced(&b, flavor); err != nil {
			return "", mlruns.Invalid(fmt.Sprintf("Invalid value for parameter 'flavors' supplied: the flavor %q is not JSON: %v", name, err))
		}
	}
	b.WriteString("}}")
	return b.String(), nil
}

// writeSpaced rewrites JSON with a blank after each comma and colon, as json.dumps does.
func writeSpaced(b *strings.Builder, raw json.RawMessage) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return err
	}
	text := compact.String()
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			end := endOfString(text, i)
			var s string
			if err := json.Unmarshal([]byte(text[i:end]), &s); err != nil {
				return err
			}
			b.WriteString(mlruns.JSONText(s))
			i = end - 1
		case ',', ':':
			b.WriteByte(text[i])
			b.WriteByte(' ')
		default:
			b.WriteByte(text[i])
		}
	}
	return nil
}

// endOfString is the index after the string that begins at i in valid JSON.
func endOfString(text string, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}
