package main

import (
	"bytes"
	"encoding/json"
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
