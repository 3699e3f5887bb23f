package master

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// observer is a running observer process.
type observer struct {
	pid        int
	control    *channel.Channel
	started    time.Time
	ready      bool // it has said so
	quit       bool // it was asked to go
	crashes    *postmortem.Crashes
	told       []byte // of the service, the last time
	door       *door  // what it may ask the master for; nil: nothing
	escalation pm.Escalation
}

// observers are the observer that is to serve, and those before it that finish what they answer.
type observers struct {
	all     []*observer // that run
	serving *observer   // nil: there is none
	backoff pm.Backoff
	startAt time.Time // when to start another; zero: not
	tellAt  time.Time // when to tell it of the service; zero: there is none
	toldAt  time.Time // when it was told last
	past    *os.File  // what observers remember, of which the master reads nothing; nil: there was no need for it
}

// observeInterval is how often an observer hears of the master.
const observeInterval = time.Second

// listenMetrics opens the addresses of metrics.listen, or takes those that are open.
func (l *listener) listenMetrics(g *generation) error {
	if g.plan == nil || g.plan.own == nil {
		return nil
	}
	own := g.plan.own
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
	if err != nil {
		return nil, err
	}
	for _, other := range g.pools {
		if other.socket == s {
			return nil, fmt.Errorf("pool %s listens there", other.conf.Name)
		}
	}
	if slices.ContainsFunc(g.http, func(other httpListener) bool { return other.Socket == s }) {
		return nil, errors.New("the HTTP front listens there")
	}
	if slices.ContainsFunc(g.metrics, func(other metricsListener) bool { return other.Socket == s }) {
		return nil, errors.New("it is named twice, for metrics or the dashboard")
	}
	return s, nil
}

// renewObserver starts an observer for the generation that begins to serve, if it is to have one. The one before answers until that is ready.
func (m *Master) renewObserver() {
	o := &m.observers
	m.gen.watchCaches(m.cachesUntil)
	o.startAt, o.backoff = time.Time{}, pm.Backoff{}
	if len(m.gen.metrics) == 0 && !m.gen.plan.exports() {
		m.quitObservers(nil)
		return
	}
	m.startObserver()
}

// startObserver executes an observer. If it cannot be, it is tried again later.
func (m *Master) startObserver() {
	o := &m.observers
	o.startAt = time.Time{}
	now := m.sys.now()
	one, err := m.executeObserver(now)
	if err != nil {
		m.log.observerNotStarted(err)
		o.startAt = now.Add(max(o.backoff.Failed(), time.Second))
		return
	}
	o.all = append(o.all, one)
	o.serving, o.tellAt = one, now
	m.log.observerStarted(one.pid)
	m.hear(one.control, nil, func(s channel.Message) utterance { return observerSaid{one, s} })
}

func (m *Master) executeObserver(now time.Time) (*observer, error) {
	who, err := observerCredentials(m.gen)
	if err != nil {
		return nil, err
	}
	control, theirs, err := channel.New()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	one := &observer{control: control, started: now, door: m.gen.door}
	orders, files, err := m.observerOrders()
	defer func() {
		for _, f := range files[len(m.gen.metrics):] { // those that listen stay
			f.Close()
		}
	}()
	if err == nil && m.errorLog.InUse() { // as a front's
		if one.crashes, err = postmortem.NewCrashes(); err == nil {
			orders.Files = append(orders.Files, contract.CrashOutput)
			files = append(files, one.crashes.In())
		}
	}
	var spec *os.File
	if err == nil {
		spec, err = inMemory("observer", func(w *os.File) error { return orders.Encode(w) })
	}
	if err == nil {
		defer spec.Close()
		stderr := m.errorLog.Stderr()
		if one.crashes != nil {
			stderr = nil
		}
		one.pid, err = m.sys.startFront(frontCommand{title: contract.ObserverTitle,
			program: zygote.Self(m.opt.Program), files: append([]*os.File{theirs, spec}, files...), stderr: stderr, who: who})
	}
	if err != nil {
		control.Close()
		one.crashes.Close()
		return nil, err
	}
	return one, nil
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
		past, err := m.observers.memory()
		if err != nil {
			return nil, files, err
		}
		o.Dashboard = &contract.Dashboard{Hosts: m.gen.plan.own.Dashboard.Hosts, Orders: m.gen.door.locked}
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
		sites := g.siteNames()
		for _, p := range g.pools {
			pool := contract.ObservedPool{Generation: g.number, Name: p.conf.Name, Slots: len(p.slots), Socket: p.socket.Inode(),
				Limit: p.conf.MaxChildren}
			if slices.ContainsFunc(g.plan.sites[:len(sites)], func(s contract.Site) bool { return s.Pool == p.conf.Name }) {
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
		if g.frontBoard != nil {
			if err := add(g.frontBoard, contract.ObservedPool{Generation: g.number, Slots: frontSlots, Front: true, Sites: sites}); err != nil {
				return nil, files, err
			}
		}
	}
	return o, files, nil
}

// observerSaid is a message on an observer's control socket.
type observerSaid struct {
	o       *observer
	message channel.Message
}

func (e observerSaid) heed(m *Master) reception {
	o, s := e.o, e.message
	switch s.Letter {
	case contract.Ready:
		o.ready = true
		m.log.observerReady(o.pid, m.gen.metrics, m.export())
		if o == m.observers.serving {
			m.quitObservers(o)
		}
	case contract.Asked:
		m.weigh()
		if s.Text != contract.AskedMemory {
			m.watchCaches()
		}
	case contract.Gate:
		m.openGate(o)
	case contract.Log:
		m.say(s.Text)
	}
	return heeded
}

// quitObservers asks all observers to finish what they answer and to go, but for one; nil: all.
func (m *Master) quitObservers(but *observer) {
	if but == nil {
		m.observers.serving, m.observers.tellAt = nil, time.Time{}
	}
	for _, o := range m.observers.all {
		if o != but && !o.quit {
			o.quit = true
			o.control.Send(contract.Quit, "", -1)
			o.escalation = pm.Escalation{Sent: syscall.SIGQUIT, Deadline: m.sys.now().Add(observerPatience)}
		}
	}
}

// adoptObservers takes over the observers of the program before. They go as their control sockets have ended with it; one that does not is ended.
func (m *Master) adoptObservers(pids []int) {
	now := m.sys.now()
	for _, pid := range pids {
		m.observers.all = append(m.observers.all, &observer{pid: pid, started: now, quit: true,
			escalation: pm.Escalation{Sent: syscall.SIGQUIT, Deadline: now.Add(observerPatience)}})
	}
}

// observerPatience is how long an observer may take to go: longer than a client may take its answer for.
const observerPatience = 10 * time.Second

// buryObserver takes an observer that has ended off the books, and replaces it if nobody wanted its end.
func (m *Master) buryObserver(o *observer, status syscall.WaitStatus) {
	all, now := &m.observers, m.sys.now()
	all.all = slices.DeleteFunc(all.all, func(other *observer) bool { return other == o })
	how, level := postmortem.Ending(status)
	if o.quit {
		level = zlog.Debug
	}
	m.log.observerExited(level, o.pid, how, now.Sub(o.started))
	for _, line := range o.crashes.Lines(status) {
		m.log.observerPanicked(o.pid, line)
	}
	o.crashes.Close()
	if all.serving != o {
		return
	}
	all.serving, all.tellAt = nil, time.Time{}
	if o.quit || m.state == terminating {
		return
	}
	m.replaced.Observer++
	const shortLife = 5 * time.Second
	if o.ready && now.Sub(o.started) > shortLife {
		all.backoff.Succeeded()
	}
	all.startAt = now.Add(max(all.backoff.Failed(), observerPause))
}

// observerPause is how long it takes at least until another observer takes the place of one that has died.
const observerPause = 100 * time.Millisecond

// tickObservers does what is due.
func (m *Master) tickObservers(now time.Time) {
	all := &m.observers
	for _, o := range all.all {
		if o.escalation.Due(now) {
			m.sys.kill(o.pid, o.escalation.Next(now, 0, 0))
		}
	}
	if !all.startAt.IsZero() && !now.Before(all.startAt) {
		m.startObserver()
	}
	if !all.tellAt.IsZero() && !now.Before(all.tellAt) {
		all.toldAt, all.tellAt = now, now.Add(observeInterval)
		m.tellObserver()
	}
}

// observerDeadlines tells when tickObservers has something to do.
func (m *Master) observerDeadlines(sooner func(time.Time)) {
	for _, o := range m.observers.all {
		sooner(o.escalation.Deadline)
	}
	sooner(m.observers.startAt)
	sooner(m.observers.tellAt)
}

// newsInterval is how often an observer may be told of the service.
const newsInterval = 50 * time.Millisecond

// news has the observer told of the service soon.
func (o *observers) news() {
	if soon := o.toldAt.Add(newsInterval); soon.Before(o.tellAt) {
		o.tellAt = soon
	}
}

// tellObserver tells the observer that the master lives, and what the service is unless it knows that.
func (m *Master) tellObserver() {
	o := m.observers.serving
	if o == nil {
		return
	}
	text, err := json.Marshal(m.service())
	if err != nil || bytes.Equal(text, o.told) {
		o.control.Send(contract.Beat, "", -1)
		return
	}
	file, err := inMemory("service", func(w *os.File) error { _, err := w.Write(text); return err })
	if err != nil {
		return
	}
	defer file.Close()
	if o.control.Send(contract.ServiceIs, "", int(file.Fd())) == nil {
		o.told = text
	}
}

// endObservers ends the observers when the service has ended, and waits for them: another service may want their addresses.
func (m *Master) endObservers() {
	for _, o := range m.observers.all {
		m.sys.kill(o.pid, syscall.SIGTERM)
	}
	patience := time.Second
	if m.gen.plan.exports() {
		patience = flushPatience
	}
	for deadline := time.Now().Add(patience); len(m.observers.all) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			for _, o := range m.observers.all {
				m.sys.kill(o.pid, syscall.SIGKILL)
			}
			deadline = time.Now().Add(time.Hour) // nothing keeps a process from that for long
		}
		m.reapObservers(func(*observer, syscall.WaitStatus) {})
	}
}

// reapObservers takes the ends of observers.
func (m *Master) reapObservers(bury func(*observer, syscall.WaitStatus)) {
	for _, o := range slices.Clone(m.observers.all) {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(o.pid, &status, syscall.WNOHANG, nil)
		if err == nil && got == o.pid {
			bury(o, status)
		}
		if err == nil && got == o.pid || errors.Is(err, syscall.ECHILD) {
			m.observers.all = slices.DeleteFunc(m.observers.all, func(other *observer) bool { return other == o })
		}
	}
}

func (l lines) observerStarted(pid int) { l.Logf(zlog.Debug, "[observer] process %d started", pid) }

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

func (l lines) observerExited(level zlog.Level, pid int, how string, life time.Duration) {
	l.Logf(level, "[observer] process %d exited %s after %s seconds from start", pid, how, seconds(life))
}

func (l lines) observerPanicked(pid int, line string) {
	l.Logf(zlog.Error, "[observer] process %d: %s", pid, line)
}

func (l lines) observerNotStarted(err error) {
	l.Logf(zlog.Error, "[observer] the process could not be started, trying again: %v", err)
}

func (l lines) observerImpossible(err error) { l.Logf(zlog.Error, "[observer] %v", err) }

func (l lines) metricsLeftOut(address string, err error) {
	l.Logf(zlog.Notice, "[observer] there are no metrics at %s: %v; set %s to another address, or to off", address, err, settings.MetricsKey)
}
