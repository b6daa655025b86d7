package main

import (
	"fmt"

	"github.com/mlruns/mlruns"
)

// note tells people something beside the output. It goes to standard error, so that what is piped stays rows.
func (a *app) note(format string, args ...any) {
	_ = a.out.Flush()
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = safe(s)
		}
	}
	_, _ = fmt.Fprintf(a.err, "mlruns: "+format+"\n", args...)
}

// warn tells people of damage that a read met.
func (a *app) warn(problems []mlruns.Problem) {
	for _, p := range problems {
		a.note("warning: %s", p.String())
	}
}
