package search

import (
	"errors"
	"strings"
	"time"
)

var (
	errNoTime = errors.New("not a time")
	errNoZone = errors.New("no zone")
)

// parseTime reads an RFC 3339 time or a date, which means midnight UTC, as
// milliseconds since 1970 UTC. A time without a zone is errNoZone: it could
// mean UTC or the reader's clock.
func parseTime(s string) (number, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t, err = time.Parse(time.RFC3339Nano, s)
	}
	if err == nil {
		ms := integer(t.UnixMilli())
		if rest := t.Nanosecond() % 1e6; rest != 0 {
			return number{float: ms.float + float64(rest)/1e6}, nil
		}
		return ms, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if _, err := time.Parse(layout, strings.Replace(s, " ", "T", 1)); err == nil {
			return number{}, errNoZone
		}
	}
	return number{}, errNoTime
}
