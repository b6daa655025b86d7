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
	rest, err := json.Marshal(pageEnd{token, problems})
	if err != nil {
		return err
	}
	l.text = l.text[:0]
	if l.begin != "," {
		l.text = append(l.text, l.begin...)
	}
	l.text = append(l.text, ']')
	if len(rest) > len("{}") {
		rest[0] = ','
	} else {
		rest = rest[1:]
	}
	_, err = l.w.Write(append(l.text, rest...))
	return err
}
