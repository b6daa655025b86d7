package search

import "strings"

// modelAttributes are the attributes of a logged model.
var modelAttributes = map[string]Attribute{
	"model_id": ModelID, "name": ModelName, "model_type": ModelType, "status": Status, "source_run_id": SourceRunID,
	"creation_timestamp": CreationTimestamp, "creation_time": CreationTimestamp,
	"last_updated_timestamp": LastUpdatedTimestamp, "last_updated_time": LastUpdatedTimestamp,
	"experiment_id": ExperimentID,
}

const modelKeyList = "'creation_time', 'creation_timestamp', 'experiment_id', 'last_updated_time', 'last_updated_timestamp', 'model_id', 'model_type', 'name', 'source_run_id', 'status'"

// ModelOrderItem is a term of an order of models.
type ModelOrderItem struct {
	// Field is an attribute, blanks around it left out, or "metrics." and a key as it stands.
	Field      string
	Descending bool
	// On limits a metric to points on a data set: of a name, and of a digest if it has one. The
	// zero Dataset limits nothing. Of several data sets the point with the newest time counts.
	On Dataset
}

// ParseModelOrder makes an order of models. The base order, which decides between equals and is all
// there is for an empty list, is creation_timestamp DESC, model_id ASC. Errors are of type *Error;
// Query is the field.
func ParseModelOrder(items []ModelOrderItem) (*Order, error) {
	o := &Order{}
	var n needs
	for _, item := range items {
		k, err := item.key()
		if err != nil {
			return nil, err
		}
		o.keys = append(o.keys, k)
		n.add(k.field)
	}
	o.needs = n.sorted()
	return o.then(CreationTimestamp, true).then(ModelID, false), nil
}

func (i ModelOrderItem) key() (orderKey, error) {
	k := orderKey{descending: i.Descending}
	if entity, key, ok := strings.Cut(i.Field, "."); ok {
		if entity != "metrics" {
			return k, newError(i.Field, 0, "Invalid order by field name: %s, only `metrics.<name>` is allowed.", entity)
		}
		if i.On.Digest != "" && i.On.Name == "" {
			return k, newError(i.Field, 0, "`dataset_digest` can only be specified if `dataset_name` is also specified.")
		}
		k.field = field{kind: metricField, key: key, newest: true, on: i.On}
		k.keyText = "`" + key + "`"
		return k, nil
	}
	name := strings.TrimFunc(i.Field, isBlank)
	a, ok := modelAttributes[name]
	if !ok || a == ExperimentID {
		return k, newError(i.Field, 0, "Invalid order by field name: %s.", name)
	}
	k.field = field{kind: attributeField, attribute: a}
	return k, nil
}

// Measured is one metric of a logged model: the history of its points by data set. The zero
// Measured has no points.
type Measured struct{ groups []measuredGroup }

type measuredGroup struct {
	on      Dataset
	history History
}

// Add takes the next point in the order of the file. A point on no data set has the zero Dataset.
func (m *Measured) Add(on Dataset, value float64, timestamp, step int64) {
	for i := range m.groups {
		if m.groups[i].on == on {
			m.groups[i].history.Add(value, timestamp, step)
			return
		}
	}
	g := measuredGroup{on: on}
	g.history.Add(value, timestamp, step)
	m.groups = append(m.groups, g)
}

// First returns the summary of the points on the data set that was logged first, of those that any
// of on names if there are some. It is MLflow's rule for filters.
func (m *Measured) First(on []Dataset) (Summary, bool) {
	for i := range m.groups {
		if len(on) == 0 || m.groups[i].isOn(on) {
			return m.groups[i].history.Summary()
		}
	}
	return Summary{}, false
}

// Newest returns the summary of the points on the data set whose latest point has the newest
// timestamp, of those that on names. It is MLflow's rule for orders.
func (m *Measured) Newest(on Dataset) (Summary, bool) {
	var newest *measuredGroup
	for i := range m.groups {
		g := &m.groups[i]
		if g.on.isNamedBy(on) && (newest == nil || g.history.latest > newest.history.latest) {
			newest = g
		}
	}
	if newest == nil {
		return Summary{}, false
	}
	return newest.history.Summary()
}

// Datasets returns the data sets that the metric has points on, in the order of the file.
func (m *Measured) Datasets() (list []Dataset) {
	for i := range m.groups {
		if m.groups[i].on != (Dataset{}) {
			list = append(list, m.groups[i].on)
		}
	}
	return list
}

// IsOn reports whether the metric has a point on a data set that any of on names.
func (m *Measured) IsOn(on []Dataset) bool {
	for i := range m.groups {
		if m.groups[i].isOn(on) {
			return true
		}
	}
	return false
}

func (g *measuredGroup) isOn(on []Dataset) bool {
	for _, d := range on {
		if g.on.isNamedBy(d) {
			return true
		}
	}
	return false
}

// isNamedBy reports whether d has the name and the digest of a pattern, as far as it has them.
func (d Dataset) isNamedBy(pattern Dataset) bool {
	return (pattern.Name == "" || pattern.Name == d.Name) && (pattern.Digest == "" || pattern.Digest == d.Digest)
}
