package main

import (
	"strings"
	"testing"
)

func TestModelLearns(t *testing.T) {
	d, err := loadIris()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(d.train)+len(d.test), 150; got != want {
		t.Fatalf("flowers: got %d, want %d", got, want)
	}
	var first, last scores
	m, err := train(d, settings{learningRate: 0.03, hidden: 8, seed: 7, epochs: 60}, func(epoch int, m *model) error {
		if last = m.evaluate(d.train); epoch == 0 {
			first = last
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if last.loss >= first.loss/2 {
		t.Errorf("train loss: got %v after %v, want less than half", last.loss, first.loss)
	}
	test := m.evaluate(d.test)
	if test.accuracy < 0.9 {
		t.Errorf("test accuracy: got %v, want at least 0.9", test.accuracy)
	}
	right := 0
	for i, row := range m.confusion(d.test) {
		right += row[i]
	}
	if got := float64(right) / float64(len(d.test)); got != test.accuracy {
		t.Errorf("diagonal of the confusion matrix: got %v, want the accuracy %v", got, test.accuracy)
	}
}

func TestEqualSeedsGiveEqualModels(t *testing.T) {
	d, err := loadIris()
	if err != nil {
		t.Fatal(err)
	}
	loss := func(seed uint64) float64 {
		m, err := train(d, settings{learningRate: 0.03, hidden: 4, seed: seed, epochs: 2}, func(int, *model) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return m.evaluate(d.test).loss
	}
	if a, b := loss(1), loss(1); a != b {
		t.Errorf("seed 1 twice: got the losses %v and %v", a, b)
	}
	if a, b := loss(1), loss(2); a == b {
		t.Errorf("seeds 1 and 2: got the same loss %v", a)
	}
}

func TestParseDatasetRefuses(t *testing.T) {
	row := "1,2,3,4,a\n"
	for name, csv := range map[string]string{
		"too few rows": "a,b,c,d,species\n" + row,
		"a text":       "a,b,c,d,species\n" + strings.Repeat(row, 150) + "1,x,3,4,a\n",
		"a short row":  "a,b,c,d,species\n" + strings.Repeat(row, 150) + "1,2\n",
	} {
		if _, err := parseDataset([]byte(csv)); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
