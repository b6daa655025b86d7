// Package pyfmt reads and writes the text forms that Python and PyYAML give to numbers, strings and
// documents, so that a store holds the bytes MLflow itself would have written.
//
// Numbers follow float(), int() and repr(); AppendDocument follows
//
//	yaml.dump(data, default_flow_style=False, allow_unicode=True, sort_keys=True, Dumper=yaml.CSafeDumper)
//
// of PyYAML 6.0.3 with libyaml 0.2.5, which is how MLflow 1.8 … 3.11 writes every meta.yaml. There
// is one deliberate difference, described at AppendDocument: no string is left plain that some
// other YAML reader takes for a number, a date or a boolean.
//
// All functions are pure and safe for concurrent use.
package pyfmt
