package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
	"github.com/mlruns/mlruns/internal/validate"
)

// Unfinished reports whether more text could make JSON of this one, which is none yet.
func Unfinished(text string) bool {
	if json.Valid([]byte(text)) { // which takes no memory for what is in it
		return false
	}
	err := json.NewDecoder(strings.NewReader(text)).Decode(new(json.RawMessage))
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// AddModel adds an element to the text of a JSON array and leaves the rest of the text as it is.
func AddModel(array, element string) (string, error) {
	array = strings.TrimSpace(array)
	if array == "" {
		array = "[]"
	}
	if array[0] != '[' || !json.Valid([]byte(array)) {
		return "", &failure.Reason{Kind: mlruns.ErrCorrupt, Code: failure.CodeInternal, Text: fmt.Sprintf("the tag %s is not a JSON array", mlruns.TagModelHistory)}
	}
	end := len(array) - 1
	if strings.TrimSpace(array[1:end]) == "" {
		return "[" + element + "]", nil
	}
	return array[:end] + ", " + element + "]", nil
}

// EncodeModel gives the object that MLflow ≥ 2.16 writes, its keys in the order of that.
func EncodeModel(runID string, m mlruns.ModelRecord) (string, error) {
	for _, f := range [...]mlruns.Tag{{Key: "artifact_path", Value: m.ArtifactPath}, {Key: "model_uuid", Value: m.ModelUUID}} {
		if err := validate.Text(f.Key, f.Value); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	b.WriteString(`{"run_id": `)
	b.WriteString(pyfmt.JSON(runID))
	b.WriteString(`, "artifact_path": `)
	b.WriteString(pyfmt.JSON(m.ArtifactPath))
	b.WriteString(`, "utc_time_created": `)
	b.WriteString(pyfmt.JSON(m.Created.UTC().Truncate(time.Microsecond).Format("2006-01-02 15:04:05.000000")))
	if m.ModelUUID != "" {
		b.WriteString(`, "model_uuid": `)
		b.WriteString(pyfmt.JSON(m.ModelUUID))
	}
	b.WriteString(`, "flavors": {`)
	for i, name := range slices.Sorted(maps.Keys(m.Flavors)) {
		if i > 0 {
			b.WriteString(", ")
		}
		flavor := m.Flavors[name]
		if err := errors.Join(validate.Text("flavors", name), validate.Text("flavors", string(flavor))); err != nil {
			return "", err
		}
		b.WriteString(pyfmt.JSON(name))
		b.WriteString(": ")
		if err := writeSpaced(&b, flavor); err != nil {
			return "", failure.Invalid(fmt.Sprintf("Invalid value for parameter 'flavors' supplied: the flavor %q is not JSON: %v", name, err))
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
			b.WriteString(pyfmt.JSON(s))
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
