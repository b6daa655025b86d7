package records

import (
	"context"
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// modelRetries are the pauses before looking again at a list of models that is empty or cut off.
// They are longer than EmptyRetry: what is lost here is all models.
var modelRetries = [...]time.Duration{EmptyRetry, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond}

// ReadModels reads the list of models, again while it is fresh and not whole: MLflow truncates the
// file and then writes it, what is beyond 8 KiB with another call, and a list begun anew in between
// would replace all that it writes. An old one is taken as it is.
func ReadModels(ctx context.Context, f vfs.Folder) (string, error) {
	name := layout.Join(layout.Tags, mlruns.TagModelHistory)
	for try := 0; ; try++ {
		models, err := readText(KeyFile{Folder: f, Name: name})
		if vfs.IsGone(err) {
			return "", nil
		}
		if err != nil || !codec.Unfinished(models) || !beingWritten(f, name) {
			return models, err
		}
		if try == len(modelRetries) {
			return "", &failure.Reason{Kind: mlruns.ErrBusy, Text: fmt.Sprintf("another program has not finished writing the tag %s", mlruns.TagModelHistory)}
		}
		if err := dir.Sleep(ctx, modelRetries[try]); err != nil {
			return "", err
		}
	}
}
