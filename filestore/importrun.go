package filestore

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

// ImportRun implements mlruns.Importer. It is built, and made durable, without a lock, however long
// that takes. The commit point is the rename that puts the finished folder into its experiment. A
// data set that the experiment lacks is there before the run is.
func (s *Store) ImportRun(ctx context.Context, r mlruns.Run, points iter.Seq2[mlruns.Metric, error]) error {
	return fail("import run", r.Info.ID, s.importRun(ctx, r, points))
}

func (s *Store) importRun(ctx context.Context, r mlruns.Run, points iter.Seq2[mlruns.Metric, error]) error {
	if err := s.beginLogging(ctx); err != nil {
		return err
	}
	if err := checkImportedRun(&r); err != nil {
		return err
	}
	e, experiment, err := s.importedInto(ctx, r.Info.ExperimentID)
	if err != nil {
		return err
	}
	if r.Info.ArtifactURI == "" {
		if r.Info.ArtifactURI, err = s.find.NewArtifactURI(ctx, experiment, r.Info.ID); err != nil {
			return err
		}
	}
	var locks placeLocks
	defer func() { locks.unlock(s) }()
	settle, err := s.tree.PlaceTogether(records.NewRunRef(e, r.Info.ID).Dir, func(b *dir.Builder) {
		buildRun(b, r, points)
		b.Last(func() error { return s.lockRunPlace(ctx, &locks, e, r) })
	})
	s.find.Remember(records.NewRunRef(e, r.Info.ID))
	locks.unlock(s)
	if err != nil {
		return err
	}
	return settle()
}

// importedInto finds the experiment that something is imported into.
func (s *Store) importedInto(ctx context.Context, id string) (records.ExperimentRef, mlruns.Experiment, error) {
	ref, err := s.find.FindExperiment(id)
	if err != nil {
		return ref, mlruns.Experiment{}, err
	}
	e, _, err := s.records.ExperimentDocument(ctx, ref)
	if err != nil {
		return ref, e, records.ExperimentError(ref.ID, ref.Dir, err)
	}
	return ref, e, nil
}

// placeLocks keep the place of what is being imported free.
type placeLocks []locate.UnlockFunc

func (l *placeLocks) unlock(s *Store) {
	for _, unlock := range slices.Backward(*l) {
		s.find.Unlock(unlock)
	}
	*l = nil
}

// lockPlace takes the locks under which what is built may be put into an experiment.
func (s *Store) lockPlace(ctx context.Context, locks *placeLocks, e records.ExperimentRef) error {
	if len(*locks) > 0 { // it is built twice where the private folder is on another disk
		return nil
	}
	unlock, err := s.find.LockRoot(ctx)
	if err != nil {
		return err
	}
	*locks = append(*locks, unlock)
	now, unlock, err := s.find.LockExperiment(ctx, e.ID)
	if err != nil {
		return err
	}
	*locks = append(*locks, unlock)
	if now != e {
		return failure.ExperimentNotFound(e.ID) // it has moved to the trash or back
	}
	return nil
}

// lockFree is lockPlace, and makes sure that the id is free everywhere, which idFree tells, and the
// folder where it is to lie.
func (s *Store) lockFree(ctx context.Context, locks *placeLocks, e records.ExperimentRef, folder string, taken error, idFree func() error) error {
	if err := s.lockPlace(ctx, locks, e); err != nil {
		return err
	}
	if err := idFree(); err != nil {
		return err
	}
	there, err := s.tree.Exists(folder)
	if err == nil && there {
		err = taken
	}
	return err
}

// lockRunPlace is lockFree for a run, and places the data sets that the experiment lacks.
func (s *Store) lockRunPlace(ctx context.Context, locks *placeLocks, e records.ExperimentRef, r mlruns.Run) error {
	err := s.lockFree(ctx, locks, e, records.NewRunRef(e, r.Info.ID).Dir, runTaken(r.Info.ID), func() error { return runIDFree(ctx, s.find, r.Info.ID) })
	if err != nil {
		return err
	}
	var all dir.Durability
	for _, d := range r.Inputs.Datasets {
		if err := all.Step(placeDataset(s.tree, e, d.Dataset)); err != nil {
			return err
		}
	}
	return all.Last(nil)
}

func placeDataset(tree *dir.Tree, e records.ExperimentRef, d mlruns.Dataset) error {
	return records.PlaceOnce(tree, layout.Join(e.Dir, layout.Datasets), codec.HashID(d.Name, d.Digest), codec.NewDatasetDocument(d))
}

// checkImportedRun refuses what cannot be written, whatever its length.
func checkImportedRun(r *mlruns.Run) error {
	if err := validateNewRunID(r.Info.ID); err != nil {
		return err
	}
	if !r.Info.Status.Valid() {
		return failure.Invalid("Invalid run status: " + r.Info.Status.String())
	}
	if err := validateStage(r.Info.Stage); err != nil {
		return err
	}
	if err := checkAdded(r); err != nil {
		return err
	}
	for _, f := range [...]mlruns.Tag{{Key: "user_id", Value: r.Info.User}, {Key: "artifact_uri", Value: r.Info.ArtifactURI}} {
		if err := validate.Text(f.Key, f.Value); err != nil {
			return err
		}
	}
	return importedTimes(importedTime{"start_time", &r.Info.Start})
}

// checkAdded refuses what cannot be added to a run.
func checkAdded(r *mlruns.Run) error {
	if err := validate.Text("run_name", r.Info.Name); err != nil {
		return err
	}
	for _, values := range [...]map[string]string{r.Data.Params, r.Data.Tags} {
		if err := validateTags(values); err != nil { // params too: neither has a limit here
			return err
		}
	}
	if err := validateInputs(r.Inputs); err != nil {
		return err
	}
	for _, m := range r.Outputs.Models {
		if err := validateModelID("model_id", m.ModelID); err != nil {
			return err
		}
	}
	return importedTimes(importedTime{"end_time", &r.Info.End}, importedTime{"deleted_time", &r.Info.Deleted})
}

// buildRun fills the folder of a run.
func buildRun(b *dir.Builder, r mlruns.Run, points iter.Seq2[mlruns.Metric, error]) {
	for _, folder := range [...]string{layout.Metrics, layout.Params, layout.Artifacts} {
		b.Folder(folder)
	}
	b.Values(layout.Params, r.Data.Params)
	b.Values(layout.Tags, r.Data.Tags)
	buildHistories(b, points, codec.AppendPoint)
	part := func(folder, id string, doc codec.Document) {
		data, err := doc.Encode()
		b.Part(layout.Join(folder, id), data, err)
	}
	for _, d := range r.Inputs.Datasets {
		id := codec.HashID(d.Dataset.Name, d.Dataset.Digest)
		part(layout.Inputs, codec.HashID(id, r.Info.ID), codec.NewDatasetInput(id, d.Tags))
	}
	for _, m := range r.Inputs.Models {
		part(layout.Inputs, codec.HashID(m.ModelID, r.Info.ID), codec.NewModelInput(m.ModelID))
	}
	for _, m := range r.Outputs.Models {
		part(layout.Outputs, m.ModelID, codec.NewOutputDocument(m))
	}
	doc := codec.NewRunDocument(r.Info)
	codec.SetRunInfo(&doc, r.Info)
	b.Meta(doc.Encode())
}

// chunkOfLines bounds what is held of a history that is written: by each of 64 runs at once.
const chunkOfLines = 1 << 16

// buildHistories makes the files of metrics of points that come key by key.
func buildHistories(b *dir.Builder, points iter.Seq2[mlruns.Metric, error], appendTo func([]byte, mlruns.Metric) []byte) {
	next, stop := iter.Pull2(points)
	defer stop()
	m, err, more := next()
	seen := map[string]bool{}
	lines := make([]byte, 0, 4096)
	for more && err == nil {
		key := m.Key
		b.Then(func() error {
			if seen[key] {
				return failure.Invalid("the points of metric '" + key + "' do not follow each other")
			}
			return validateSeries(key, seen)
		})
		b.Series(key, slices.Sorted(maps.Keys(seen)), func() ([]byte, error) {
			lines = lines[:0]
			for more && err == nil && m.Key == key && len(lines) < chunkOfLines {
				if err := validatePoint(m); err != nil {
					return nil, err
				}
				lines = appendTo(lines, m)
				m, err, more = next()
			}
			return lines, err
		})
		if b.Failed() {
			return
		}
	}
	b.Then(func() error { return err })
}

// validateSeries checks the key of a metric that follows others.
func validateSeries(key string, others map[string]bool) error {
	if err := validate.Key("name", key); err != nil {
		return err
	}
	if err := records.CheckKey("name", key); err != nil {
		return err
	}
	others[key] = true
	for above := layout.Parent(key); above != ""; above = layout.Parent(above) {
		if others[above] {
			return dir.Disjoint("metric", []string{above, key})
		}
	}
	return nil
}

// validatePoint checks what of a point could break its line. Its key is checked already.
func validatePoint(m mlruns.Metric) error {
	if m.Time.IsZero() {
		return failure.Invalid("metric '" + m.Key + "' has a point without a time")
	}
	if m.DatasetName == "" && m.DatasetDigest == "" && validate.TimeInRange(m.Time) {
		return nil
	}
	m.ModelID = ""
	return validate.Metric(m)
}
