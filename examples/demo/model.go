package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// settings are what one run of the sweep is about.
type settings struct {
	learningRate float64
	hidden       int     // units of the hidden layer
	l2           float64 // how strongly weights are drawn to zero
	seed         uint64
	epochs       int
}

// model classifies flowers: the features are scaled, then go through a hidden layer with tanh and
// an output layer with softmax.
type model struct {
	Classes []string  `json:"classes"`
	Mean    []float64 `json:"mean"`
	Scale   []float64 `json:"scale"`
	Hidden  layer     `json:"hidden"`
	Output  layer     `json:"output"`
}

// layer maps inputs to sums, one for each row of weights.
type layer struct {
	Weights [][]float64 `json:"weights"`
	Biases  []float64   `json:"biases"`
}

// scores tell how good a model is on some flowers.
type scores struct{ loss, accuracy float64 }

// train fits a model by stochastic gradient descent, one flower at a time, and calls each after
// every epoch. Equal settings give equal models.
func train(d *dataset, s settings, each func(epoch int, m *model) error) (*model, error) {
	r := rand.New(rand.NewPCG(s.seed, 0))
	m := newModel(d, s.hidden, r)
	order := slices.Clone(d.train)
	for epoch := range s.epochs {
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, f := range order {
			m.learn(f, s)
		}
		if err := each(epoch, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func newModel(d *dataset, hidden int, r *rand.Rand) *model {
	features := len(d.columns) - 1
	m := &model{
		Classes: d.classes,
		Mean:    make([]float64, features),
		Scale:   make([]float64, features),
		Hidden:  newLayer(features, hidden, r),
		Output:  newLayer(hidden, len(d.classes), r),
	}
	n := float64(len(d.train))
	for i := range features {
		var sum, squares float64
		for _, f := range d.train {
			sum += f.features[i]
			squares += f.features[i] * f.features[i]
		}
		m.Mean[i] = sum / n
		m.Scale[i] = math.Sqrt(squares/n - m.Mean[i]*m.Mean[i])
	}
	return m
}

func newLayer(inputs, outputs int, r *rand.Rand) layer {
	l := layer{Weights: make([][]float64, outputs), Biases: make([]float64, outputs)}
	for i := range l.Weights {
		l.Weights[i] = make([]float64, inputs)
		for j := range l.Weights[i] {
			l.Weights[i][j] = r.NormFloat64() / math.Sqrt(float64(inputs))
		}
	}
	return l
}

func (l *layer) forward(x []float64) []float64 {
	sums := slices.Clone(l.Biases)
	for i, weights := range l.Weights {
		for j, w := range weights {
			sums[i] += w * x[j]
		}
	}
	return sums
}

// backward moves the layer against the gradient of its sums and returns the gradient of its inputs.
func (l *layer) backward(x, gradient []float64, s settings) []float64 {
	inputs := make([]float64, len(x))
	for i, g := range gradient {
		for j := range x {
			inputs[j] += g * l.Weights[i][j]
			l.Weights[i][j] -= s.learningRate * (g*x[j] + s.l2*l.Weights[i][j])
		}
		l.Biases[i] -= s.learningRate * g
	}
	return inputs
}

// predict returns the probability of each class, and the layers' inputs on the way to it.
func (m *model) predict(features []float64) (probabilities, scaled, hidden []float64) {
	scaled = make([]float64, len(features))
	for i, x := range features {
		scaled[i] = (x - m.Mean[i]) / m.Scale[i]
	}
	hidden = m.Hidden.forward(scaled)
	for i, sum := range hidden {
		hidden[i] = math.Tanh(sum)
	}
	return softmax(m.Output.forward(hidden)), scaled, hidden
}

func softmax(sums []float64) []float64 {
	largest, total := slices.Max(sums), 0.0
	for i, sum := range sums {
		sums[i] = math.Exp(sum - largest)
		total += sums[i]
	}
	for i := range sums {
		sums[i] /= total
	}
	return sums
}

func (m *model) learn(f flower, s settings) {
	gradient, scaled, hidden := m.predict(f.features)
	gradient[f.class]-- // that of the cross entropy: the probabilities less the truth
	gradient = m.Output.backward(hidden, gradient, s)
	for i, h := range hidden {
		gradient[i] *= 1 - h*h
	}
	m.Hidden.backward(scaled, gradient, s)
}

// evaluate gives the mean cross entropy and the share of flowers whose most probable class is the
// right one.
func (m *model) evaluate(flowers []flower) scores {
	var s scores
	for _, f := range flowers {
		probabilities, _, _ := m.predict(f.features)
		s.loss -= math.Log(math.Max(probabilities[f.class], 1e-12))
		if largest(probabilities) == f.class {
			s.accuracy++
		}
	}
	n := float64(len(flowers))
	return scores{loss: s.loss / n, accuracy: s.accuracy / n}
}

// confusion counts flowers by their true class (row) and their predicted one (column).
func (m *model) confusion(flowers []flower) [][]int {
	counts := make([][]int, len(m.Classes))
	for i := range counts {
		counts[i] = make([]int, len(m.Classes))
	}
	for _, f := range flowers {
		probabilities, _, _ := m.predict(f.features)
		counts[f.class][largest(probabilities)]++
	}
	return counts
}

func largest(values []float64) int { return slices.Index(values, slices.Max(values)) }
