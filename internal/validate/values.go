package validate

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// TimeInRange reports whether a time can be written: in milliseconds since 1970, not negative and
// within 64 bits.
func TimeInRange(t time.Time) bool { return t.Unix() >= 0 && t.Unix() < math.MaxInt64/1000 }

// Metric checks a point as MLflow's log_metric does.
func Metric(m mlruns.Metric) error { return metric("", m) }

// metric checks a point; prefix is put before the names of its fields, as in "metrics[3].name".
func metric(prefix string, m mlruns.Metric) error {
	if err := Key(prefix+"name", m.Key); err != nil {
		return err
	}
	if err := length("Metric name", m.Key, mlruns.MaxKeyLength); err != nil {
		return err
	}
	if !m.Time.IsZero() && !TimeInRange(m.Time) {
		return failure.Invalid(fmt.Sprintf("Invalid value %d for parameter '%stimestamp' supplied: metric '%s' (value=%s). Timestamp must be a nonnegative long (64-bit integer) ",
			m.Time.UnixMilli(), prefix, m.Key, pyfmt.AppendFloat(nil, m.Value)))
	}
	if m.ModelID != "" {
		if err := PlainName(prefix+"model_id", m.ModelID); err != nil {
			return err
		}
	}
	if (m.DatasetName == "") != (m.DatasetDigest == "") {
		return failure.Invalid("Both dataset_name and dataset_digest must be provided if one is provided")
	}
	if err := length(prefix+"dataset_name", m.DatasetName, mlruns.MaxDatasetNameLength); err != nil {
		return err
	}
	if err := length(prefix+"dataset_digest", m.DatasetDigest, mlruns.MaxDatasetDigestLength); err != nil {
		return err
	}
	for _, f := range [...]struct{ name, text string }{{"dataset_name", m.DatasetName}, {"dataset_digest", m.DatasetDigest}} {
		if strings.ContainsFunc(f.text, unicode.IsSpace) || strings.ContainsFunc(f.text, unicode.IsControl) || !utf8.ValidString(f.text) {
			return failure.Invalid(fmt.Sprintf("Invalid value %s for parameter '%s%s' supplied: a blank in it would make the whole metric unreadable", pyfmt.JSON(f.text), prefix, f.name))
		}
	}
	return nil
}

// Param checks a param as MLflow's log_param does, except that a value of more than
// mlruns.MaxParamValueLength is refused where MLflow cuts it.
func Param(p mlruns.Param) error { return param("", p) }

func param(prefix string, p mlruns.Param) error {
	if err := Key(prefix+"key", p.Key); err != nil {
		return err
	}
	if err := length("Param key", p.Key, mlruns.MaxKeyLength); err != nil {
		return err
	}
	if err := Text(prefix+"value", p.Value); err != nil {
		return err
	}
	return length("Param value", p.Value, mlruns.MaxParamValueLength)
}

// Tag checks a tag as MLflow's set_tag does: its lengths have no limit of their own.
func Tag(t mlruns.Tag) error { return tag("", t) }

func tag(prefix string, t mlruns.Tag) error {
	if err := Key(prefix+"key", t.Key); err != nil {
		return err
	}
	return Text(prefix+"value", t.Value)
}
