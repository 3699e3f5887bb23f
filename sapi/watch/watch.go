// Package watch tells of changes to an application's files, for reloads while it is developed.
package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Quiet is how long no file must change until a change is told: an editor, or a deployment, writes several.
const Quiet = 100 * time.Millisecond

// extensions are the files that are watched; .env and its like are, too.
var extensions = []string{".php", ".phtml", ".inc", ".twig", ".latte", ".yaml", ".yml", ".ini", ".json", ".xml", ".neon", ".lock", ".env"}

// left are names of directories in which applications write while they run, or that are no application's.
var left = []string{"node_modules", "var", "storage", "cache", "tmp", "temp", "logs", "log"}

// Watch watches directories and all below them.
type Watch struct {
	watcher *fsnotify.Watcher
	ended   chan struct{}
}

// Start begins to watch directories. It calls changed on a goroutine, with the path of a file, when the last change is Quiet ago.
// It returns an error if a directory cannot be watched.
func Start(dirs []string, changed func(path string)) (*Watch, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, explained(err)
	}
	w := &Watch{watcher: watcher, ended: make(chan struct{})}
	for _, dir := range dirs {
		if _, err := w.add(dir, true); err != nil {
			watcher.Close()
			return nil, fmt.Errorf("%s cannot be watched: %w", dir, explained(err))
		}
	}
	go w.run(changed)
	return w, nil
}

// Close ends the watch. changed is not called after it has returned.
func (w *Watch) Close() {
	w.watcher.Close()
	<-w.ended
}

// add watches a directory and those below it, and returns a file in them that is watched; empty: there is none. If the directory
// must be there, an error is returned; what has gone meanwhile is none.
func (w *Watch) add(top string, must bool) (file string, err error) {
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == top && must:
			return err
		case err != nil:
			return nil
		case !d.IsDir():
			if isWatched(path) {
				file = path
			}
			return nil
		case path != top && isLeft(d.Name()):
			return fs.SkipDir
		}
		err = w.watcher.Add(path)
		if errors.Is(err, fs.ErrNotExist) && !(must && path == top) {
			return nil
		}
		return err
	})
	return file, err
}

func isLeft(name string) bool { return strings.HasPrefix(name, ".") || slices.Contains(left, name) }

func (w *Watch) run(changed func(string)) {
	defer close(w.ended)
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	path := ""
	for {
		select {
		case e, open := <-w.watcher.Events:
			if !open {
				return
			}
			changed := e.Name
			if !isWatched(e.Name) || e.Op == fsnotify.Chmod {
				changed = ""
			}
			if e.Has(fsnotify.Create) { // a directory's files may have come before it was watched
				if file, _ := w.add(e.Name, false); file != "" && !isLeft(filepath.Base(e.Name)) {
					changed = file
				}
			}
			if changed != "" {
				path = changed
				quiet.Reset(Quiet)
			}
		case _, open := <-w.watcher.Errors: // events were lost: something has changed
			if !open {
				return
			}
			quiet.Reset(Quiet)
		case <-quiet.C:
			changed(path)
			path = ""
		}
	}
}

// isWatched reports whether a file is one that an application reads.
func isWatched(path string) bool {
	name := filepath.Base(path)
	if isLeft(name) && !strings.HasPrefix(name, ".env") {
		return false
	}
	return strings.HasPrefix(name, ".env") || slices.Contains(extensions, filepath.Ext(name))
}

// explained returns an error with the way out, if there is one.
func explained(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: the system watches too many directories; raise fs.inotify.max_user_watches (sysctl)", err)
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("%w: too many processes watch files; raise fs.inotify.max_user_instances (sysctl)", err)
	}
	return err
}
