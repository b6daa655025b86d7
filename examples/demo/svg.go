package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
)

const (
	cellSize = 80
	margin   = 110
)

// confusionSVG draws a confusion matrix: a row for each true class, a column for each predicted
// one.
func confusionSVG(classes []string, counts [][]int) []byte {
	var b bytes.Buffer
	size := margin + cellSize*len(classes) + 10
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n", size, size)
	most := 1
	for _, row := range counts {
		most = max(most, slices.Max(row))
	}
	for i, class := range classes {
		middle := margin + cellSize*i + cellSize/2
		label(&b, margin-8, middle, "end", class)
		label(&b, middle, margin-8, "middle", class)
		for j, count := range counts[i] {
			x, y := margin+cellSize*j, margin+cellSize*i
			shade := float64(count) / float64(most)
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="steelblue" fill-opacity="%.2f" stroke="gray"/>`+"\n", x, y, cellSize, cellSize, shade)
			label(&b, x+cellSize/2, y+cellSize/2, "middle", fmt.Sprint(count))
		}
	}
	label(&b, margin, margin/2, "start", "predicted →")
	label(&b, 8, margin-8, "start", "true ↓")
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func label(b *bytes.Buffer, x, y int, anchor, text string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="%s">`, x, y, anchor)
	_ = xml.EscapeText(b, []byte(text)) // a bytes.Buffer takes every write
	b.WriteString("</text>\n")
}
