package wire

import (
	"slices"
	"strings"
	"time"
)

// Tag is a tag or a param.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// tags lists a map by its keys; it is never null.
func tags(m map[string]string) []Tag {
	list := make([]Tag, 0, len(m))
	for key, value := range m {
		list = append(list, Tag{key, value})
	}
	slices.SortFunc(list, func(x, y Tag) int { return strings.Compare(x.Key, y.Key) })
	return list
}

// millis is nil for the zero time.
func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}
