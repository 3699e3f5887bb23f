package master

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/incident"
)

// spans is the socket pair by which a pool's workers tell the observer of spans. The master keeps both ends: what an observer has not read is there for its
// successor.
type spans struct{ to, from *os.File }

// spansBuffer is how much may wait in such a pair, in bytes, if that is allowed.
const spansBuffer = 1 << 20

func newSpans() (*spans, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	if unix.SetsockoptInt(ends[0], unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, spansBuffer) != nil {
		unix.SetsockoptInt(ends[0], unix.SOL_SOCKET, unix.SO_SNDBUF, spansBuffer)
	}
	unix.Shutdown(ends[0], unix.SHUT_RD) // nothing comes back
	return &spans{os.NewFile(uintptr(ends[0]), "spans"), os.NewFile(uintptr(ends[1]), "spans")}, nil
}

// close closes both ends. s may be nil.
func (s *spans) close() {
	if s != nil {
		s.to.Close()
		s.from.Close()
	}
}

// openSpans makes the pairs of a generation's pools, if spans are exported.
func (g *generation) openSpans() (err error) {
	if !g.plan.Exports() {
		return nil
	}
	for _, p := range g.pools {
		if p.spans, err = newSpans(); err != nil {
			return err
		}
	}
	return nil
}

// export is what an observer exports; nil: nothing.
func (m *Master) export() *contract.Export {
	if !m.gen.plan.Exports() {
		return nil
	}
	t := &m.gen.plan.Own.Traces
	return &contract.Export{URL: t.Endpoint, Headers: t.Headers, Resource: t.Resource, Version: m.opt.Version}
}

// tellSpan tells the observer of the request that a worker has died in, as the worker cannot.
func (m *Master) tellSpan(p *pool, pid int, e *examination) {
	if e.request == nil || p.spans == nil || !e.request.Trace.IsSampled() {
		return
	}
	r := e.request
	s := contract.Span{Context: r.Trace, Start: m.sys.now().Add(-r.duration).UnixNano(), Duration: r.duration, QueueWait: r.QueueWait, Pid: pid,
		Status: statusOf(e.Client)}
	text := func(s string) []byte { return []byte(s) }
	texts := contract.SpanTexts{Method: text(r.Method), Host: text(r.Host), Target: text(r.target()), Script: text(r.Script), Client: text(r.Client),
		RequestID: text(r.ID), Error: text(strings.ReplaceAll(string(e.Kind), " ", "_"))}
	fd := channel.RawFD(p.spans.to)
	unix.SendmsgN(fd, contract.AppendSpan(nil, &s, &texts), nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
}

// statusOf returns the status that a client got who got this; 0: not known, or none.
func statusOf(client string) int {
	switch client {
	case incident.Got502:
		return 502
	case incident.Got504:
		return 504
	}
	return 0
}

// flushPatience is how long an observer has, when the service ends, to export what is left.
const flushPatience = 3 * time.Second
