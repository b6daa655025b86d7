package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

//go:embed data/iris.csv
var irisCSV []byte

// flower is one row: four lengths in centimetres and the index of the species.
type flower struct {
	features []float64
	class    int
}

// dataset is the flowers in two parts. Which flower is in which part never changes, so that runs
// can be compared.
type dataset struct {
	columns     []string // the features, then the species
	classes     []string
	train, test []flower
	digest      string // of the file it was read from
}

const (
	trainSize = 100
	splitSeed = 1936 // the year of Fisher's paper
)

// loadIris reads the data set that is part of the program.
func loadIris() (*dataset, error) { return parseDataset(irisCSV) }

// parseDataset reads CSV with a header; the last column is the class.
func parseDataset(file []byte) (*dataset, error) {
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) <= trainSize+1 {
		return nil, fmt.Errorf("%d rows are not enough to train on %d and test on the rest", len(rows), trainSize)
	}
	sum := sha256.Sum256(file)
	d := &dataset{columns: rows[0], digest: hex.EncodeToString(sum[:4])}
	var flowers []flower
	for i, row := range rows[1:] {
		f, err := d.parseFlower(row)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+2, err)
		}
		flowers = append(flowers, f)
	}
	r := rand.New(rand.NewPCG(splitSeed, 0))
	r.Shuffle(len(flowers), func(i, j int) { flowers[i], flowers[j] = flowers[j], flowers[i] })
	d.train, d.test = flowers[:trainSize], flowers[trainSize:]
	return d, nil
}

func (d *dataset) parseFlower(row []string) (flower, error) {
	last := len(row) - 1
	f := flower{features: make([]float64, last), class: slices.Index(d.classes, row[last])}
	for i := range f.features {
		var err error
		if f.features[i], err = strconv.ParseFloat(row[i], 64); err != nil {
			return f, err
		}
	}
	if f.class < 0 {
		f.class = len(d.classes)
		d.classes = append(d.classes, row[last])
	}
	return f, nil
}

// schema describes the columns in the JSON that MLflow records for a data set.
func (d *dataset) schema() (string, error) {
	type column struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Required bool   `json:"required"`
	}
	var columns []column
	for _, name := range d.columns {
		columns = append(columns, column{Type: "double", Name: name, Required: true})
	}
	columns[len(columns)-1].Type = "string"
	text, err := json.Marshal(map[string]any{"mlflow_colspec": columns})
	return string(text), err
}

// profile sums the data set up, as MLflow does for a table.
func (d *dataset) profile() (string, error) {
	rows := len(d.train) + len(d.test)
	text, err := json.Marshal(map[string]int{"num_rows": rows, "num_elements": rows * len(d.columns)})
	return string(text), err
}
