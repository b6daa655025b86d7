package codec

import (
	"slices"

	"github.com/mlruns/mlruns/internal/pyfmt"
)

// LoggedModelKeys are the keys that every MLflow version writes for a logged model, and that are
// not required for reading it.
func LoggedModelKeys() []string {
	return []string{KeyArtifactLocation, keyCreationTimestamp, keyLastUpdatedTimestamp, keyModelType, KeyName, keySourceRunID, KeyStatus, keyStatusMessage}
}

// TraceKeys is LoggedModelKeys for a trace of the generation of a document.
func TraceKeys(d *Document) []string {
	if d.Find(KeyRequestID) >= 0 {
		return []string{keyExecutionTime, KeyExperimentID}
	}
	return []string{keyTraceLocation}
}

// ModelDoubts tells what keeps MLflow from a logged model that can be read.
func ModelDoubts(d *Document) []string {
	if i := d.Find(KeyExperimentID); i >= 0 && d.Entries[i].scalar && d.Entries[i].value.Kind() != pyfmt.KindString {
		return []string{KeyExperimentID + " is not a text without quotes, and MLflow passes the model over"}
	}
	return nil
}

// What MLflow's two classes of traces take by name. It writes fewer of them.
var (
	secondKeys = []string{"assessments", keyExecutionTime, KeyExperimentID, KeyRequestID, "request_metadata", KeyStatus, KeyTags, keyTimestampMs}
	thirdKeys  = []string{"assessments", keyClientRequestID, "execution_duration", keyExecutionDuration, keyRequestPreview, keyRequestTime, keyResponsePreview, keyState,
		KeyTags, KeyTraceID, keyTraceLocation, "trace_metadata"}
)

// TraceDoubts tells what keeps MLflow from a trace that can be read, and from every search of its
// experiment.
func TraceDoubts(d *Document) []string {
	const fails = ", and MLflow fails on the trace, and on every search of the experiment"
	known := thirdKeys
	if d.Find(KeyRequestID) >= 0 {
		known = secondKeys
	}
	var doubts []string
	for _, e := range d.Entries {
		switch {
		case !slices.Contains(known, e.Key):
			doubts = append(doubts, "no trace has the key "+e.Key+fails)
		case e.Key == keyRequestTime && e.value.Kind() != pyfmt.KindString:
			doubts = append(doubts, keyRequestTime+" is not a text without quotes"+fails)
		}
	}
	return doubts
}
