package master

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
)

// front is a running front process.
type front struct {
	*companion.Front
	gen     *generation
	records contract.Records
}

// keeper returns what executes fronts and observers.
func (m *Master) keeper() *companion.Keeper {
	return &companion.Keeper{Program: m.opt.Program, Execute: m.sys.startFront, Kill: m.sys.kill, Log: m.log.Log, ErrorLog: m.errorLog}
}

// startFront executes a generation's front, if it is to have one. It begins to serve by itself.
func (m *Master) startFront(g *generation) error {
	if !g.plan.HasFront() {
		return nil
	}
	g.http.renewal.Cancel()
	orders, files := m.frontOrders(g)
	started, err := m.keeper().StartFront(orders, files, g.plan.Who, &g.http.slots, m.sys.now())
	if err != nil {
		return err
	}
	f := &front{Front: started, gen: g}
	g.http.started(f)
	m.fronts = append(m.fronts, f)
	m.reading++
	m.hear(f.Control, nil, func(s channel.Message) utterance { return frontSaid{f, s} })
	return nil
}

// frontOrders are a front's orders, and the descriptors they name.
func (m *Master) frontOrders(g *generation) (*contract.Front, []*os.File) {
	plan := g.plan
	o := &contract.Front{
		Generation: g.number, MasterPid: os.Getpid(), Sites: plan.Sites, TrustedProxies: plan.Own.TrustedProxies, StatusClients: plan.Own.StatusClients,
		Certificates: plan.Certificates.Read(), Limits: plan.Own.Limits, AccessLogFormat: plan.Own.AccessFormat,
		LogLevel: g.frontLogLevel(), LogJSON: plan.LogsJSON(), Traces: plan.Traces() != nil, Direct: plan.Direct,
	}
	var files []*os.File
	add := func(what contract.File, file *os.File) {
		o.Files = append(o.Files, what)
		files = append(files, file)
	}
	for _, l := range g.http.listeners {
		o.Listeners = append(o.Listeners, l.FrontListener)
		add(contract.FrontListen, l.File())
	}
	if g.http.log != nil {
		add(contract.FrontAccess, g.http.log)
	}
	for _, p := range g.frontPools() {
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
		if plan.Direct != "" {
			add(contract.ToWorkers, h.ToWorkers)
			add(contract.Untaken, h.Untaken)
		}
	}
	return o, files
}

// frontPool is how a front reaches a pool.
func (p *pool) frontPool() contract.FrontPool {
	at := contract.FrontPool{Name: p.conf.Name, Connections: p.conf.MaxChildren, PingPath: p.conf.PingPath.Value, StatusPath: p.conf.StatusPath.Value,
		BodyBytes: p.gen.plan.BodyLimit(p.conf)}
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

// frontReady reports whether the generation's front serves, or is not wanted.
func (g *generation) frontReady() bool { return !g.plan.HasFront() || g.http.serving() != nil }

// frontSaid is a message on a front's control socket.
type frontSaid struct {
	f       *front
	message channel.Message
}

func (e frontSaid) heed(m *Master) reception {
	f, s := e.f, e.message
	switch s.Letter {
	case contract.Ready:
		m.keeper().Serves(f.Front, f.gen.http.addresses())
		if f.gen == m.next {
			m.proveReload()
		}
		m.sendRescues()
		m.beat(f, m.sys.now())
	case contract.Yielded:
		f.Yielded = true
		m.begun()
	case contract.Beat:
		f.Beats(m.sys.now())
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
	g.http.renewal.Cancel()
	if f := g.http.front; f != nil {
		m.keeper().Quit(f.Front, g.plan.Own.Limits.DrainTimeout, m.sys.now(), func() { m.tellFront(f) })
	}
}

// killFronts ends all fronts at once.
func (m *Master) killFronts(now time.Time) {
	k := m.keeper()
	for _, f := range m.fronts {
		f.gen.http.renewal.Cancel()
		k.End(f.Front, now)
	}
}

// buryFront takes a front that has ended off the books, and replaces it if nobody wanted its end.
func (m *Master) buryFront(f *front, status syscall.WaitStatus) {
	g, now := f.gen, m.sys.now()
	m.fronts = slices.DeleteFunc(m.fronts, func(other *front) bool { return other == f })
	if !f.Quits && m.state == normal {
		m.replaced.Front++
	}
	g.http.ended(f)
	how := m.keeper().Bury(f.Front, status, m.state == terminating, now)
	switch {
	case m.state != normal:
		if len(m.fronts) == 0 && m.escalation.Sent == 0 {
			m.nextStep(now) // the workers' turn
		}
	case f.Quits:
	case g == m.next:
		m.abandonReload(fmt.Errorf("the new front exited %s", how))
	case !f.Ready && m.failTakeover(fmt.Errorf("the front exited %s", how)):
		return
	case !g.retiring:
		g.http.renewal.Died(&f.Process, now)
	}
	m.childGone(g)
}

// startAnotherFront starts a front in the place of one that has ended.
func (m *Master) startAnotherFront(now time.Time) {
	if err := m.startFront(m.gen); err != nil {
		m.log.frontNotStarted(err)
		m.gen.http.renewal.NotStarted(now)
	}
}

// reopenFrontLog opens a front's access log again and passes it on. some says that there is one.
func (g *generation) reopenFrontLog(errorLog *errorlog.Log) (some bool, err error) {
	if g.http.log == nil {
		return false, nil
	}
	file, err := openFrontLog(g.plan.Own.AccessLog, errorLog)
	if err != nil {
		lines{errorLog.Messages}.accessLogNotOpened(g.plan.Own.AccessLog, err)
		return true, err
	}
	g.http.reopenLog(file)
	g.tellDirect(contract.HTTPAccessLog, int(file.Fd()))
	return true, nil
}

// frontPools are those that the front asks, in the order of the configuration: the pools that the sites name, and those for their
// other scripts.
func (g *generation) frontPools() (asked []*pool) {
	for _, p := range g.pools {
		if g.plan.Routes(p.home().conf.Name) {
			asked = append(asked, p)
		}
	}
	return asked
}
