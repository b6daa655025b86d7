//go:build interop

package interop

const envTask = "MLRUNS_INTEROP_TASK"
