package master

import (
	"errors"
	"slices"

	"github.com/phpsapi/phpsapi/sapi/watch"
)

// filesWatch is what is watched for the serving generation.
type filesWatch struct {
	dirs  []string
	watch *watch.Watch // nil: nothing is watched
}

// watchFiles watches what the serving generation wants watched.
func (m *Master) watchFiles() {
	var dirs []string
	if own := m.gen.plan.Own; own != nil {
		dirs = own.WatchedDirectories(m.gen.plan.Workers)
	}
	f := &m.files
	if slices.Equal(dirs, f.dirs) {
		return
	}
	if f.watch != nil {
		go f.watch.Close() // beside the loop: it waits for another goroutine
	}
	*f = filesWatch{dirs: dirs}
	if len(dirs) == 0 {
		return
	}
	w, err := watch.Start(dirs, func(path string) { m.box.post(fileChanged{dirs, path}) })
	if err != nil {
		m.log.notWatched(err)
		return
	}
	f.watch = w
	m.log.watching(dirs)
	for _, link := range w.Unfollowed() {
		m.log.notFollowed(link, watch.MaxLinked)
	}
}

// fileChanged is a change of a file that is watched, and of none for a while since.
type fileChanged struct {
	dirs []string
	path string
}

func (e fileChanged) happen(m *Master) {
	if m.state != normal || !slices.Equal(e.dirs, m.files.dirs) {
		return
	}
	m.log.fileChanged(e.path)
	if a := m.attempt; a != nil && !a.renewal && m.next != nil && len(m.operators.waiting) == 0 {
		// It boots files that have changed since. That boot may hang until boot_timeout.
		a.again = true
		m.abandonReload(errOvertaken)
		return
	}
	m.reload()
}

var errOvertaken = errors.New("a file has changed meanwhile, and another reload follows")
