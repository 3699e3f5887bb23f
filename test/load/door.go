package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	ask "github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/serve"
)

// door is where HTTP comes in to a server's pool.
type door struct {
	*server
	nginx   *serve.Process // nil: the front is the server's own
	address string
}

// entrance is a kind of door.
type entrance struct {
	name string
	// open opens one whose clients have so long to send a request's head, and whose pool has those settings, too. 0 is
	// the door's own time.
	open func(head time.Duration, pool string) (*door, error)
}

// entrances are phpsapi's, and then those it is compared with.
func entrances(programs [2]program) []entrance {
	all := []entrance{{"phpsapi's front", func(head time.Duration, pool string) (*door, error) {
		return ownFront(programs[0], head, pool)
	}}}
	for _, p := range programs {
		all = append(all, entrance{"nginx, " + p.name, func(head time.Duration, pool string) (*door, error) {
			return behindNginx(p, head, pool)
		}})
	}
	return all
}

func ownFront(p program, head time.Duration, pool string) (d *door, err error) {
	d = &door{}
	if d.address, err = serve.FreeAddress(); err != nil {
		return nil, err
	}
	o := options{pool: pool, http: d.address}
	if head > 0 {
		o.env = []string{"PHPSAPI_HTTP_LIMITS_HEADER_TIMEOUT=" + head.String()}
	}
	d.server, err = o.start(p)
	return d, err
}

func behindNginx(p program, head time.Duration, pool string) (*door, error) {
	s, err := start(p, "", pool)
	if err != nil {
		return nil, err
	}
	d := &door{server: s}
	if d.address, err = serve.FreeAddress(); err != nil {
		s.stop()
		return nil, err
	}
	settings := ""
	if head > 0 {
		settings = fmt.Sprintf("client_header_timeout %dms;", head.Milliseconds())
	}
	if d.nginx, err = serve.StartNginx(s.dir, d.address, s.dir, 0, settings); err != nil {
		s.stop()
		return nil, err
	}
	return d, nil
}

func (d *door) stop() {
	if d.nginx != nil {
		d.nginx.Stop()
	}
	d.server.stop()
}

// memory is the private memory, in KiB, of the processes that talk HTTP and of all.
func (d *door) memory() (door, all int) {
	if d.nginx == nil {
		for _, pid := range d.Titled("php-fpm: front process") {
			door += serve.Private(pid)
		}
	} else {
		for _, pid := range d.nginx.Tree() {
			door += serve.Private(pid)
		}
		all = door
	}
	for _, pid := range d.Tree() {
		all += serve.Private(pid)
	}
	return door, all
}

func (d *door) dial() (net.Conn, error) { return net.Dial("tcp", d.address) }

func (d *door) asks(script string, kept bool) asker { return d.visitor(script, kept) }

func (d *door) visitor(script string, kept bool) *visitor {
	name, _, _ := strings.Cut(script, "?")
	return &visitor{ask.HTTP{Dial: d.dial, Kept: kept}, ask.Get("/"+script, kept), http.StatusOK, []byte(scripts[name].answer)}
}

// visitor asks a door for one page, again and again. It never asks twice for what failed once, as browsers do.
type visitor struct {
	ask     ask.HTTP
	request []byte
	status  int    // of the answer
	want    []byte // how the answer ends
}

func (v *visitor) do() error {
	if err := v.ask.Ask(v.request); err != nil {
		return err
	}
	err := v.check()
	if err != nil {
		v.close()
	}
	return err
}

func (v *visitor) check() error {
	switch {
	case v.ask.Status != v.status:
		return fmt.Errorf("%s, want %d: %q", v.ask.Text, v.status, v.ask.Body)
	case v.status == http.StatusOK && len(v.ask.Body) == 0:
		return errEmpty
	case v.status == http.StatusOK && !bytes.HasSuffix(v.ask.Body, v.want):
		return fmt.Errorf("answer %q, want %q at its end", v.ask.Body, v.want)
	}
	return nil
}

func (v *visitor) close() { v.ask.Close() }
