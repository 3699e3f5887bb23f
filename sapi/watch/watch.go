// Package watch reports changes to an application's files, by inotify, so that php-fpm's workers and php's development server start again
// while the application is developed. It watches directories with all below them, except those in which applications write while they
// run, such as cache and log.
package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Quiet is for how long no file must have changed before a change is reported: an editor, or a deployment, writes several.
const Quiet = 100 * time.Millisecond

// extensions are the files that are watched; .env and its like are, too.
var extensions = []string{".php", ".phtml", ".inc", ".twig", ".latte", ".yaml", ".yml", ".ini", ".json", ".xml", ".neon", ".lock", ".env"}

// left are names of directories in which applications write while they run, or that do not belong to an application.
var left = []string{"node_modules", "var", "storage", "cache", "tmp", "temp", "logs", "log"}

// Watch watches directories and all below them.
type Watch struct {
	watcher    *fsnotify.Watcher
	ended      chan struct{}
	tops       []string // those that Start was given, without symbolic links
	known      map[identity]string
	linked     int // of these, those that links lead to,
	most       int // and how many these may be
	unfollowed []string
	first      []string // unfollowed, at the start
}

// Start begins to watch directories. It calls changed on a goroutine, with the path of a file, when the last change is Quiet ago.
// It returns an error if a directory cannot be watched.
func Start(dirs []string, changed func(path string)) (*Watch, error) {
	return start(dirs, MaxLinked, changed)
}

func start(dirs []string, most int, changed func(path string)) (*Watch, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, explained(err)
	}
	w := &Watch{watcher: watcher, ended: make(chan struct{}), known: map[identity]string{}, most: most}
	for _, dir := range dirs {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			w.tops = append(w.tops, real)
		}
	}
	for _, dir := range dirs {
		if _, err := w.add(dir, true); err != nil {
			watcher.Close()
			return nil, fmt.Errorf("%s cannot be watched: %w", dir, explained(err))
		}
	}
	w.first = slices.Clone(w.unfollowed)
	go w.run(changed)
	return w, nil
}

// Unfollowed returns the symbolic links that Start has not followed, because more than MaxLinked directories would be watched.
func (w *Watch) Unfollowed() []string { return w.first }

// Close ends the watch. changed is not called after it has returned.
func (w *Watch) Close() {
	w.watcher.Close()
	<-w.ended
}

// add watches a directory and those below it, and returns a file in them that is watched; empty: there is none. If the directory
// must be there, an error is returned; what has gone meanwhile is none.
func (w *Watch) add(top string, must bool) (file string, err error) {
	if !must && isLink(top) {
		return w.follow(top)
	}
	return w.walk(top, must)
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// walk is add for a directory or a link to one. Links in it are followed when all else is watched.
func (w *Watch) walk(name string, must bool) (file string, err error) {
	top, err := filepath.EvalSymlinks(name) // WalkDir follows no link, not even its first
	if err != nil {
		top = name
	}
	before := len(w.known)
	var links []string
	err = filepath.WalkDir(top, func(real string, d fs.DirEntry, err error) error {
		path := name + strings.TrimPrefix(real, top)
		switch {
		case err != nil && real == top && must:
			return err
		case err != nil:
			return nil
		case d.Type()&fs.ModeSymlink != 0 && !isLeft(d.Name()):
			links = append(links, path)
			fallthrough
		case !d.IsDir():
			if isWatched(path) {
				file = path
			}
			return nil
		case real != top && isLeft(d.Name()), !w.claim(path):
			return fs.SkipDir
		}
		err = w.watcher.Add(path)
		if errors.Is(err, fs.ErrNotExist) && !(must && real == top) {
			return nil
		}
		return err
	})
	if isLink(name) {
		w.linked += len(w.known) - before
	}
	for _, link := range links {
		if _, isDir := identify(link); !isDir || err != nil {
			continue
		}
		var found string
		if found, err = w.follow(link); found != "" {
			file = found
		}
	}
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
				file, _ := w.add(e.Name, false)
				if _, isDir := identify(e.Name); file == "" && isDir && isLink(e.Name) { // to what is watched under another name
					file = e.Name
				}
				if file != "" && !isLeft(filepath.Base(e.Name)) {
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
