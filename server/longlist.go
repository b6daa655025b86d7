package server

import (
	"encoding/json"
	"io"

	"github.com/mlruns/mlruns"
)

// longList writes an object with one list, element by element, which is never whole in memory.
type longList struct {
	w     io.Writer
	text  []byte // of the element being written
	begin string // what comes before the next element
}

func newLongList(w io.Writer, name string) *longList {
	return &longList{w: w, begin: `{"` + name + `":[`}
}

func (l *longList) add(element appender) error {
	l.text = element.AppendJSON(append(l.text[:0], l.begin...))
	l.begin = ","
	_, err := l.w.Write(l.text)
	return err
}

// pageEnd is what a page has after its list.
type pageEnd struct {
	NextPageToken string           `json:"next_page_token,omitempty"`
	Problems      []mlruns.Problem `json:"problems,omitempty"`
}

func (l *longList) end(token string, problems []mlruns.Problem) error {
	l.text = l.text[:0]
	if l.begin != "," {
		l.text = append(l.text, l.begin...)
	}
	return writeEnd(l.w, append(l.text, ']'), token, problems)
}

// writeEnd writes text and what a page has after it, and ends the object.
func writeEnd(w io.Writer, text []byte, token string, problems []mlruns.Problem) error {
	rest, err := json.Marshal(pageEnd{token, problems})
	if err != nil {
		return err
	}
	if len(rest) > len("{}") {
		rest[0] = ','
	} else {
		rest = rest[1:]
	}
	_, err = w.Write(append(text, rest...))
	return err
}
