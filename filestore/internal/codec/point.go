package codec

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// A metric file has one line a point, fields separated by one space:
//
//	timestamp value                              MLflow < 1.0, step 0
//	timestamp value step                         MLflow ≥ 1.0, and what is written here
//	timestamp value step dataset_name digest     MLflow ≥ 3.0, a point measured on a data set
//
// timestamp and step are Python integers, value a Python float. A last line without its newline is
// no point: it may be half of one.

// Point is a line of a metric file.
type Point struct {
	Millis, Step           int64
	Value                  float64
	dataset, datasetDigest string
}

// Metric is the point as one of a metric.
func (p Point) Metric(key string) mlruns.Metric {
	return mlruns.Metric{Key: key, Value: p.Value, Time: time.UnixMilli(p.Millis).UTC(), Step: p.Step, DatasetName: p.dataset, DatasetDigest: p.datasetDigest}
}

// After is mlruns.Metric.After without making times.
func (p Point) After(old Point) bool {
	if p.Step != old.Step {
		return p.Step > old.Step
	}
	if p.Millis != old.Millis {
		return p.Millis > old.Millis
	}
	return p.Value > old.Value
}

// AppendPoint appends the line of a point, with its newline.
func AppendPoint(dst []byte, m mlruns.Metric) []byte {
	dst = strconv.AppendInt(dst, m.Time.UnixMilli(), 10)
	dst = append(dst, ' ')
	dst = pyfmt.AppendFloat(dst, m.Value)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, m.Step, 10)
	if m.DatasetName != "" || m.DatasetDigest != "" {
		dst = append(dst, ' ')
		dst = append(dst, m.DatasetName...)
		dst = append(dst, ' ')
		dst = append(dst, m.DatasetDigest...)
	}
	return append(dst, '\n')
}

// ParsePoint reads a line without its newline.
func ParsePoint(line []byte) (Point, error) {
	var p Point
	if p.ReadPlain(line) {
		return p, nil
	}
	return AnyPoint(line)
}

// ReadPlain reads the usual line. It leaves the data set's name as it is.
func (p *Point) ReadPlain(line []byte) bool {
	ms, numeral, step, ok := CutPlain(line)
	if !ok {
		return false
	}
	value, err := pyfmt.ParseFloat(numeral)
	p.Millis, p.Step, p.Value = ms, step, value
	return err == nil
}

// CutPlain takes apart the usual line, of three fields of which two are plain integers.
func CutPlain(line []byte) (ms int64, numeral []byte, step int64, ok bool) {
	ms, rest, ok := cutDigits(line)
	if !ok || len(rest) == 0 || rest[0] != ' ' {
		return 0, nil, 0, false
	}
	end := bytes.IndexByte(rest[1:], ' ') + 1
	if end == 0 {
		return 0, nil, 0, false
	}
	step, after, ok := cutDigits(rest[end+1:])
	return ms, rest[1:end], step, ok && len(after) == 0
}

// cutDigits takes a number of up to 18 digits, which 64 bits hold.
func cutDigits(text []byte) (n int64, rest []byte, ok bool) {
	i := 0
	for ; i < len(text) && i < 18; i++ {
		c := text[i] - '0'
		if c > 9 {
			break
		}
		n = n*10 + int64(c)
	}
	return n, text[i:], i > 0
}

// AnyPoint reads all that Python would.
func AnyPoint(line []byte) (Point, error) {
	var fields [5][]byte
	line = bytes.TrimSpace(line)
	n := 0
	for rest, more := line, true; more; n++ {
		var field []byte
		field, rest, more = bytes.Cut(rest, []byte{' '})
		if n < len(fields) {
			fields[n] = field
		}
	}
	if n != 2 && n != 3 && n != 5 {
		return Point{}, fmt.Errorf("persisted metric data contained %d fields. Expected 2, 3, or 5 fields", n)
	}
	var p Point
	var err error
	if p.Millis, err = pyfmt.ParseInt(fields[0]); err != nil {
		return Point{}, fieldError("timestamp", fields[0], "a 64-bit integer")
	}
	if p.Value, err = pyfmt.ParseFloat(fields[1]); err != nil {
		return Point{}, fieldError("value", fields[1], "a number")
	}
	if n >= 3 {
		if p.Step, err = pyfmt.ParseInt(fields[2]); err != nil {
			return Point{}, fieldError("step", fields[2], "a 64-bit integer")
		}
	}
	if n == 5 {
		p.dataset, p.datasetDigest = string(fields[3]), string(fields[4])
		// A NUL is what a power cut leaves of a line, not a name; what is not UTF-8 costs MLflow
		// the file.
		if name := p.dataset + p.datasetDigest; strings.ContainsRune(name, 0) || !utf8.ValidString(name) {
			return Point{}, fieldError("dataset", fields[3], "a name")
		}
	}
	return p, nil
}

func fieldError(field string, text []byte, want string) error {
	return fmt.Errorf("%s %.40q is not %s", field, text, want)
}

// IsBlank reports whether a tail is what an appender left of a torn line: nothing but spaces, which
// every reader strips.
func IsBlank(tail []byte) bool { return len(bytes.Trim(tail, " ")) == 0 }

// Identity is a point that can be compared: a NaN, of which pyfmt.ParseFloat gives one, equals
// itself.
type Identity struct {
	Millis, step  int64
	value         uint64
	dataset, hash string
	Run           string // of a point in a metric file of a logged model
}

// Identity is what the point is compared by.
func (p Point) Identity() Identity {
	return Identity{Millis: p.Millis, step: p.Step, value: math.Float64bits(p.Value), dataset: p.dataset, hash: p.datasetDigest}
}
