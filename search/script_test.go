package search

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the results into testdata/*.test")

// TestScripts runs testdata/*.test; testdata/README.md describes them.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	cases := 0
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { cases += runScript(t, file) })
	}
	if cases < 400 {
		t.Errorf("got %d cases, want 400 at least", cases)
	}
}

// script is the state of one file.
type script struct {
	t       *testing.T
	file    string
	line    int
	records []*memory
}

func (s *script) fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s:%d: %s", s.file, s.line, fmt.Sprintf(format, args...))
}

func runScript(t *testing.T, file string) (cases int) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, file: file}
	var out []string
	result, at := "", 0
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		s.line = i + 1
		want, isResult := strings.CutPrefix(line, "=>")
		if at > 0 && !isResult && !*update {
			s.fatalf("the case has no result, it gives %s", result)
		}
		if at > 0 && *update {
			out = append(out, strings.TrimRight("=> "+result, " "))
		}
		if !isResult || !*update {
			out = append(out, line)
		}
		if isResult && !*update && !matches(strings.TrimSpace(want), result) {
			t.Errorf("%s:%d: %s\ngot  %s\nwant %s", file, at, out[len(out)-2], result, want)
		}
		at = 0
		if isResult {
			continue
		}
		if r, ok := s.step(line); ok {
			cases++
			result, at = r, s.line
		}
	}
	if at > 0 {
		out = append(out, strings.TrimRight("=> "+result, " "))
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n")+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	} else if at > 0 {
		s.fatalf("the last case has no result, it gives %s", result)
	}
	return cases
}

// matches compares results; an error may be cut short.
func matches(want, got string) bool {
	if strings.HasPrefix(want, "error ") {
		return strings.HasPrefix(got, want)
	}
	return want == got
}

// step runs one line; ok tells whether it is a case, and result what it gives.
func (s *script) step(line string) (result string, ok bool) {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "" || line[0] == '#':
		return "", false
	case line[0] == ' ':
		s.set(strings.TrimSpace(line))
		return "", false
	}
	switch word {
	case "record":
		s.records = append(s.records, newMemory(rest))
		return "", false
	case "clear":
		s.records = nil
		return "", false
	case "runs":
		f, err := ParseRuns(s.value(rest))
		return s.match(f, err), true
	case "experiments":
		f, err := ParseExperiments(s.value(rest))
		return s.match(f, err), true
	case "order":
		o, err := ParseRunOrder(s.items(rest))
		return s.sort(o, err), true
	case "order-experiments":
		o, err := ParseExperimentOrder(s.items(rest))
		return s.sort(o, err), true
	case "next":
		n, err := DecodeToken(s.value(rest))
		if err != nil {
			return describe(err), true
		}
		return strconv.Itoa(n), true
	}
	s.fatalf("unknown line %q", line)
	return "", false
}

// value unquotes a Go string literal marked as one.
func (s *script) value(text string) string {
	if !strings.HasPrefix(text, `go"`) {
		return text
	}
	v, err := strconv.Unquote(text[2:])
	if err != nil {
		s.fatalf("%v", err)
	}
	return v
}

func (s *script) items(text string) []string {
	if text == "" {
		return nil
	}
	var items []string
	for _, item := range strings.Split(text, " | ") {
		items = append(items, s.value(item))
	}
	return items
}

func describe(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return "not an *Error: " + err.Error()
	}
	return fmt.Sprintf("error %d %s", e.Offset, printable(e.Msg))
}

func (s *script) match(f *Filter, err error) string {
	if err != nil {
		return describe(err)
	}
	var ids []string
	for _, r := range s.records {
		matched := f.Match(r)
		if got := f.Match(r.only(f.Needs())); got != matched {
			s.t.Errorf("%s:%d: Needs leaves something out: got %v of %s with it, want %v", s.file, s.line, got, r.id, matched)
		}
		if matched {
			ids = append(ids, r.id)
		}
	}
	return strings.Join(ids, " ")
}

func (s *script) sort(o *Order, err error) string {
	if err != nil {
		return describe(err)
	}
	records := slices.Clone(s.records)
	slices.SortStableFunc(records, func(a, b *memory) int { return o.Compare(o.Key(a.only(o.Needs())), o.Key(b)) })
	var ids []string
	for _, r := range records {
		ids = append(ids, r.id)
	}
	return strings.Join(ids, " ")
}

// set adds a field to the last record.
func (s *script) set(line string) {
	m := s.records[len(s.records)-1]
	word, rest, _ := strings.Cut(line, " ")
	if word == "dataset" {
		f := append(strings.Fields(rest), "")
		m.datasets = append(m.datasets, Dataset{Name: f[0], Digest: f[1], Context: f[2], HasContext: f[2] != ""})
		return
	}
	left, value, ok := strings.Cut(line+" ", " = ")
	value = strings.TrimSuffix(value, " ")
	if !ok {
		s.fatalf("no \" = \" in %q", line)
	}
	_, key, _ := strings.Cut(left, " ")
	key, value = s.value(key), s.value(value)
	switch word {
	case "metric":
		for _, p := range strings.Fields(value) {
			m.metrics[key] = append(m.metrics[key], s.point(p))
		}
	case "param":
		m.params[key] = value
	case "tag":
		m.tags[key] = value
	case "start_time", "end_time", "creation_time", "last_update_time":
		ms, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			s.fatalf("%v", err)
		}
		m.times[Attribute(word)] = ms
	default:
		m.text[Attribute(word)] = value
	}
}

// point reads V@STEP:TIME.
func (s *script) point(text string) point {
	value, place, _ := strings.Cut(text, "@")
	step, time, _ := strings.Cut(place, ":")
	var p point
	var errs [3]error
	p.value, errs[0] = strconv.ParseFloat(value, 64)
	if place != "" {
		p.step, errs[1] = strconv.ParseInt(step, 10, 64)
		p.timestamp, errs[2] = strconv.ParseInt(time, 10, 64)
	}
	if err := errors.Join(errs[:]...); err != nil {
		s.fatalf("%v", err)
	}
	return p
}
