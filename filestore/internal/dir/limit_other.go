//go:build !unix

package dir

import "math"

// handleLimit is without meaning where memory is the only limit.
func handleLimit() int { return math.MaxInt32 }
