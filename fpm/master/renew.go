package master

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// A renewal replaces a zygote that died: by another generation of what is loaded, whatever php-fpm.conf says by now.
// Nobody has asked for that to be read.

// longLife is how long a zygote must have lived for its death to be followed by another at once.
const longLife = 10 * time.Second

// renewSoon plans the renewal of the serving generation.
func (m *Master) renewSoon() {
	if m.sys.now().Sub(m.gen.begun) > longLife {
		m.renewal.Succeeded()
	}
	m.renewAt = m.sys.now().Add(m.renewal.Failed())
}

// renewLater plans another attempt after one that failed.
func (m *Master) renewLater(why error) {
	wait := max(m.renewal.Failed(), time.Second)
	m.renewAt = m.sys.now().Add(wait)
	m.log.renewFailed(why, wait)
}

// renew begins a renewal. commitReload or abandonReload ends it.
func (m *Master) renew() {
	if m.state != normal || m.attempt != nil || !m.gen.lacksZygote() {
		return // a reload that is under way renews as well, and plans this if it fails
	}
	m.replaceGeneration()
}

// replaceGeneration begins to replace the serving generation by another of what is loaded.
func (m *Master) replaceGeneration() {
	m.attempt = m.newAttempt()
	m.attempt.renewal = true
	g, err := m.sameAgain()
	if err != nil {
		m.abandonReload(err)
		return
	}
	m.next = g
	m.attempt.allowBoots(g)
	m.startZygotes(g)
}

// sameAgain makes a generation like the one that serves, with its sockets and logs.
func (m *Master) sameAgain() (*generation, error) {
	old := m.gen
	g, err := newGeneration(m.generation+1, old.config, old.ids, m.sys.now())
	if err != nil {
		return nil, err
	}
	m.generation++
	g.plan = old.plan
	g.equipWorkerMode()
	g.assign(func(i int, _ *pool) zygote.Config { return old.pools[i].engine.launch })
	g.showKinds()
	for _, e := range g.engines {
		was := old.like(e)
		e.choice, e.php, e.ini = was.choice, was.php, was.ini
	}
	if err := g.http.resemble(&old.http); err != nil {
		g.close()
		return nil, err
	}
	for i, p := range g.pools {
		was := old.pools[i]
		if p.ruleset, err = another(was.ruleset); err != nil {
			g.close()
			return nil, err
		}
		p.limits, p.steering = was.limits, was.steering
		p.orders, p.identity, p.socket = was.orders, was.identity, was.socket
		p.published.ListenQueueLen = was.published.ListenQueueLen
		p.board.Publish(p.published)
		if p.access, err = another(was.access); err != nil {
			g.close()
			return nil, err
		}
	}
	g.restrictTemplates()
	return g, nil
}

// another is another descriptor of an open file; nil of none.
func another(file *os.File) (*os.File, error) {
	if file == nil {
		return nil, nil
	}
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), file.Name()), nil
}

// isReplaced reports whether the program's file is another one than runs here.
func isReplaced(path string) bool {
	running, err := os.Stat("/proc/self/exe")
	if err != nil || path == "" {
		return false
	}
	file, err := os.Stat(path)
	return err != nil || !os.SameFile(running, file)
}
