package master

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// listenMetrics opens the addresses of metrics.listen, or takes those that are open.
func (l *listener) listenMetrics(g *generation) error {
	if g.plan == nil || g.plan.Own == nil {
		return nil
	}
	own := g.plan.Own
	for _, address := range own.Metrics {
		s, err := l.metricsAt(g, address, own.MetricsMode)
		switch {
		case err == nil:
			g.metrics = append(g.metrics, metricsListener{s, address, contract.ObserverListen})
		case own.MetricsByDefault:
			l.log.metricsLeftOut(address, err)
		default:
			err = own.Located(fmt.Errorf("%s: %s: %w", settings.MetricsKey, address, err))
			l.log.observerImpossible(err)
			return err
		}
	}
	return nil
}

// metricsListener is an address of an observer.
type metricsListener struct {
	*listening.Socket
	address string
	what    contract.File // who connects there: for metrics, or for the dashboard
}

// metricsAt opens an address of an observer, with the mode of a unix socket there.
func (l *listener) metricsAt(g *generation, address string, mode uint32) (*listening.Socket, error) {
	// What is wrong is said with the setting's place.
	s, err := l.open.Quiet().At(listening.Address{For: "metrics", Listen: address, Mode: mode})
	if errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("%w; make the directory %s", err, filepath.Dir(address))
	}
	if err != nil {
		return nil, err
	}
	for _, other := range g.pools {
		if other.socket == s {
			return nil, fmt.Errorf("pool %s listens there", other.conf.Name)
		}
	}
	if g.http.listensAt(s) {
		return nil, errors.New("the HTTP front listens there")
	}
	if slices.ContainsFunc(g.metrics, func(other metricsListener) bool { return other.Socket == s }) {
		return nil, errors.New("it is named twice, for metrics or the dashboard")
	}
	return s, nil
}

// renewObserver starts an observer for the generation that begins to serve, if it is to have one. The one before answers until that is ready.
func (m *Master) renewObserver() {
	m.gen.watchCaches(m.cachesUntil)
	m.observers.Renew()
	if len(m.gen.metrics) == 0 && !m.gen.plan.Exports() {
		m.observers.Quit(nil, m.sys.now())
		return
	}
	m.startObserver(m.sys.now())
}

// startObserver executes an observer. If it cannot be, it is tried again later.
func (m *Master) startObserver(now time.Time) {
	k := m.keeper()
	m.observers.Starts()
	o, err := m.executeObserver(k, now)
	if err != nil {
		m.observers.NotStarted(k, err, now)
		return
	}
	door := m.gen.door
	m.hear(o.Control, nil, func(s channel.Message) utterance { return observerSaid{o, door, s} })
}

func (m *Master) executeObserver(k *companion.Keeper, now time.Time) (*companion.Observer, error) {
	var front *companion.User
	if m.gen.plan.HasFront() {
		front = &m.gen.plan.Who
	}
	who, err := companion.ObserverUser(m.gen.config.Pools, front)
	if err != nil {
		return nil, err
	}
	orders, files, err := m.observerOrders()
	defer func() {
		for _, f := range files[len(m.gen.metrics):] { // those that listen stay
			f.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	return m.observers.Start(k, orders, files, who, now)
}

// observerOrders are an observer's orders, and the descriptors they name: the listeners, which are the master's, and then what is to be closed.
func (m *Master) observerOrders() (*contract.Observer, []*os.File, error) {
	o := &contract.Observer{MasterPid: os.Getpid(), LogLevel: m.gen.config.Global.LogLevel, Export: m.export()}
	var files []*os.File
	for _, l := range m.gen.metrics {
		o.Addresses, o.Files = append(o.Addresses, l.address), append(o.Files, l.what)
		files = append(files, l.File())
	}
	if m.gen.door != nil {
		past, err := m.observers.Memory()
		if err != nil {
			return nil, files, err
		}
		o.Dashboard = &contract.Dashboard{Hosts: m.gen.plan.Own.Dashboard.Hosts, Orders: m.gen.door.TakesOrders()}
		o.Files, files = append(o.Files, contract.ObserverPast), append(files, past)
	}
	add := func(b *scoreboard.Board, pool contract.ObservedPool) error {
		board, err := b.ForReading()
		if err == nil {
			o.Pools, o.Files, files = append(o.Pools, pool), append(o.Files, contract.ObservedBoard), append(files, board)
		}
		return err
	}
	addSpans := func(s *spans) error {
		fd, err := unix.FcntlInt(uintptr(channel.RawFD(s.from)), unix.F_DUPFD_CLOEXEC, 3)
		if err == nil {
			o.Files, files = append(o.Files, contract.ObservedSpans), append(files, os.NewFile(uintptr(fd), "spans"))
		}
		return err
	}
	for _, g := range append([]*generation{m.gen}, m.old...) {
		sites := g.plan.SiteNames()
		for _, p := range g.pools {
			pool := contract.ObservedPool{Generation: g.number, Name: p.conf.Name, Slots: len(p.slots), Socket: p.socket.Inode(),
				Limit: p.conf.MaxChildren}
			if slices.ContainsFunc(g.plan.Sites[:len(sites)], func(s contract.Site) bool { return s.Pool == p.conf.Name }) {
				pool.Sites = sites
			}
			if p.conf.Shared == nil {
				pool.Most = len(p.slots) - p.conf.Successors
			}
			pool.Traced = p.spans != nil && o.Export != nil
			if err := add(p.board, pool); err != nil {
				return nil, files, err
			}
			if pool.Traced {
				if err := addSpans(p.spans); err != nil {
					return nil, files, err
				}
			}
		}
		if board := g.http.slots.Board(); board != nil {
			if err := add(board, contract.ObservedPool{Generation: g.number, Slots: companion.MostFronts, Front: true, Sites: sites}); err != nil {
				return nil, files, err
			}
		}
	}
	return o, files, nil
}

// observerSaid is a message on an observer's control socket.
type observerSaid struct {
	o       *companion.Observer
	door    *control.Door // what it may ask for; nil: nothing
	message channel.Message
}

func (e observerSaid) heed(m *Master) reception {
	o, s := e.o, e.message
	switch s.Letter {
	case contract.Ready:
		o.Ready = true
		m.log.observerReady(o.Pid, m.gen.metrics, m.export())
		if m.observers.Serves(o) {
			m.observers.Quit(o, m.sys.now())
		}
	case contract.Asked:
		m.weigh()
		if s.Text != contract.AskedMemory {
			m.watchCaches()
		}
	case contract.Gate:
		m.openGate(o, e.door)
	case contract.Log:
		m.say(s.Text)
	}
	return heeded
}

// buryObserver takes an observer that has ended off the books, and replaces it if nobody wanted its end.
func (m *Master) buryObserver(o *companion.Observer, status syscall.WaitStatus) {
	if m.observers.Bury(m.keeper(), o, status, m.state == terminating, m.sys.now()) {
		m.replaced.Observer++
	}
}

// tellObserver tells the observer that serves what the service is.
func (m *Master) tellObserver(time.Time) {
	text, err := json.Marshal(m.service())
	if err != nil {
		text = nil
	}
	m.observers.Tell(text)
}

// endObservers ends the observers when the service has ended.
func (m *Master) endObservers() {
	patience := time.Second
	if m.gen.plan.Exports() {
		patience = flushPatience
	}
	m.observers.End(m.keeper(), patience)
}

func (l lines) observerReady(pid int, at []metricsListener, e *contract.Export) {
	if e != nil {
		l.Logf(zlog.Notice, "[observer] process %d exports traces to %s", pid, e.URL)
	}
	for _, task := range []struct {
		what contract.File
		text string
	}{{contract.ObserverListen, "answers questions about metrics and health"}, {contract.DashboardAt, "shows the dashboard"}} {
		where := ""
		for _, s := range at {
			if s.what != task.what {
				continue
			}
			if where != "" {
				where += ", "
			}
			where += s.URL("http")
		}
		if where != "" {
			l.Logf(zlog.Notice, "[observer] process %d %s at %s", pid, task.text, where)
		}
	}
}

func (l lines) observerImpossible(err error) { l.Logf(zlog.Error, "[observer] %v", err) }

func (l lines) metricsLeftOut(address string, err error) {
	l.Logf(zlog.Notice, "[observer] there are no metrics at %s: %v; set %s to another address, or to off", address, err, settings.MetricsKey)
}
