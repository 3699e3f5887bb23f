package site

import (
	"path/filepath"
	"slices"
	"sync"
)

// WorkerScripts are the scripts whose requests a worker script answers, by the names under which requests may ask for them: those
// that the settings have, and what those led to when it was looked. It is safe for many goroutines.
type WorkerScripts struct {
	configured []string

	mu    sync.Mutex
	names []string // is replaced, and never changed
}

// NewWorkerScripts returns those with the paths given. Nothing has been looked at yet.
func NewWorkerScripts(paths []string) *WorkerScripts {
	return &WorkerScripts{configured: paths, names: paths}
}

// Names returns the names that are known.
func (w *WorkerScripts) Names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.names
}

// Look looks where the paths lead now and returns the names that are known then. What a link led to before stays one: the worker
// script was booted there. sure is false if a path cannot be followed, so that there may be another name.
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

// Excludes reports whether a script is certainly none of them.
func (w *WorkerScripts) Excludes(script string) bool {
	if slices.Contains(w.Names(), script) {
		return false
	}
	names, sure := w.Look()
	return sure && !slices.Contains(names, script)
}
