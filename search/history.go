package search

import "math"

// Summary is what search needs to know about the points of one metric.
type Summary struct {
	// Latest is the value of the point with the largest (step, timestamp,
	// value), MLflow's rule for the value of a metric.
	Latest float64
	// Min, Max and Mean leave NaN points out; with no other point they are NaN.
	// Mean is the sum in the order of the file, divided.
	Min, Max, Mean float64
	// First is the value of the point with the smallest (step, timestamp), the
	// one that was logged first if there are several.
	First float64
	// Count is the number of points, NaN included.
	Count int64
}

// History builds a Summary point by point. The zero History has no points.
type History struct {
	summary            Summary
	sum                float64
	numbers            int64
	latestStep, latest int64 // step and timestamp of the latest point
	firstStep, first   int64 // of the first point
}

// Add takes the next point in the order of the file.
func (h *History) Add(value float64, timestamp, step int64) {
	s := &h.summary
	s.Count++
	if s.Count == 1 {
		s.Min, s.Max = math.NaN(), math.NaN()
	}
	if s.Count == 1 || h.isLater(value, timestamp, step) {
		s.Latest, h.latest, h.latestStep = value, timestamp, step
	}
	if s.Count == 1 || step < h.firstStep || step == h.firstStep && timestamp < h.first {
		s.First, h.first, h.firstStep = value, timestamp, step
	}
	if math.IsNaN(value) {
		return
	}
	if h.numbers == 0 || value < s.Min {
		s.Min = value
	}
	if h.numbers == 0 || value > s.Max {
		s.Max = value
	}
	h.numbers++
	h.sum += value
}

// isLater is Python's (step, timestamp, value) > latest. No NaN is larger than
// a number and no number larger than NaN, so that of two such points with the
// same step and timestamp the one that was logged first stays.
func (h *History) isLater(value float64, timestamp, step int64) bool {
	if step != h.latestStep {
		return step > h.latestStep
	}
	if timestamp != h.latest {
		return timestamp > h.latest
	}
	return value > h.summary.Latest
}

// Summary returns the summary of the points so far, false if there are none:
// a metric without points is missing.
func (h *History) Summary() (Summary, bool) {
	s := h.summary
	s.Mean = h.sum / float64(h.numbers) // 0/0 is NaN
	return s, s.Count > 0
}
