package observe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
)

// gate is where the dashboard asks the master: contract.Gate brings a connection for each request.
type gate struct {
	send func() error // asks for a connection

	mu      sync.Mutex
	waiting []chan opened // those who have asked for a connection, in their order
}

// opened is a connection, or why there is none.
type opened struct {
	fd  int
	why string
}

// gatePatience is how long the master may take to open a connection.
const gatePatience = 5 * time.Second

var errSilent = errors.New("the master does not answer")

// take takes what the master has opened: for the one that has asked first.
func (g *gate) take(why string, fd int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		if fd >= 0 {
			unix.Close(fd)
		}
		return
	}
	g.waiting[0] <- opened{fd, why} // has room
	g.waiting = g.waiting[1:]
}

// dial returns a connection to the master.
func (g *gate) dial() (*control.Client, error) {
	mine := make(chan opened, 1)
	g.mu.Lock()
	err := g.send()
	if err == nil {
		g.waiting = append(g.waiting, mine)
	}
	g.mu.Unlock()
	if err != nil {
		return nil, errSilent
	}
	select {
	case o := <-mine:
		return o.client()
	case <-time.After(gatePatience):
		go func() { // it stays in its place until the master has answered
			if client, err := (<-mine).client(); err == nil {
				client.Close()
			}
		}()
		return nil, errSilent
	}
}

func (o opened) client() (*control.Client, error) {
	if o.fd < 0 {
		return nil, errors.New(o.why)
	}
	file := os.NewFile(uintptr(o.fd), "gate")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("the master has opened a %T", conn)
	}
	return control.Over(unix), nil
}

// ask asks the master, and returns its last answer. The others are heard.
func (g *gate) ask(ctx context.Context, request control.DashboardRequest, hear func(control.Answer)) (control.Answer, error) {
	client, err := g.dial()
	if err != nil {
		return control.Answer{}, err
	}
	defer client.Close()
	return client.AskAsDashboard(ctx, request, hear)
}

// gate returns what asks the master.
func (p *process) gate() *gate {
	return &gate{send: func() error { return p.control.Send(contract.Gate, "", -1) }}
}
