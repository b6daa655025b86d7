package main

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// printJSON prints one object on one line.
func (a *app) printJSON(v any) error {
	text, err := encodeJSON(v)
	if err != nil {
		return err
	}
	_, err = a.out.Write(append(text, '\n'))
	return err
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return escapeJSON(bytes.TrimSuffix(b.Bytes(), []byte{'\n'})), nil
}

// done prints MLflow's answer to a call that has none.
func (a *app) done() error {
	if a.json {
		return a.printJSON(struct{}{})
	}
	return nil
}

// number is a float as protobuf's JSON has it: a number, or one of three strings.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if text := exactNumber(v); math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.AppendQuote(nil, text), nil
	}
	return json.Marshal(v)
}

// exactNumber is a float in the fewest digits that give it back.
func exactNumber(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
