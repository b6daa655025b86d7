package filestore

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

// hashID is how MLflow names data sets and inputs.
func hashID(a, b string) string {
	sum := md5.Sum([]byte(a + b)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

func datasetDocument(d mlruns.Dataset) document {
	var doc document
	doc.setString(keyDigest, d.Digest)
	doc.setString(keyName, d.Name)
	doc.setText(keyProfile, d.Profile)
	doc.setText(keySchema, d.Schema)
	doc.setString(keySource, d.Source)
	doc.setString(keySourceType, d.SourceType)
	return doc
}

// datasetOf reads a data set's document.
func datasetOf(doc *document) (d mlruns.Dataset, err error) {
	var ok bool
	if d.Name, ok = doc.text(keyName); !ok {
		return d, missingKey(keyName)
	}
	d.Digest, _ = doc.text(keyDigest)
	d.SourceType, _ = doc.text(keySourceType)
	d.Source, _ = doc.text(keySource)
	d.Schema, _ = doc.text(keySchema)
	d.Profile, _ = doc.text(keyProfile)
	return d, nil
}

// inputDatasetDocument is the document of an input that is a data set, named by its id.
func inputDatasetDocument(id string, tags map[string]string) document {
	return inputDocument(id, typeDataset, tags)
}

// inputModelDocument is the document of an input that is a logged model.
func inputModelDocument(id string) document { return inputDocument(id, typeModel, nil) }

func inputDocument(source, sourceType string, tags map[string]string) document {
	var doc document
	// MLflow writes the source where the run's id belongs; readers ignore it.
	doc.setString(keyDestinationID, source)
	doc.setString(keyDestinationType, typeRun)
	doc.setString(keySourceID, source)
	doc.setString(keySourceType, sourceType)
	fields := make([]pyfmt.Field, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		fields = append(fields, pyfmt.Field{Key: key, Value: pyfmt.String(tags[key])})
	}
	doc.setValue(keyTags, pyfmt.Mapping(fields))
	return doc
}

// inputOf reads an input's document: the id of a data set, or of a model.
func inputOf(doc *document) (source string, isModel bool, tags map[string]string, err error) {
	source, ok := doc.text(keySourceID)
	if !ok {
		return "", false, nil, missingKey(keySourceID)
	}
	switch kind, _ := doc.text(keySourceType); kind {
	case typeModel:
		return source, true, nil, nil
	case typeDataset:
		return source, false, doc.textMap(keyTags), nil
	default:
		return "", false, nil, &damage{reason: fmt.Sprintf("source_type is %q, not %s or %s", kind, typeDataset, typeModel)}
	}
}

func outputDocument(m mlruns.ModelOutput) document {
	var doc document
	doc.setString(keyDestinationID, m.ModelID)
	doc.setString(keyDestinationType, typeModelOutput)
	doc.setString(keySourceID, m.ModelID)
	doc.setString(keySourceType, typeRunOutput)
	doc.setInt(keyStep, m.Step)
	doc.setValue(keyTags, pyfmt.Mapping(nil))
	return doc
}

// outputOf reads an output's document.
func outputOf(doc *document) (m mlruns.ModelOutput, err error) {
	id, ok := doc.text(keyDestinationID)
	if !ok {
		return m, missingKey(keyDestinationID)
	}
	step, _, err := doc.integer(keyStep)
	return mlruns.ModelOutput{ModelID: id, Step: step}, err
}
