package transfer

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/mlruns/mlruns"
)

// Logged models can be in a destination that draws ids more than once, as runs can: see twin.

// look notes the models of the destination: by their ids, and by those that they were copied from.
func (m *models) look(ctx context.Context) error {
	for model, err := range listed(ctx, m.into, m.at.id, mlruns.ViewAll, ignore, &m.hides) {
		if errors.Is(err, mlruns.ErrUnsupported) {
			m.into = nil
			return nil
		}
		if err != nil {
			return err
		}
		m.there[model.ID] = model
		source := model.Tags[TagSourceModel]
		if source == "" {
			continue
		}
		if kept := m.there[source]; kept == nil || compareModels(model, kept) < 0 {
			m.there[source] = model
		}
	}
	return nil
}

// isEmptyModel reports whether a model has nothing but what a copy makes one with. Its files are
// not looked at.
func isEmptyModel(m *mlruns.LoggedModel) bool {
	return m.Status == mlruns.ModelPending && len(m.Metrics) == 0
}

// compareModels puts the one first that is kept up to date: always the same.
func compareModels(a, b *mlruns.LoggedModel) int {
	last := func(m *mlruns.LoggedModel) (n int) {
		if isEmptyModel(m) {
			n = 2
		}
		if m.Stage == mlruns.StageDeleted {
			n++
		}
		return n
	}
	return cmp.Or(last(a)-last(b), cmp.Compare(a.ID, b.ID))
}

// removeEmpty deletes the models of the destination that are empty beside another one which is kept
// up to date. again looks at what is there now.
func (m *models) removeEmpty(ctx context.Context, again bool, it *Item) error {
	if m.into == nil || m.at.id == "" || m.keepsIDs() {
		return nil
	}
	kept := map[string]bool{}
	m.mu.Lock()
	for _, id := range m.modelIDs {
		kept[id] = true
	}
	m.mu.Unlock()
	if again {
		if err := m.look(ctx); err != nil || m.into == nil {
			return err
		}
	}
	bySource := map[string][]*mlruns.LoggedModel{}
	for id, model := range m.there {
		if source := model.Tags[TagSourceModel]; id == model.ID && source != "" {
			bySource[source] = append(bySource[source], model)
		}
	}
	for _, twins := range bySource {
		slices.SortFunc(twins, compareModels)
		keep := twins[0]
		for _, model := range twins {
			if kept[model.ID] {
				keep = model
			}
		}
		for _, model := range twins {
			if model == keep || model.Stage == mlruns.StageDeleted || !isEmptyModel(model) {
				continue
			}
			if err := m.remove(ctx, model.ID, it); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove deletes a model that has no files.
func (m *models) remove(ctx context.Context, id string, it *Item) error {
	if there, err := modelFiles(m.into).sizes(ctx, id); err != nil || len(there) > 0 {
		return err
	}
	if !m.q.DryRun {
		if err := m.into.DeleteLoggedModel(ctx, id); err != nil {
			return err
		}
	}
	it.Removed = append(it.Removed, id)
	it.written()
	return nil
}
