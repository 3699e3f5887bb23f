package site

import (
	"path/filepath"
	"slices"
	"sync"
)

// WorkerScripts are the scripts whose requests a worker script answers. It knows them by the names of the settings, and by the names that
// those led to at each Look. It is safe for concurrent use.
type WorkerScripts struct {
	configured []string

	mu    sync.Mutex
	names []string // replaced, never changed in place
}

// NewWorkerScripts returns the scripts of these paths. It does not Look.
func NewWorkerScripts(paths []string) *WorkerScripts {
	return &WorkerScripts{configured: paths, names: paths}
}

// Names returns the names that are known.
func (w *WorkerScripts) Names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.names
}

// Look finds out where the paths lead now and returns all names that are known then. A name that a link led to before stays known, because
// the worker script was booted there. sure is false if a path cannot be followed, so that there may be another name.
func (w *WorkerScripts) Look() (names []string, sure bool) {
	sure = true
	var found []string
	for _, path := range w.configured { // without the lock, as a file system may be slow
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			sure = false
		} else {
			found = append(found, real)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, real := range found {
		if !slices.Contains(w.names, real) {
			w.names = append(slices.Clone(w.names), real)
		}
	}
	return w.names, sure
}

// Excludes reports whether a script is certainly none of w. It looks if it does not know the script's name.
func (w *WorkerScripts) Excludes(script string) bool {
	if slices.Contains(w.Names(), script) {
		return false
	}
	names, sure := w.Look()
	return sure && !slices.Contains(names, script)
}
