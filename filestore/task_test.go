package filestore_test

import (
	"testing"

	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// tasks are those that not every system can do.
var tasks = filestoretest.Tasks{}

// TestTask is not a test: it is what the processes run that other tests start.
func TestTask(t *testing.T) { tasks.Run(t) }
