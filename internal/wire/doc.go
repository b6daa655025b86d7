// Package wire has the JSON shapes of MLflow's REST interface, which the command prints with
// --json.
//
// Arrays are sorted by key, times are milliseconds, 64-bit integers are numbers, and what is not
// known is left out. NaN and the infinities are strings, as in protobuf's JSON. An answer that met
// damage has the list "problems" in addition, which MLflow does not know.
package wire
