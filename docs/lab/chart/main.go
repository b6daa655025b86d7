// Command chart draws docs/performance.svg from the figures of docs/lab/beside-mlflow.tsv.
//
//	go run ./docs/lab/chart docs/lab/beside-mlflow.tsv > docs/performance.svg
package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chart FIGURES.tsv")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(figures string, w io.Writer) error {
	f, err := os.Open(figures)
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := read(f)
	if err != nil {
		return fmt.Errorf("%s: %w", figures, err)
	}
	_, err = io.WriteString(w, t.draw())
	return err
}

// table is the figures: of each row, what was measured, and the microseconds it took on each side.
type table struct {
	sides []string
	rows  []row
}

type row struct {
	what   string
	micros []float64
}

// read reads tab-separated lines: a header "what", side, side …, then the rows. Lines that begin
// with # are comments.
func read(r io.Reader) (table, error) {
	var t table
	in := bufio.NewScanner(r)
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if t.sides == nil {
			t.sides = cells[1:]
			continue
		}
		if len(cells) != len(t.sides)+1 {
			return t, fmt.Errorf("line %d has %d cells, want %d", n, len(cells), len(t.sides)+1)
		}
		micros := make([]float64, len(t.sides))
		for i, cell := range cells[1:] {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil || v <= 0 {
				return t, fmt.Errorf("line %d: %q is no time in microseconds", n, cell)
			}
			micros[i] = v
		}
		t.rows = append(t.rows, row{cells[0], micros})
	}
	return t, in.Err()
}

// The picture, in pixels. A decade is a factor of ten: the axis is logarithmic.
const (
	labels  = 210
	decade  = 82
	bar     = 9
	between = 12
	top     = 44
	least   = 0 // 1 µs
	most    = 8 // 100 s
	width   = labels + (most-least)*decade + 60
)

var colours = []string{"#8c96a6", "#c9a24b", "#2f7d5b"}

func (t table) draw() string {
	var b strings.Builder
	group := len(t.sides)*bar + between
	height := top + len(t.rows)*group + 28
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	for i, side := range t.sides {
		x := labels + i*150
		fmt.Fprintf(&b, `<rect x="%d" y="12" width="12" height="12" fill="%s"/><text x="%d" y="22">%s</text>`+"\n", x, colours[i%len(colours)], x+18, html.EscapeString(side))
	}
	for d := least; d <= most; d++ {
		x := labels + (d-least)*decade
		fmt.Fprintf(&b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#ddd"/><text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n",
			x, top-8, x, height-24, x, height-8, short(math.Pow10(d)))
	}
	for i, r := range t.rows {
		y := top + i*group
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", labels-10, y+group/2, html.EscapeString(r.what))
		for j, v := range r.micros {
			w := (math.Log10(v) - least) * decade
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d" font-size="9">%s</text>`+"\n",
				labels, y+j*bar, w, bar-1, colours[j%len(colours)], labels+w+4, y+j*bar+bar-2, short(v))
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// short is a time in two digits and a unit.
func short(micros float64) string {
	for _, u := range []struct {
		name  string
		scale float64
	}{{"µs", 1}, {"ms", 1e3}, {"s", 1e6}} {
		if v := micros / u.scale; v < 999.5 || u.name == "s" {
			return fmt.Sprintf("%s %s", strconv.FormatFloat(v, 'g', max(2, len(strconv.Itoa(int(v)))), 64), u.name)
		}
	}
	return ""
}
