package filestore

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
// timestamp and step are Python integers, value a Python float. A last line without its newline is no point: it may be half of one.

// point is a line of a metric file.
type point struct {
	ms, step               int64
	value                  float64
	dataset, datasetDigest string
}

func (p point) metric(key string) mlruns.Metric {
	return mlruns.Metric{Key: key, Value: p.value, Time: time.UnixMilli(p.ms).UTC(), Step: p.step, DatasetName: p.dataset, DatasetDigest: p.datasetDigest}
}

// after is mlruns.Metric.After without making times.
func (p point) after(old point) bool {
	if p.step != old.step {
		return p.step > old.step
	}
	if p.ms != old.ms {
		return p.ms > old.ms
	}
	return p.value > old.value
}

func appendPoint(dst []byte, m mlruns.Metric) []byte {
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

// parsePoint reads a line without its newline.
func parsePoint(line []byte) (point, error) {
	var p point
	if p.readPlain(line) {
		return p, nil
	}
	return anyPoint(line)
}

// readPlain reads the usual line. It leaves the data set's name as it is.
func (p *point) readPlain(line []byte) bool {
	ms, numeral, step, ok := cutPlain(line)
	if !ok {
		return false
	}
	value, err := pyfmt.ParseFloat(numeral)
	p.ms, p.step, p.value = ms, step, value
	return err == nil
}

// cutPlain takes apart the usual line, of three fields of which two are plain integers.
func cutPlain(line []byte) (ms int64, numeral []byte, step int64, ok bool) {
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

// anyPoint reads all that Python would.
func anyPoint(line []byte) (point, error) {
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
		return point{}, fmt.Errorf("persisted metric data contained %d fields. Expected 2, 3, or 5 fields", n)
	}
	var p point
	var err error
	if p.ms, err = pyfmt.ParseInt(fields[0]); err != nil {
		return point{}, fieldError("timestamp", fields[0], "a 64-bit integer")
	}
	if p.value, err = pyfmt.ParseFloat(fields[1]); err != nil {
		return point{}, fieldError("value", fields[1], "a number")
	}
	if n >= 3 {
		if p.step, err = pyfmt.ParseInt(fields[2]); err != nil {
			return point{}, fieldError("step", fields[2], "a 64-bit integer")
		}
	}
	if n == 5 {
		p.dataset, p.datasetDigest = string(fields[3]), string(fields[4])
		// A NUL is what a power cut leaves of a line, not a name; what is not UTF-8 costs MLflow the file.
		if name := p.dataset + p.datasetDigest; strings.ContainsRune(name, 0) || !utf8.ValidString(name) {
			return point{}, fieldError("dataset", fields[3], "a name")
		}
	}
	return p, nil
}

func fieldError(field string, text []byte, want string) error {
	return fmt.Errorf("%s %.40q is not %s", field, text, want)
}

// isBlank reports whether a tail is what an appender left of a torn line: nothing but spaces, which every reader strips.
func isBlank(tail []byte) bool { return len(bytes.Trim(tail, " ")) == 0 }

// identity is a point that can be compared: a NaN, of which pyfmt.ParseFloat gives one, equals itself.
type identity struct {
	ms, step      int64
	value         uint64
	dataset, hash string
}

func (p point) identity() identity {
	return identity{ms: p.ms, step: p.step, value: math.Float64bits(p.value), dataset: p.dataset, hash: p.datasetDigest}
}
