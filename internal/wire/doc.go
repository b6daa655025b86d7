// Package wire has the JSON shapes of MLflow's REST interface, in both directions: what the command
// prints with --json and a server answers, and the parameters of calls.
//
// Answers: arrays are sorted by key, times are milliseconds, 64-bit integers are numbers, and what
// is not known is left out. NaN and the infinities are strings, as in protobuf's JSON. An answer
// that met damage has the list "problems" in addition, which MLflow does not know.
//
// Parameters are read as tolerantly as MLflow does, which lets the clients of all its versions and
// languages in, and as strictly as it should: what MLflow would store as something else is refused.
package wire
