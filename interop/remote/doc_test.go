//go:build interop

// Package remote tests package remote beside real MLflow servers, of several versions, on SQLite
// and on PostgreSQL. MLRUNS_SERVERS names them, a line each: VERSION=PYTHON.
package remote
