package main

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestConfusionSVG(t *testing.T) {
	classes := []string{`<b>&"setosa"`, "versi\x01color", "x"}
	d := xml.NewDecoder(strings.NewReader(string(confusionSVG(classes, [][]int{{5, 0, 1}, {0, 7, 0}, {0, 2, 3}}))))
	var texts []string
	rects := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "rect" {
				rects++
			}
		case xml.CharData:
			texts = append(texts, string(token))
		}
	}
	if rects != 9 {
		t.Errorf("cells: got %d, want 9", rects)
	}
	for _, want := range []string{classes[0], "versi\uFFFDcolor", "x", "7"} {
		if !slices.Contains(texts, want) {
			t.Errorf("the label %q is missing in %q", want, texts)
		}
	}
}
