package codec

import (
	"crypto/md5" //nolint:gosec // MLflow names these folders by MD5; nothing is secured by it.
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// Data sets, inputs and outputs are folders with a meta.yaml, named by hashes:
//
//	<experiment>/datasets/<md5(name + digest)>/meta.yaml
//	<experiment>/<run>/inputs/<md5(data set's or model's id + run id)>/meta.yaml
//	<experiment>/<run>/outputs/<model id>/meta.yaml
const (
	keyDestinationID   = "destination_id"
	keyDestinationType = "destination_type"
	keyDigest          = "digest"
	keyProfile         = "profile"
	keySchema          = "schema"
	keySource          = "source"
	keySourceID        = "source_id"
	keyStep            = "step"

	typeDataset     = "DATASET"
	typeModel       = "MODEL"
	typeRun         = "RUN"
	typeRunOutput   = "RUN_OUTPUT"
	typeModelOutput = "MODEL_OUTPUT"
)

// HashID is how MLflow names data sets and inputs.
func HashID(a, b string) string {
	sum := md5.Sum([]byte(a + b)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// NewDatasetDocument is the document of a data set.
func NewDatasetDocument(d mlruns.Dataset) Document {
	var doc Document
	doc.SetString(keyDigest, d.Digest)
	doc.SetString(KeyName, d.Name)
	doc.setText(keyProfile, d.Profile)
	doc.setText(keySchema, d.Schema)
	doc.SetString(keySource, d.Source)
	doc.SetString(keySourceType, d.SourceType)
	return doc
}

// DatasetOf reads a data set's document.
func DatasetOf(doc *Document) (d mlruns.Dataset, err error) {
	var ok bool
	if d.Name, ok = doc.Text(KeyName); !ok {
		return d, missingKey(KeyName)
	}
	d.Digest, _ = doc.Text(keyDigest)
	d.SourceType, _ = doc.Text(keySourceType)
	d.Source, _ = doc.Text(keySource)
	d.Schema, _ = doc.Text(keySchema)
	d.Profile, _ = doc.Text(keyProfile)
	return d, nil
}

// NewDatasetInput is the document of an input that is a data set, named by its id.
func NewDatasetInput(id string, tags map[string]string) Document {
	return inputDocument(id, typeDataset, tags)
}

// NewModelInput is the document of an input that is a logged model.
func NewModelInput(id string) Document { return inputDocument(id, typeModel, nil) }

func inputDocument(source, sourceType string, tags map[string]string) Document {
	var doc Document
	// MLflow writes the source where the run's id belongs; readers ignore it.
	doc.SetString(keyDestinationID, source)
	doc.SetString(keyDestinationType, typeRun)
	doc.SetString(keySourceID, source)
	doc.SetString(keySourceType, sourceType)
	fields := make([]pyfmt.Field, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		fields = append(fields, pyfmt.Field{Key: key, Value: pyfmt.String(tags[key])})
	}
	doc.setValue(KeyTags, pyfmt.Mapping(fields))
	return doc
}

// InputOf reads an input's document: the id of a data set, or of a model.
func InputOf(doc *Document) (source string, isModel bool, tags map[string]string, err error) {
	source, ok := doc.Text(keySourceID)
	if !ok {
		return "", false, nil, missingKey(keySourceID)
	}
	switch kind, _ := doc.Text(keySourceType); kind {
	case typeModel:
		return source, true, nil, nil
	case typeDataset:
		return source, false, doc.textMap(KeyTags), nil
	default:
		return "", false, nil, &Damage{Reason: fmt.Sprintf("source_type is %q, not %s or %s", kind, typeDataset, typeModel)}
	}
}

// NewOutputDocument is the document of an output.
func NewOutputDocument(m mlruns.ModelOutput) Document {
	var doc Document
	doc.SetString(keyDestinationID, m.ModelID)
	doc.SetString(keyDestinationType, typeModelOutput)
	doc.SetString(keySourceID, m.ModelID)
	doc.SetString(keySourceType, typeRunOutput)
	doc.setInt(keyStep, m.Step)
	doc.setValue(KeyTags, pyfmt.Mapping(nil))
	return doc
}

// OutputOf reads an output's document.
func OutputOf(doc *Document) (m mlruns.ModelOutput, err error) {
	id, ok := doc.Text(keyDestinationID)
	if !ok {
		return m, missingKey(keyDestinationID)
	}
	step, _, err := doc.integer(keyStep)
	return mlruns.ModelOutput{ModelID: id, Step: step}, err
}
