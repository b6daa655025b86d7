package crowd

import "testing"

// TestTask is not a test: it is what the processes run that other tests start.
func TestTask(t *testing.T) { crowdTasks.Run(t) }
