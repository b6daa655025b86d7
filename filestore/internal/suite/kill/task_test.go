package kill

import "testing"

// TestTask is not a test: it is what the processes run that other tests start.
func TestTask(t *testing.T) { killTasks.Run(t) }
