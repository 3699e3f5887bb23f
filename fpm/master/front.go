package master

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// front is a running front process.
type front struct {
	gen     *generation
	pid     int
	control *channel.Channel
	started time.Time
	ready   bool   // it has said so
	nofile  uint64 // descriptors it needs
	slot    int    // of frontBoard; -1: none

	beatAt     time.Time // see beat
	answered   time.Time // when it last gave a sign of life
	unanswered int
	crashes    *postmortem.Crashes
	records    contract.Records

	stopped    bool // a signal has stopped it, and it is replaced
	quit       bool // it was asked to go
	yielded    bool // it takes no more requests, and has said so
	escalation pm.Escalation
}

// httpListener is an address of a front.
type httpListener struct {
	*listening.Socket
	contract.FrontListener
}

// frontCommand is a front or an observer to execute.
type frontCommand struct {
	title   string // argv[0]
	program string
	files   []*os.File // from descriptor 3 on
	stderr  *os.File   // nil: /dev/null
	who     credentials
	nofile  uint64 // descriptors it needs
}

// startFront executes a generation's front, if it is to have one. It begins to serve by itself.
func (m *Master) startFront(g *generation) error {
	if !g.plan.wanted() {
		return nil
	}
	g.frontAt = time.Time{}
	control, theirs, err := channel.New()
	if err != nil {
		return err
	}
	defer theirs.Close()
	orders, files := m.frontOrders(g)
	slot := g.frontSlot()
	if slot >= 0 {
		orders.Slots, orders.Slot = frontSlots, slot
		orders.Files = append(orders.Files, contract.Scoreboard)
		files = append(files, g.frontBoard.File())
	}
	stderr := m.errorLog.Stderr()
	var crashes *postmortem.Crashes
	if m.errorLog.InUse() {
		// Not the log itself: a front outlives the file after the log was rotated, and syslog is none.
		if crashes, err = postmortem.NewCrashes(); err != nil {
			control.Close()
			return err
		}
		defer crashes.In().Close()
		stderr = nil
		orders.Files = append(orders.Files, contract.CrashOutput)
		files = append(files, crashes.In())
	}
	spec, err := inMemory("front", func(w *os.File) error { return orders.Encode(w) })
	if err != nil {
		control.Close()
		crashes.Close()
		return err
	}
	defer spec.Close()
	pid, err := m.sys.startFront(frontCommand{
		title:   contract.FrontTitle,
		program: zygote.Self(m.opt.Program), files: append([]*os.File{theirs, spec}, files...), stderr: stderr, who: g.plan.who,
		nofile: descriptors(orders),
	})
	if err != nil {
		control.Close()
		crashes.Close()
		return fmt.Errorf("%s as %s: %w", m.opt.Program, g.plan.who.name, err)
	}
	now := m.sys.now()
	f := &front{gen: g, pid: pid, control: control, started: now, answered: now, beatAt: now.Add(beatInterval),
		nofile: descriptors(orders), crashes: crashes, slot: slot}
	if slot >= 0 {
		g.frontBoard.SetPid(slot, pid)
	}
	g.front = f
	m.fronts = append(m.fronts, f)
	m.log.frontStarted(g.number, pid)
	m.reading++
	m.hear(control, nil, func(s channel.Message) utterance { return frontSaid{f, s} })
	return nil
}

// frontOrders are a front's orders, and the descriptors they name.
func (m *Master) frontOrders(g *generation) (*contract.Front, []*os.File) {
	plan := g.plan
	o := &contract.Front{
		Generation: g.number, MasterPid: os.Getpid(), Sites: plan.sites, TrustedProxies: plan.own.TrustedProxies, StatusClients: plan.own.StatusClients,
		Certificates: plan.certificates.read, Limits: plan.own.Limits, AccessLogFormat: plan.own.AccessFormat,
		LogLevel: g.frontLogLevel(), LogJSON: plan.logsJSON(), Traces: plan.traces() != nil, Direct: plan.direct,
	}
	var files []*os.File
	add := func(what contract.File, file *os.File) {
		o.Files = append(o.Files, what)
		files = append(files, file)
	}
	for _, l := range g.http {
		o.Listeners = append(o.Listeners, l.FrontListener)
		add(contract.FrontListen, l.File())
	}
	if g.frontLog != nil {
		add(contract.FrontAccess, g.frontLog)
	}
	for _, p := range plan.pools(g) {
		at := p.frontPool()
		o.Pools = append(o.Pools, at)
		switch {
		case p.conf.Handed:
			add(contract.FrontPoolTo, p.socket.Pair())
		case p.socket.Path() != nil:
			add(contract.FrontPoolAt, p.socket.Path())
		}
	}
	if h := m.sockets.Handing(); h != nil {
		add(contract.FromWorkers, h.FromWorkers) // also for what workers of another generation hand over
		if plan.direct != "" {
			add(contract.ToWorkers, h.ToWorkers)
			add(contract.Untaken, h.Untaken)
		}
	}
	return o, files
}

// frontPool is how a front reaches a pool.
func (p *pool) frontPool() contract.FrontPool {
	at := contract.FrontPool{Name: p.conf.Name, Connections: p.conf.MaxChildren, PingPath: p.conf.PingPath.Value, StatusPath: p.conf.StatusPath.Value,
		BodyBytes: p.gen.plan.bodyLimit(p.conf)}
	if p.others != nil {
		at.Others, at.For = p.others.conf.Name, p.worker.For
	}
	if os.Geteuid() == 0 {
		at.Chroot = p.conf.Chroot.Value
	}
	switch {
	case p.conf.Handed:
		at.Network, at.PingPath, at.StatusPath = contract.Handed, "", "" // its pages are those of the pool that it is beside
	case p.socket.Path() != nil:
	case strings.HasPrefix(p.socket.Key(), "/"):
		at.Network, at.Address = "unix", p.socket.Key()
	default:
		at.Network, at.Address = "tcp", p.socket.ReachedAt()
	}
	return at
}

// descriptors is how many a front needs: those of its clients and pools, and some for itself and its files.
func descriptors(o *contract.Front) uint64 {
	const others = 256
	n := others + 2*o.Limits.Connections
	for _, p := range o.Pools {
		n += p.Connections
	}
	return uint64(n)
}

// addresses are where a generation's front serves, as clients name them.
func (g *generation) addresses() string {
	var all []string
	for _, l := range g.http {
		scheme := "http"
		if l.TLS {
			scheme = "https"
		}
		all = append(all, l.URL(scheme))
	}
	return strings.Join(all, ", ")
}

// frontSaid is a message on a front's control socket.
type frontSaid struct {
	f       *front
	message channel.Message
}

func (e frontSaid) heed(m *Master) reception {
	f, s := e.f, e.message
	switch s.Letter {
	case contract.Ready:
		f.ready = true
		raiseFiles(f.pid, f.nofile)
		m.log.frontReady(f.gen.number, f.pid, f.gen.addresses())
		if f.gen == m.next {
			m.proveReload()
		}
		m.sendRescues()
		m.beat(f, m.sys.now())
	case contract.Yielded:
		f.yielded = true
		m.begun()
	case contract.Beat:
		f.unanswered, f.answered = 0, m.sys.now()
		m.heedFront(f, s.Text)
	case contract.Crowd:
		m.heedFront(f, s.Text)
	case contract.Log:
		m.say(s.Text)
	case contract.Lines:
		m.sayAll(s.Text)
	case contract.RecordIs, contract.RecordPart:
		return m.frontRecord(&f.records, s)
	case 0:
		m.reading--
	}
	return heeded
}

// quitFront asks a generation's front to finish its requests and go.
func (m *Master) quitFront(g *generation) {
	f := g.front
	g.frontAt = time.Time{}
	if f == nil || f.quit {
		return
	}
	f.quit = true
	m.log.frontQuits(g.number, f.pid)
	m.tellFront(f)
	f.escalation.Sent = syscall.SIGQUIT
	if patience := g.plan.own.Limits.DrainTimeout; patience > 0 {
		f.escalation.Deadline = m.sys.now().Add(patience + drainMargin)
	}
}

// drainMargin is how much longer than its drain_timeout a front may take to go.
const drainMargin = 2 * time.Second

// killFronts ends all fronts at once.
func (m *Master) killFronts(now time.Time) {
	for _, f := range m.fronts {
		f.quit = true
		f.gen.frontAt = time.Time{}
		f.escalation = pm.Escalation{}
		m.sys.kill(f.pid, f.escalation.Next(now, syscall.SIGTERM, time.Second))
	}
}

// buryFront takes a front that has ended off the books, and replaces it if nobody wanted its end.
func (m *Master) buryFront(f *front, status syscall.WaitStatus) {
	g, now := f.gen, m.sys.now()
	m.fronts = slices.DeleteFunc(m.fronts, func(other *front) bool { return other == f })
	g.vacate(f)
	if !f.quit && m.state == normal {
		m.replaced.Front++
	}
	if g.front == f {
		g.front = nil
	}
	how, level := postmortem.Ending(status)
	if f.quit && (status == 0 || m.state == terminating) {
		level = zlog.Debug
	}
	m.log.frontExited(level, g.number, f.pid, how, now.Sub(f.started))
	for _, line := range f.crashes.Lines(status) {
		m.log.frontPanicked(g.number, f.pid, line)
	}
	f.crashes.Close()
	switch {
	case m.state != normal:
		if len(m.fronts) == 0 && m.escalation.Sent == 0 {
			m.nextStep(now) // the workers' turn
		}
	case f.quit:
	case g == m.next:
		m.abandonReload(fmt.Errorf("the new front exited %s", how))
	case !f.ready && m.takeoverFails(fmt.Errorf("the front exited %s", how)):
		return
	case !g.retiring:
		m.replaceFront(g, f, now)
	}
	m.childGone(g)
}

// replaceFront starts another front, later where fronts keep failing.
func (m *Master) replaceFront(g *generation, f *front, now time.Time) {
	const shortLife = 5 * time.Second
	if f.ready && now.Sub(f.started) > shortLife {
		g.frontBackoff.Succeeded()
	}
	g.frontAt = now.Add(g.frontBackoff.Failed())
}

// tickFronts does what is due: certificates, the ends of fronts, new ones.
func (m *Master) tickFronts(now time.Time) {
	for _, f := range m.fronts {
		if f.escalation.Due(now) {
			m.sys.kill(f.pid, f.escalation.Next(now, 0, 0))
		}
		if !now.Before(f.beatAt) {
			m.beat(f, now)
		}
	}
	g := m.gen
	if m.state == normal && !g.frontAt.IsZero() && !now.Before(g.frontAt) {
		if err := m.startFront(g); err != nil {
			m.log.frontNotStarted(err)
			g.frontAt = now.Add(max(g.frontBackoff.Failed(), time.Second))
		}
	}
	if !m.certificatesAt.IsZero() && !now.Before(m.certificatesAt) {
		m.certificatesAt = now.Add(certificatesInterval)
		m.checkCertificates()
	}
}

// frontDeadlines tells when tickFronts has something to do.
func (m *Master) frontDeadlines(sooner func(time.Time)) {
	for _, f := range m.fronts {
		sooner(f.escalation.Deadline)
		sooner(f.beatAt)
	}
	sooner(m.gen.frontAt)
	sooner(m.certificatesAt)
}

// reopenFrontLog opens a front's access log again and passes it on. some says that there is one.
func (g *generation) reopenFrontLog(errorLog *errorlog.Log) (some bool, err error) {
	if g.frontLog == nil {
		return false, nil
	}
	file, err := openFrontLog(g.plan.own.AccessLog, errorLog)
	if err != nil {
		lines{errorLog.Messages}.accessLogNotOpened(g.plan.own.AccessLog, err)
		return true, err
	}
	g.frontLog.Close()
	g.frontLog = file
	if g.front != nil {
		g.front.control.Send(contract.AccessLog, "", int(file.Fd()))
	}
	g.tellDirect(contract.HTTPAccessLog, int(file.Fd()))
	return true, nil
}
