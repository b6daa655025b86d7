package locate

import "sync"

// maxHints bounds the memory of runHints.
const maxHints = 4096

// runHints remembers in which experiment a run was seen last. A hint is looked up on disk before it
// is believed.
type runHints struct {
	mu   sync.Mutex
	seen map[string]string
}

func (h *runHints) get(run string) (experiment string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	experiment, ok = h.seen[run]
	return experiment, ok
}

func (h *runHints) put(run, experiment string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil || len(h.seen) >= maxHints {
		h.seen = make(map[string]string)
	}
	h.seen[run] = experiment
}

func (h *runHints) forget(run string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.seen, run)
}
