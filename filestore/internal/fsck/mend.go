package fsck

import (
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/lifecycle"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// makeMissing makes a folder of a run.
func (r *repair) makeMissing(_ finding, p mlruns.Problem) remedy {
	name := p.Path
	return remedy{action: "make the folder", do: func(*remedy) error {
		if r.tree.IsDir(name) {
			return errMended
		}
		err := r.tree.MakeFolder(name, r.tree.Durable)
		if err == nil && !r.tree.IsDir(name) {
			err = errors.New("something else stands in its place")
		}
		return err
	}}
}

// setStage makes an experiment's lifecycle_stage what its place says, and first that of the runs
// which were marked with it by an interrupted deletion.
func (r *repair) setStage(f finding, p mlruns.Problem) remedy {
	ref, meta := f.experiment, p.Path
	stage := ref.Stage()
	action := "set lifecycle_stage to " + string(stage)
	if stage == mlruns.StageActive {
		action += ", and that of the runs which were deleted with it"
	}
	return remedy{action: action, takes: meta, do: func(*remedy) error {
		e, doc, err := r.records.ExperimentDocument(r.ctx, ref)
		if err != nil {
			return err
		}
		recorded, err := codec.StageOf(&doc)
		if err != nil {
			return err
		}
		if recorded == e.Stage {
			return errMended
		}
		var all dir.Durability
		if err := r.unmarkRuns(ref, e, &doc, &all); err != nil {
			return err
		}
		if err := r.keepOriginal(meta); err != nil {
			return err
		}
		doc.SetString(codec.KeyLifecycleStage, string(stage))
		return all.Last(records.ReplaceMeta(r.tree, ref.Dir, doc))
	}}
}

// unmarkRuns makes the runs of an active experiment active that were marked deleted together with
// it. Each is a change of its own; the experiment's meta.yaml, which says when that was, comes
// last.
func (r *repair) unmarkRuns(ref records.ExperimentRef, e mlruns.Experiment, doc *codec.Document, all *dir.Durability) error {
	deleted, err := lifecycle.MarkedDeleted(doc, e)
	if err != nil || deleted.IsZero() {
		return err
	}
	var failed error
	err = r.life.SetStages(r.ctx, ref, time.Time{}, all, func(run mlruns.RunInfo) bool {
		marked := run.Stage == mlruns.StageDeleted && run.Deleted.Equal(deleted)
		if marked && failed == nil {
			failed = r.keepOriginal(layout.Join(ref.Dir, run.ID, layout.Meta))
		}
		return marked && failed == nil
	})
	return errors.Join(err, failed)
}

// clearLeftover moves a leftover aside, if still nobody works on it.
func (r *repair) clearLeftover(f finding, p mlruns.Problem) remedy {
	if path.Base(p.Path) == layout.Moving {
		return r.finishMove(f.experiment, p.Path)
	}
	if key, ok := dir.ReplacedKey(path.Base(p.Path)); ok {
		return r.clearReplaced(f, p, key)
	}
	return remedy{action: "move it aside", takes: p.Path, do: func(*remedy) error {
		if err := r.examineLeftover(&p); err != nil {
			return err
		}
		if !p.Repairable {
			return errMended
		}
		return r.quarantine(p.Path)
	}}
}

// isReplaced reports whether a name is that of a link to a metric's file that was put in order.
func isReplaced(name string) bool {
	_, is := dir.ReplacedKey(name)
	return is
}

// clearReplaced brings to a metric's file what was logged to the one that it replaced, when a merge
// was killed in that moment, and moves that aside.
func (r *repair) clearReplaced(f finding, p mlruns.Problem, key string) remedy {
	return remedy{action: "append the points that the metric's file lacks, and move it aside", takes: p.Path, do: func(*remedy) error {
		if err := r.examineLeftover(&p); err != nil {
			return err
		}
		if !p.Repairable {
			return errMended
		}
		if err := r.tree.RefuseLinks(f.dir(), layout.Metrics, key); err != nil {
			return err
		}
		var all dir.Durability
		_, err := r.tree.CarryOver(r.ctx, f.dir(), key, p.Path, 0)
		// then there is nothing to add to
		if err := all.Step(err); err != nil && !vfs.IsMissing(err) {
			return err
		}
		return all.Last(r.quarantine(p.Path))
	}}
}

// finishMove moves aside the one in the trash of two folders of an experiment whose move was
// interrupted, and the file that says so.
func (r *repair) finishMove(ref records.ExperimentRef, mark string) remedy {
	return remedy{action: "keep the experiment in the root, and move aside what is in the trash too", takes: mark, do: func(*remedy) error {
		active, trashed := records.NewExperimentRef(ref.ID, false), records.NewExperimentRef(ref.ID, true)
		whole, err := r.tree.Exists(layout.Join(active.Dir, layout.Meta))
		if err != nil {
			return err
		}
		if whole && r.tree.IsDir(trashed.Dir) {
			if err := r.quarantine(trashed.Dir); err != nil || ref.Trashed {
				return err
			}
		}
		if empty, err := r.tree.IsEmpty(active.Dir); err != nil {
			return err
		} else if empty {
			// The last of the original, which nothing but the mark tells from a folder of the
			// user's.
			if err := r.tree.Remove(active.Dir); err != nil {
				return err
			}
		}
		return r.quarantine(mark)
	}}
}

// moveForeign moves what is nobody's record out of the records.
func (r *repair) moveForeign(_ finding, p mlruns.Problem) remedy {
	return remedy{action: "move it out of the records", takes: p.Path, do: func(*remedy) error { return r.quarantine(p.Path) }}
}

// mergeConflict brings what only a conflict copy has into its original, and moves the copy aside.
func (r *repair) mergeConflict(f finding, p mlruns.Problem) remedy {
	copied := p.Path
	of := records.Original(copied)
	place := layout.Parse(of)
	if place.Kind == layout.Metric || place.Kind == layout.ModelMetric {
		return remedy{action: fmt.Sprintf("add its points that %s lacks to that, and move the copy aside", of), takes: copied, do: func(*remedy) error {
			if err := r.tree.RefuseLinks(f.dir(), layout.Metrics, place.Key); err != nil {
				return err
			}
			if m, err := r.metricState(of); err == nil && !m.sound() {
				return errors.New(of + " could not be mended before")
			}
			if err := r.addPoints(f.dir(), place.Key, copied, of); err != nil {
				return err
			}
			return r.quarantine(copied)
		}}
	}
	return remedy{action: "move it aside, for it says the same as " + of, takes: copied, do: func(*remedy) error {
		differ, err := r.differ(of, copied)
		if err == nil && differ != "" {
			err = errors.New(differ)
		}
		if err != nil {
			return err
		}
		return r.quarantine(copied)
	}}
}

// addPoints appends the points of one metric file that another lacks. The former's points are in
// memory at once.
func (r *repair) addPoints(dir, key, from, to string) error {
	lacking := map[codec.Identity]bool{}
	tooMany := false
	buf := make([]byte, records.ChunkSize)
	err := r.points(from, buf, func(pt codec.ModelPoint) {
		if tooMany = len(lacking) == pointsAtOnce; !tooMany {
			lacking[pt.Identity()] = true
		}
	})
	if tooMany && err == nil {
		err = fmt.Errorf("the copy has more than %d points, which are not merged: add its lines by hand", pointsAtOnce)
	}
	if err == nil {
		err = r.points(to, buf, func(pt codec.ModelPoint) { delete(lacking, pt.Identity()) })
	}
	if err != nil || len(lacking) == 0 {
		return err
	}
	var lines []byte
	err = r.points(from, buf, func(pt codec.ModelPoint) {
		if id := pt.Identity(); lacking[id] {
			delete(lacking, id)
			lines = pt.AppendLine(lines, key)
		}
	})
	if err != nil {
		return err
	}
	return r.tree.Append(r.ctx, dir, key, lines, r.tree.Durable)
}

// points calls each for the points of a metric file; one that is not there has none.
func (r *repair) points(name string, buf []byte, each func(codec.ModelPoint)) error {
	k, err := r.keyFile(name)
	if vfs.IsMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer k.Folder.Close()
	s := r.scanner(name)
	err = s.Stream(r.ctx, k, buf, s.Points(func(pt codec.Point) bool {
		each(codec.ModelPoint{Point: pt, RunID: s.Run})
		return true
	}))
	if vfs.IsMissing(err) {
		return nil
	}
	return err
}
