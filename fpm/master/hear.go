package master

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// utterance is a message of another process on its way to the loop.
type utterance interface{ heed(m *Master) reception }

// reception is what the loop made of a message.
type reception int

const (
	heeded     reception = iota
	kept                 // and its descriptor is the loop's
	unexpected           // it was not the process's turn, or is not a message: the process waits for a moment
)

// penalty is how long a process waits after a message that nobody expected.
const penalty = 10 * time.Millisecond

// heard hands an utterance to the loop, and its reception back.
type heard struct {
	utterance
	reception chan reception // with room for one
}

func (e heard) happen(m *Master) { e.reception <- e.heed(m) }

// hear reads what a process says until it is gone, one message at a time: the next one is read after the loop has
// taken this one, so that a process that says much waits, and neither the loop's memory nor the others do. Descriptors
// that the loop does not keep are closed here, where it may take its time. What is returned is closed when the loop has taken the last.
func (m *Master) hear(c *channel.Channel, wants func(letter byte, fd int) bool, of func(channel.Message) utterance) <-chan struct{} {
	last := make(chan struct{})
	if m.hearing == nil {
		m.hearing = map[*channel.Channel]bool{}
	}
	m.hearing[c] = true
	go func() {
		c.Read(wants, func(s channel.Message) {
			e := heard{of(s), make(chan reception, 1)}
			m.box.post(e)
			r := <-e.reception
			if r != kept && s.FD >= 0 {
				unix.Close(s.FD)
			}
			if r == unexpected {
				time.Sleep(penalty)
			}
		})
		close(last)
		m.box.post(unheard{c})
	}()
	return last
}

// unheard is a channel that nobody reads any more.
type unheard struct{ c *channel.Channel }

func (e unheard) happen(m *Master) { delete(m.hearing, e.c) }

// workerSaid and workerTraced are messages on a worker's two sockets.
type (
	workerSaid struct {
		c       *child
		message channel.Message
	}
	workerTraced struct {
		c       *child
		message channel.Message
	}
)

// lastWords is how long the end of a worker waits until what the worker said before it is heard: why it ends, for instance. Another process may
// have its end of the socket.
const lastWords = 500 * time.Millisecond

// listenTo begins to wait for a forked child's end and to read what it says.
func (m *Master) listenTo(c *child) {
	wants := func(letter byte, fd int) bool { return letter == contract.Park && c.pool.home().socket.Accepted(fd) }
	last := m.hear(c.control, wants, func(s channel.Message) utterance { return workerSaid{c, s} })
	go func() {
		<-c.process.Done()
		patience := time.NewTimer(lastWords)
		defer patience.Stop()
		select {
		case <-last:
		case <-patience.C:
		}
		m.box.post(workerExited{c})
	}()
	if c.trace != nil {
		m.hear(c.trace, nil, func(s channel.Message) utterance { return workerTraced{c, s} })
	}
	if c.output != nil {
		m.readOutput(c.output, c)
	}
}

func (e workerSaid) heed(m *Master) reception {
	c, s := e.c, e.message
	switch s.Letter {
	case contract.Park, contract.Ready, contract.Idle:
		c.vigil.spoke = m.clock.Now()
	}
	switch s.Letter {
	case contract.Park:
		switch {
		case s.FD < 0:
			return unexpected
		case m.state == normal && m.park.park(c.pool.home(), s.FD):
			return kept
		}
	case contract.Ready:
		if c.gone { // its end was told first
			return heeded
		}
		if c.ready {
			return unexpected
		}
		m.workerBegan(c)
		if c.pool.gen == m.next {
			m.proveReload()
		}
		m.park.find(c.pool)
	case contract.Retire:
		return m.retireWorker(c, s.Text)
	case contract.Ended:
		return m.scriptEnded(c, s.Text)
	case contract.Heedless:
		return m.heedless(c)
	case contract.Unbooted:
		return m.notBooted(c, s.Text)
	case contract.Renew:
		return m.renewFor(c)
	case contract.Caches:
		return m.cachesInspected(c, s.Text)
	case contract.Samples:
		return m.sampled(c, s.Text)
	case contract.Yielded:
		if c.yielded || !c.pool.gen.retiring && !c.yields {
			return unexpected
		}
		c.yielded = true
		m.begun()
	case contract.Idle:
		if !c.asked {
			return unexpected
		}
		if !c.gone {
			m.park.idle(c)
		}
	case contract.Interrupted:
		return m.interrupted(c, s.Text)
	case contract.Log:
		return m.workerComplains(c, s.Text, &c.complaints, complaintBounds)
	case contract.Say:
		return m.workerComplains(c, s.Text, &c.sayings, sayingBounds)
	case contract.Lines:
		if !c.direct {
			return unexpected
		}
		m.log.workerLines(c.pool.conf.Name, s.Text)
	case contract.RecordIs, contract.RecordPart:
		return m.workerRecord(c.pool.conf.Name, c, s)
	case 0:
		m.lost(c)
	default:
		return unexpected
	}
	return heeded
}

// workerBegan records a worker that is ready.
func (m *Master) workerBegan(c *child) {
	c.ready = true
	m.profileWorker(c)
	if c.pool.began++; c.pool.began == 1 {
		m.observers.News()
	}
	m.bootEnded(c)
	m.supplied(c.pool.gen)
}

// say logs what another process of the master's wants logged: contract.Log.
func (m *Master) say(text string) {
	if level, text, ok := message(text); ok {
		m.log.Log.Log(level, text)
	}
}

// sayAll logs what another process of the master's wants logged: contract.Lines.
func (m *Master) sayAll(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		m.say(line)
	}
}

// workerLines logs a worker's contract.Lines.
func (l lines) workerLines(pool, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if level, text, ok := message(line); ok {
			l.Log.Log(level, "[pool "+pool+"] "+text)
		}
	}
}

// message takes a contract.Log apart. Its text becomes one line, of characters that print.
func message(text string) (level zlog.Level, line string, ok bool) {
	if text == "" || text[0] < '0'+byte(zlog.Debug) || text[0] > '0'+byte(zlog.Alert) {
		return 0, "", false
	}
	return zlog.Level(text[0] - '0'), zlog.Harmless(text[1:]), true
}

// Bounds for the messages of a worker for the error log: those of its own, and those of its scripts.
var (
	complaintBounds = bounds{atOnce: 20, interval: 200 * time.Millisecond}
	sayingBounds    = bounds{atOnce: 200, interval: 10 * time.Millisecond}
)

// bounds are how many messages may come at once, and after which time another.
type bounds struct {
	atOnce   int
	interval time.Duration
}

// droppedInterval is how long it takes until it is logged how many messages were dropped.
const droppedInterval = 5 * time.Second

// messages counts the messages of one kind of a worker's.
type messages struct {
	left    int
	since   time.Time // when left was right
	dropped int
}

// one reports whether another message may be logged.
func (n *messages) one(now time.Time, b bounds) bool {
	if n.since.IsZero() {
		n.left, n.since = b.atOnce, now
	}
	if more := int(now.Sub(n.since) / b.interval); more > 0 {
		n.left = min(n.left+more, b.atOnce)
		n.since = n.since.Add(time.Duration(more) * b.interval)
	}
	if n.left == 0 {
		n.dropped++
		return false
	}
	n.left--
	return true
}

// workerComplains logs a worker's message as that worker's: it runs what its pool's user wants, who must not speak for
// the master or another pool.
func (m *Master) workerComplains(c *child, text string, n *messages, b bounds) reception {
	level, line, ok := message(text)
	if !ok {
		return unexpected
	}
	if !n.one(m.sys.now(), b) {
		if n.dropped == 1 {
			time.AfterFunc(droppedInterval, func() { m.box.post(messagesDropped{c, n}) })
		}
		return unexpected
	}
	m.log.workerComplains(min(level, zlog.Error), c.pool.conf.Name, c.pid, line)
	return heeded
}

// messagesDropped is the time to log how many messages of a worker were dropped.
type messagesDropped struct {
	c *child
	n *messages
}

func (e messagesDropped) happen(m *Master) {
	m.log.workerComplains(zlog.Warning, e.c.pool.conf.Name, e.c.pid,
		fmt.Sprintf("%d of its messages were dropped: there are too many", e.n.dropped))
	e.n.dropped = 0
}

// lost is a worker whose control socket has ended. Its zygote will tell how it ended; where that is gone, nobody will.
func (m *Master) lost(c *child) {
	e := c.pool.engine
	c.lost, c.lostAt = true, m.sys.now()
	switch {
	case c.gone:
	case e.zygote == nil || c.orphan:
		m.bury(c, c.exit())
	case e.silentAt.IsZero():
		e.silentAt = c.lostAt.Add(m.exitPatience())
	}
}
