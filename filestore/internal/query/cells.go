package query

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/search"
)

// The values of the index's cells. The first byte says of what the cell is. What does not come back
// from its encoding as it was is not kept.
const (
	cellFolder = 'd' // a folder of keys: how many files are in it
	// the folder of a run: whether the row has all of the run, and what else it has
	cellRun  = 'r'
	cellInfo = 'i' // the meta.yaml of a run
	cellText = 't' // a param or a tag
	// the meta.yaml of an experiment
	cellExperiment = 'e'
	cellMetric     = 'm' // the latest point of a metric, and the summary if all of it was read
	cellLinks      = 'l' // the folder of a run's inputs or outputs, and their meta.yaml
	cellDataset    = 's' // the meta.yaml of a data set
	cellCells      = 'c' // several of these, as one
	cellSighting   = 'w' // when a meta.yaml was sighted, see standing
)

// unpacker takes apart the value of a cell. Once something does not fit all is zero.
type unpacker struct {
	rest   []byte
	broken bool
}

// unpack starts with the value of a cell of a kind.
func unpack(value []byte, kind byte) *unpacker {
	if len(value) == 0 || value[0] != kind {
		return &unpacker{broken: true}
	}
	return &unpacker{rest: value[1:]}
}

func (u *unpacker) number() int64 {
	n, size := binary.Varint(u.rest)
	if size <= 0 {
		u.rest, u.broken = nil, true
		return 0
	}
	u.rest = u.rest[size:]
	return n
}

func (u *unpacker) float() float64 {
	if len(u.rest) < 8 {
		u.rest, u.broken = nil, true
		return 0
	}
	bits := binary.LittleEndian.Uint64(u.rest)
	u.rest = u.rest[8:]
	return math.Float64frombits(bits)
}

// size is that of a text which comes after the numbers.
func (u *unpacker) size() int {
	n := u.number()
	if n < 0 || n > int64(len(u.rest)) {
		u.rest, u.broken = nil, true
		return 0
	}
	return int(n)
}

// cut is a text with its size before it, out of all that there was to unpack.
func (u *unpacker) cut(all string) string {
	n := u.size()
	from := len(all) - len(u.rest)
	u.rest = u.rest[n:]
	return all[from : from+n]
}

// whole reports whether all was there, and nothing else.
func (u *unpacker) whole() bool { return !u.broken && len(u.rest) == 0 }

func packFloat(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// packTime packs a time of the precision of the format; the zero time is 0, others are shifted.
func packTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(dst, 0)
	}
	ms := t.UnixMilli()
	if ms >= 0 {
		ms++
	}
	return binary.AppendVarint(dst, ms)
}

func (u *unpacker) time() time.Time {
	ms := u.number()
	switch {
	case ms == 0:
		return time.Time{}
	case ms > 0:
		ms--
	}
	return time.UnixMilli(ms).UTC()
}

var stages = [...]mlruns.LifecycleStage{mlruns.StageActive, mlruns.StageDeleted}

// packInfo packs what a meta.yaml says; nil if that cannot be done.
func packInfo(info mlruns.RunInfo, ref records.RunRef) []byte {
	stage := int64(0)
	if info.Stage == stages[1] {
		stage = 1
	}
	v := binary.AppendVarint([]byte{cellInfo}, stage)
	v = binary.AppendVarint(v, int64(info.Status))
	v = packTime(packTime(packTime(v, info.Start), info.End), info.Deleted)
	for _, text := range [...]string{info.Name, info.User, info.ArtifactURI} {
		v = binary.AppendVarint(v, int64(len(text)))
	}
	v = append(append(append(v, info.Name...), info.User...), info.ArtifactURI...)
	if again, ok := unpackInfo(v, ref); !ok || again != info {
		return nil
	}
	return v
}

func unpackInfo(value []byte, ref records.RunRef) (mlruns.RunInfo, bool) {
	info, texts, ok := unpackNumbers(value, ref)
	if ok {
		info.Name, info.User, info.ArtifactURI = texts.unpack()
	}
	return info, ok
}

// packedTexts are those of a meta.yaml, one after the other.
type packedTexts struct {
	text       []byte
	name, user int // their sizes
}

func (p packedTexts) unpack() (name, user, uri string) {
	text := string(p.text)
	return text[:p.name], text[p.name : p.name+p.user], text[p.name+p.user:]
}

// unpackNumbers is unpackInfo but for the texts, which few queries ask for.
func unpackNumbers(value []byte, ref records.RunRef) (mlruns.RunInfo, packedTexts, bool) {
	info := mlruns.RunInfo{ID: ref.ID, ExperimentID: ref.Experiment.ID}
	if len(value) == 0 || value[0] != cellInfo {
		return info, packedTexts{}, false
	}
	u := unpacker{rest: value[1:]}
	stage := u.number()
	if stage < 0 || stage >= int64(len(stages)) {
		return info, packedTexts{}, false
	}
	// as it was packed
	info.Stage, info.Status = stages[stage], mlruns.Status(u.number()) //nolint:gosec
	info.Start, info.End, info.Deleted = u.time(), u.time(), u.time()
	name, user, uri := u.size(), u.size(), u.size()
	return info, packedTexts{u.rest, name, user}, !u.broken && name+user+uri == len(u.rest)
}

func packText(text string) []byte { return append([]byte{cellText}, text...) }

func unpackText(value []byte) (string, bool) {
	u := unpack(value, cellText)
	return string(u.rest), !u.broken
}

// measured is what the index has of a metric.
type measured struct {
	latest  mlruns.Metric // without its key
	summary search.Summary
	history bool // there is a summary
}

func packMetric(m measured) []byte {
	v := packFloat([]byte{cellMetric}, m.latest.Value)
	v = packTime(v, m.latest.Time)
	v = binary.AppendVarint(v, m.latest.Step)
	v = binary.AppendVarint(v, int64(len(m.latest.DatasetName)))
	v = binary.AppendVarint(v, int64(len(m.latest.DatasetDigest)))
	v = append(append(v, m.latest.DatasetName...), m.latest.DatasetDigest...)
	if m.history {
		for _, f := range [...]float64{m.summary.Latest, m.summary.Min, m.summary.Max, m.summary.Mean, m.summary.First} {
			v = packFloat(v, f)
		}
		v = binary.AppendVarint(v, m.summary.Count)
	}
	if again, ok := unpackMetric(v); !ok || !again.latest.Time.Equal(m.latest.Time) || again.latest.Step != m.latest.Step {
		return nil
	}
	return v
}

func unpackMetric(value []byte) (measured, bool) {
	u := unpack(value, cellMetric)
	var m measured
	m.latest.Value = u.float()
	m.latest.Time = u.time()
	m.latest.Step = u.number()
	name, digest := u.size(), u.size()
	if u.broken || name+digest > len(u.rest) {
		return m, false
	}
	m.latest.DatasetName, m.latest.DatasetDigest = string(u.rest[:name]), string(u.rest[name:name+digest])
	u.rest = u.rest[name+digest:]
	if m.history = len(u.rest) > 0; m.history {
		for _, to := range [...]*float64{&m.summary.Latest, &m.summary.Min, &m.summary.Max, &m.summary.Mean, &m.summary.First} {
			*to = u.float()
		}
		m.summary.Count = u.number()
	}
	return m, u.whole()
}

// What a run's folder has beside its values.
const (
	runWhole   = 1 << iota // the row has all values of the run, and the folders they are in
	runInputs              // there is a folder of inputs
	runOutputs             // there is one of outputs
)

// folderFlags are those of the folders of links.
var folderFlags = map[string]int64{layout.Inputs: runInputs, layout.Outputs: runOutputs}

func packFlags(flags int64) []byte { return binary.AppendVarint([]byte{cellRun}, flags) }

func unpackFlags(value []byte) (int64, bool) {
	u := unpack(value, cellRun)
	flags := u.number()
	return flags, u.whole()
}

func packFolder(files int) []byte { return binary.AppendVarint([]byte{cellFolder}, int64(files)) }

func unpackFolder(value []byte) (files int, ok bool) {
	u := unpack(value, cellFolder)
	n := u.number()
	return int(n), u.whole()
}

func packCut(dst []byte, text string) []byte {
	return append(binary.AppendVarint(dst, int64(len(text))), text...)
}

// packLinks packs the inputs or the outputs of a run, in their order.
func packLinks(links []records.Link) []byte {
	v := []byte{cellLinks}
	for _, l := range links {
		tags := int64(-1)
		if l.Dataset {
			tags = int64(len(l.Tags))
		}
		v = binary.AppendVarint(binary.AppendVarint(packCut(packCut(v, l.Name), l.ID), l.Step), tags)
		for key, value := range l.Tags {
			v = packCut(packCut(v, key), value)
		}
	}
	return v
}

func unpackLinks(value []byte) (links []records.Link, ok bool) {
	u := unpack(value, cellLinks)
	for all := string(u.rest); len(u.rest) > 0; {
		l := records.Link{Name: u.cut(all), ID: u.cut(all), Step: u.number()}
		tags := u.number()
		if l.Dataset = tags >= 0; l.Dataset {
			l.Tags = map[string]string{}
		}
		for ; tags > 0 && !u.broken; tags-- {
			key := u.cut(all)
			l.Tags[key] = u.cut(all)
		}
		links = append(links, l)
	}
	return links, !u.broken
}

func packDataset(d mlruns.Dataset) []byte {
	v := []byte{cellDataset}
	for _, text := range [...]string{d.Name, d.Digest, d.SourceType, d.Source, d.Schema, d.Profile} {
		v = packCut(v, text)
	}
	return v
}

func unpackDataset(value []byte) (d mlruns.Dataset, ok bool) {
	u := unpack(value, cellDataset)
	all := string(u.rest)
	for _, to := range [...]*string{&d.Name, &d.Digest, &d.SourceType, &d.Source, &d.Schema, &d.Profile} {
		*to = u.cut(all)
	}
	return d, u.whole()
}

// packCells packs cells without their stamps.
func packCells(cells []index.Cell) []byte {
	v := []byte{cellCells}
	for _, cell := range cells {
		v = packCut(packCut(v, cell.Column), string(cell.Value))
	}
	return v
}

// unpackCells gives cells that have a value.
func unpackCells(value []byte) (cells []index.Cell, ok bool) {
	u := unpack(value, cellCells)
	for all := string(u.rest); len(u.rest) > 0; {
		cell := index.Cell{Column: u.cut(all), Value: []byte(u.cut(all))}
		if len(cell.Value) == 0 {
			return nil, false
		}
		cells = append(cells, cell)
	}
	return cells, !u.broken && len(cells) > 0
}
