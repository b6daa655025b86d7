package mlruns

import (
	"fmt"
	"math"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mlruns/mlruns/internal/pyfmt"
)

// Limits of lengths, in Unicode code points, MLflow 3.11's.
const (
	MaxKeyLength              = 250
	MaxParamValueLength       = 6000
	MaxTagValueLength         = 8000
	MaxExperimentNameLength   = 500
	MaxArtifactLocationLength = 2048
	MaxDatasetNameLength      = 500
	MaxDatasetDigestLength    = 36
)

// ValidateRunID checks a run id: a letter or digit, then at most 255 word characters and dashes.
func ValidateRunID(id string) error {
	if !validID(id, 256) {
		return Invalid(fmt.Sprintf("Invalid value %s for parameter 'run_id' supplied.", JSONText(id)))
	}
	return nil
}

// ValidateExperimentID checks an experiment id: a letter or digit, then at most 63 word characters
// and dashes.
func ValidateExperimentID(id string) error {
	if !validID(id, 64) {
		return Invalid(fmt.Sprintf("Invalid experiment ID: '%s'", id))
	}
	return nil
}

// validID is MLflow's rule without the newline that Python's $ lets pass.
func validID(id string, limit int) bool {
	n := 0
	for i, r := range id {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if i == 0 && !letter || !letter && r != '-' && !wordRune(r) {
			return false
		}
		n++
	}
	return n > 0 && n <= limit
}

// wordRune is Python's \w.
func wordRune(r rune) bool {
	return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r))
}

// ValidateExperimentName checks an experiment's name: not empty, UTF-8, at most
// MaxExperimentNameLength.
func ValidateExperimentName(name string) error {
	if name == "" {
		return Invalid("Invalid experiment name: ''")
	}
	if err := ValidateText("name", name); err != nil {
		return err
	}
	return validateLength("name", name, MaxExperimentNameLength)
}

// ValidateArtifactLocation checks an experiment's artifact location, "" included.
func ValidateArtifactLocation(location string) error {
	if err := ValidateText("artifact_location", location); err != nil {
		return err
	}
	if strings.HasPrefix(location, "runs:") {
		return Invalid("Artifact location cannot be a runs:/ URI. Given: '" + location + "'")
	}
	if utf8.RuneCountInString(location) > MaxArtifactLocationLength {
		return Invalid(fmt.Sprintf("Invalid artifact path length. The length of the artifact path cannot be greater than %d characters. "+
			"To configure this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable.", MaxArtifactLocationLength))
	}
	return nil
}

// ValidateKey checks the key of a metric, param or tag; field is how messages call it. The rule is
// MLflow's on POSIX: word characters, / . - space and colon, and the key as a path must be in its
// shortest form and lead downwards.
func ValidateKey(field, key string) error {
	for _, r := range key {
		if !wordRune(r) && !strings.ContainsRune("/.- :", r) {
			return Invalid(fmt.Sprintf("Invalid value %s for parameter '%s' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), "+
				"periods (.), spaces ( ), colon(:) and slashes (/).", JSONText(key), field))
		}
	}
	if resolved := normalize(key); resolved != key || resolved == "." || strings.HasPrefix(resolved, "..") || strings.HasPrefix(resolved, "/") {
		return Invalid(fmt.Sprintf("Invalid value %s for parameter '%s' supplied: %s", JSONText(key), field, ambiguousPath(resolved)))
	}
	return nil
}

// ValidateArtifactPath checks an artifact path for writing, "" included: relative, in its shortest
// form, never upwards.
func ValidateArtifactPath(p string) error {
	if p == "" {
		return nil
	}
	if err := ValidateText("path", p); err != nil {
		return err
	}
	if resolved := normalize(p); resolved != p || resolved == "." || strings.HasPrefix(resolved, "..") || strings.HasPrefix(resolved, "/") {
		return &Reason{Kind: ErrInvalid, Code: CodeInternal, Text: fmt.Sprintf("Invalid artifact path: '%s'. %s", p, ambiguousPath(resolved))}
	}
	return nil
}

func ambiguousPath(resolved string) string {
	return "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '" + resolved + "'"
}

// normalize is Python's posixpath.normpath, which keeps exactly two leading slashes.
func normalize(p string) string {
	clean := path.Clean(p)
	if strings.HasPrefix(p, "//") && !strings.HasPrefix(p, "///") {
		return "/" + clean
	}
	return clean
}

func validateLength(what, text string, limit int) error {
	if len(text) > limit && utf8.RuneCountInString(text) > limit {
		return Invalid(fmt.Sprintf("'%s' exceeds the maximum length of %d characters", what, limit))
	}
	return nil
}

// ValidateText checks that a text is UTF-8; field is how messages call it.
func ValidateText(field, text string) error {
	if !utf8.ValidString(text) {
		return Invalid(fmt.Sprintf("Invalid value %s for parameter '%s' supplied: the text is not valid UTF-8", JSONText(text), field))
	}
	return nil
}

// ValidTime reports whether a time can be written: in milliseconds since 1970, not negative and
// within 64 bits.
func ValidTime(t time.Time) bool { return t.Unix() >= 0 && t.Unix() < math.MaxInt64/1000 }

// Validate checks a point as MLflow's log_metric does.
func (m Metric) Validate() error { return m.validate("") }

func (m Metric) validate(prefix string) error {
	if err := ValidateKey(prefix+"name", m.Key); err != nil {
		return err
	}
	if err := validateLength("Metric name", m.Key, MaxKeyLength); err != nil {
		return err
	}
	if !m.Time.IsZero() && !ValidTime(m.Time) {
		return Invalid(fmt.Sprintf("Invalid value %d for parameter '%stimestamp' supplied: metric '%s' (value=%s). Timestamp must be a nonnegative long (64-bit integer) ",
			m.Time.UnixMilli(), prefix, m.Key, pyfmt.AppendFloat(nil, m.Value)))
	}
	if (m.DatasetName == "") != (m.DatasetDigest == "") {
		return Invalid("Both dataset_name and dataset_digest must be provided if one is provided")
	}
	if err := validateLength(prefix+"dataset_name", m.DatasetName, MaxDatasetNameLength); err != nil {
		return err
	}
	if err := validateLength(prefix+"dataset_digest", m.DatasetDigest, MaxDatasetDigestLength); err != nil {
		return err
	}
	for _, f := range [...]Tag{{"dataset_name", m.DatasetName}, {"dataset_digest", m.DatasetDigest}} {
		if strings.ContainsFunc(f.Value, unicode.IsSpace) || strings.ContainsFunc(f.Value, unicode.IsControl) || !utf8.ValidString(f.Value) {
			return Invalid(fmt.Sprintf("Invalid value %s for parameter '%s%s' supplied: a blank in it would make the whole metric unreadable", JSONText(f.Value), prefix, f.Key))
		}
	}
	return nil
}

// Validate checks a param as MLflow's log_param does, except that a value of more than
// MaxParamValueLength is refused where MLflow cuts it.
func (p Param) Validate() error { return p.validate("") }

func (p Param) validate(prefix string) error {
	if err := ValidateKey(prefix+"key", p.Key); err != nil {
		return err
	}
	if err := validateLength("Param key", p.Key, MaxKeyLength); err != nil {
		return err
	}
	if err := ValidateText(prefix+"value", p.Value); err != nil {
		return err
	}
	return validateLength("Param value", p.Value, MaxParamValueLength)
}

// Validate checks a tag as MLflow's set_tag does: its lengths have no limit of their own.
func (t Tag) Validate() error { return t.validate("") }

func (t Tag) validate(prefix string) error {
	if err := ValidateKey(prefix+"key", t.Key); err != nil {
		return err
	}
	return ValidateText(prefix+"value", t.Value)
}

// Validate checks a batch as MLflow's log_batch does, except that over-long values are refused
// where MLflow cuts them.
func (b Batch) Validate() error {
	for i, m := range b.Metrics {
		if err := validateAt("metrics", i, m.validate); err != nil {
			return err
		}
	}
	for i, p := range b.Params {
		if err := validateAt("params", i, p.validate); err != nil {
			return err
		}
	}
	for i, t := range b.Tags {
		if err := validateAt("tags", i, t.validateInBatch); err != nil {
			return err
		}
	}
	if err := b.validateSize(); err != nil {
		return err
	}
	return b.validateDistinctParams()
}

// validateAt makes the name of an element only for the message that needs it.
func validateAt(list string, i int, validate func(prefix string) error) error {
	if validate("") == nil {
		return nil
	}
	return validate(fmt.Sprintf("%s[%d].", list, i))
}

func (t Tag) validateInBatch(prefix string) error {
	if err := t.validate(prefix); err != nil {
		return err
	}
	if err := validateLength(prefix+"key", t.Key, MaxKeyLength); err != nil {
		return err
	}
	return validateLength(prefix+"value", t.Value, MaxTagValueLength)
}

func (b Batch) validateSize() error {
	for _, l := range [...]struct {
		what     string
		n, limit int
	}{
		{"metrics", len(b.Metrics), MaxBatchMetrics},
		{"params", len(b.Params), MaxBatchParams},
		{"tags", len(b.Tags), MaxBatchTags},
		{"metrics, params, and tags", len(b.Metrics) + len(b.Params) + len(b.Tags), MaxBatchEntities},
	} {
		if l.n > l.limit {
			return Invalid(fmt.Sprintf("A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.",
				l.limit, l.what, l.n, l.what, l.what))
		}
	}
	return nil
}

func (b Batch) validateDistinctParams() error {
	count := make(map[string]int, len(b.Params))
	var repeated []string
	for _, p := range b.Params {
		if count[p.Key]++; count[p.Key] > 1 {
			repeated = append(repeated, "'"+p.Key+"'")
		}
	}
	if repeated == nil {
		return nil
	}
	return Invalid("Duplicate parameter keys have been submitted: [" + strings.Join(repeated, ", ") +
		"]. Please ensure the request contains only one param value per param key.")
}

// Truncate cuts over-long values of params and tags to their limits, as MLflow ≥ 2.11 does in
// log_param and log_batch.
func (b Batch) Truncate() Batch {
	params := make([]Param, len(b.Params))
	for i, p := range b.Params {
		params[i] = Param{p.Key, truncate(p.Value, MaxParamValueLength)}
	}
	tags := make([]Tag, len(b.Tags))
	for i, t := range b.Tags {
		tags[i] = Tag{t.Key, truncate(t.Value, MaxTagValueLength)}
	}
	return Batch{Metrics: b.Metrics, Params: params, Tags: tags}
}

func truncate(text string, limit int) string {
	n := 0
	for i := range text {
		if n == limit {
			return text[:i]
		}
		n++
	}
	return text
}
