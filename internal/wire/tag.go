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

// NewTags gives the shape of a map, by its keys. It is never null.
func NewTags(m map[string]string) []Tag { return tags(m) }

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
func millis(t time.Time) *Int {
	if t.IsZero() {
		return nil
	}
	ms := Int(t.UnixMilli())
	return &ms
}
