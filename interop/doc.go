// Package interop tests the library beside the real MLflow, both on the same directories. It holds tests only, behind the build tag interop, because they
// need Python: make interop installs the versions of MLflow that pins/ names and runs them.
package interop
