package server

import (
	"path/filepath"
	"strings"

	"github.com/phpsapi/phpsapi/sapi/watch"
)

// php reads its scripts for each request, and so needs no reload. But what opcache holds, what it has preloaded, and php.ini stay
// as they were when PHP was started.

// watchedDirectories reads PHPSAPI_WATCH.
func watchedDirectories(text, root string) (dirs []string) {
	for _, dir := range strings.Split(text, ",") {
		switch dir = strings.TrimSpace(dir); {
		case dir == "":
		case dir == "on":
			dirs = append(dirs, root)
		case filepath.IsAbs(dir):
			dirs = append(dirs, dir)
		default:
			dirs = append(dirs, filepath.Join(workingDirectory(), dir))
		}
	}
	return dirs
}

// watch begins to watch, if that was asked for. stop ends it.
func (s *Server) watch() (stop func()) {
	if len(s.watched) == 0 {
		return func() {}
	}
	w, err := watch.Start(s.watched, func(path string) {
		s.log.fileChanged(path)
		s.pool.renew()
	})
	if err != nil {
		s.log.notWatched(err)
		return func() {}
	}
	for _, link := range w.Unfollowed() {
		s.log.notFollowed(link, watch.MaxLinked)
	}
	return func() { go w.Close() }
}
