package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/serve"
)

// manner is how a client misbehaves on a connection on which request would be asked. An error says that it was not answered and
// should have been.
type manner func(conn net.Conn, request []byte, answered func(io.Reader) error) error

// clientFaults are clients that do not behave, twenty at a time by each door.
func clientFaults() (all []*fault) {
	for _, m := range []struct {
		name string
		do   manner
	}{
		{"send byte by byte", byteByByte},
		{"close their side after the request", halfClosed},
		{"reset within the request", func(conn net.Conn, request []byte, _ func(io.Reader) error) error {
			conn.Write(request[:len(request)/2])
			reset(conn)
			return nil
		}},
		{"reset after the request", func(conn net.Conn, request []byte, _ func(io.Reader) error) error {
			conn.Write(request)
			reset(conn)
			return nil
		}},
		{"reset within the answer", func(conn net.Conn, request []byte, _ func(io.Reader) error) error {
			conn.Write(request)
			io.ReadFull(conn, make([]byte, 100))
			reset(conn)
			return nil
		}},
		{"close without a request", func(net.Conn, []byte, func(io.Reader) error) error { return nil }},
		{"take the answer slowly", slowly},
		{"send what is not a request", func(conn net.Conn, request []byte, _ func(io.Reader) error) error {
			conn.Write(bytes.Repeat([]byte{0xff, 0, 'x', '\r', '\n'}, 2000))
			io.Copy(io.Discard, conn)
			return nil
		}},
		{"say nothing, and leave after 1.5 s", func(conn net.Conn, request []byte, _ func(io.Reader) error) error {
			conn.Write(request[:20])
			time.Sleep(1500 * time.Millisecond)
			return nil
		}},
	} {
		all = append(all, &fault{name: "clients that " + m.name, stock: true, random: true, lasts: true, inject: func(r *run) error {
			return r.misbehave(m.do)
		}})
	}
	return all
}

// misbehave has twenty clients do something by each door.
func (r *run) misbehave(do manner) error {
	var (
		all sync.WaitGroup
		mu  sync.Mutex
		err error
	)
	for _, d := range r.doors() {
		for i := range 20 {
			all.Go(func() {
				e := r.misbehaves(d, request{n: i, size: 300_000}, do)
				mu.Lock()
				defer mu.Unlock()
				if e != nil && err == nil {
					err = fmt.Errorf("a client by %s: %w", d, e)
				}
			})
		}
	}
	all.Wait()
	return err
}

func (r *run) misbehaves(d door, q request, do manner) error {
	network, address, bytes := "unix", serve.Socket(r.dir), client.Encode(r.root(), d.script(), q.query(), false)
	switch d {
	case byHTTP:
		network, address, bytes = "tcp", r.address, client.Get("/"+d.script()+"?"+q.query(), false)
	case byWorker:
		address = r.app()
	}
	conn, err := dialer(network, address)()
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(client.Patience))
	return do(conn, bytes, func(from io.Reader) error { return whole(from, d, q) })
}

// whole reads an answer to its end, and looks whether it is the request's.
func whole(from io.Reader, d door, q request) error {
	end := "\nend " + strconv.Itoa(q.n) + "\n"
	if d == byHTTP {
		text, err := io.ReadAll(from)
		if err == nil && !bytes.Contains(text, []byte(end)) {
			err = fmt.Errorf("%d bytes, which end in %q", len(text), text[max(0, len(text)-50):])
		}
		return err
	}
	r := fastcgi.NewResponseReader(from, make([]byte, 64<<10))
	r.Begin(1)
	var text []byte
	for {
		t, piece, err := r.Next()
		switch {
		case err != nil:
			return fmt.Errorf("after %d bytes: %w", len(text), err)
		case t == fastcgi.TypeStdout:
			text = append(text, piece...)
		case t == fastcgi.TypeEndRequest && !bytes.HasSuffix(text, []byte(end)):
			return fmt.Errorf("%d bytes, which end in %q", len(text), text[max(0, len(text)-50):])
		case t == fastcgi.TypeEndRequest:
			return nil
		}
	}
}

func byteByByte(conn net.Conn, request []byte, answered func(io.Reader) error) error {
	for i := range request {
		if _, err := conn.Write(request[i : i+1]); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return answered(conn)
}

func halfClosed(conn net.Conn, request []byte, answered func(io.Reader) error) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("cannot be closed by half")
	}
	if err := half.CloseWrite(); err != nil {
		return err
	}
	err := answered(conn)
	if _, ok := conn.(*net.TCPConn); ok {
		return nil // the front takes a client of HTTP for gone, as nginx does, if it cannot answer at once
	}
	return err
}

func slowly(conn net.Conn, request []byte, answered func(io.Reader) error) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	return answered(slowReader{conn})
}

type slowReader struct{ io.Reader }

func (s slowReader) Read(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return s.Reader.Read(p[:min(len(p), 4<<10)])
}

// reset closes a connection in such a way that TCP sends RST. A unix socket's peer finds it closed.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
