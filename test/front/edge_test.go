package front

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/certificate"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// The old front took new connections for a moment, and requests on kept ones, after a reload had returned, and answered them
// by the old settings. Clients of plain HTTP lose nothing by it, not even a kept connection; those of TLS may find theirs
// closed while it was idle, and have asked nothing then.
func TestNoSiteIsServedByOldSettingsAfterAReload(t *testing.T) {
	t.Parallel()
	address, secure := serve.Address(t), serve.Address(t)
	conf := configured(t, "")
	dir := filepath.Dir(conf)
	cert, key := certificate.New(t, 1, "a.example")
	files.Fill(t, dir, map[string]string{"cert.pem": cert, "key.pem": key})
	set := func(n int) {
		root := filepath.Join(dir, "root"+strconv.Itoa(n))
		if err := os.Mkdir(root, 0o755); err != nil {
			t.Fatal(err)
		}
		files.Write(t, root+"/n.txt", strconv.Itoa(n))
		files.Write(t, root+"/n.php", fmt.Sprintf("<?php usleep(2000); echo %d;", n))
		files.Write(t, dir+"/phpsapi.yaml", fmt.Sprintf("http:\n  listen: '%s'\n  tls: {listen: '%s', certificate: cert.pem, key: key.pem}\n  root: root%d\n", address, secure, n))
	}
	set(0)
	s := start(t, address, nil, "-y", conf, "-F", "-O")

	ask := func(c *http.Client, url string) (string, error) {
		got, err := c.Get(url)
		if err != nil {
			return "", err
		}
		defer got.Body.Close()
		body, err := io.ReadAll(got.Body)
		return string(body), err
	}
	client := func(protocols func(p *http.Protocols)) *http.Client {
		var p http.Protocols
		protocols(&p)
		transport := &http.Transport{Protocols: &p, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport, Timeout: 20 * time.Second}
	}
	http1 := func(p *http.Protocols) { p.SetHTTP1(true) }
	http2 := func(p *http.Protocols) { p.SetHTTP2(true) }
	h2c := func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }
	kept := map[string]*http.Client{}
	urls := map[string]string{"HTTP": "http://" + address, "HTTPS": "https://" + secure, "HTTP/2": "https://" + secure, "HTTP/2 without TLS": "http://" + address}
	kinds := map[string]func(*http.Protocols){"HTTP": http1, "HTTPS": http1, "HTTP/2": http2, "HTTP/2 without TLS": h2c}
	for name, protocols := range kinds {
		kept[name] = client(protocols)
	}

	var stop atomic.Bool
	var load sync.WaitGroup
	for name := range kinds { // requests of all kinds continue, and none may fail
		load.Go(func() {
			c := client(kinds[name])
			for i := 0; !stop.Load(); i++ {
				if _, err := ask(c, urls[name]+[]string{"/n.txt", "/n.php"}[i%2]); err != nil {
					t.Errorf("%s: a request was lost: %v", name, err)
					return
				}
			}
		})
	}
	load.Go(func() { // on a connection each
		for !stop.Load() {
			c, err := talk(address)
			if err != nil {
				t.Errorf("a connection was refused: %v", err)
				return
			}
			if _, err := c.get("/n.php"); err != nil {
				t.Errorf("a request on its own connection was lost: %v", err)
				return
			}
			c.Close()
		}
	})
	for n := 1; n <= 6; n++ {
		set(n)
		fresh, used := mustTalk(t, address), mustTalk(t, address) // one that has not asked yet, and one that has
		if _, err := used.get("/n.txt"); err != nil {
			t.Fatal(err)
		}
		s.Order("reload")
		want := strconv.Itoa(n)
		for name, c := range map[string]*connection{"an open connection": fresh, "a kept connection": used} {
			if got, err := c.get("/n.txt"); got != want || err != nil {
				t.Errorf("after reload %d %s got %q, %v", n, name, got, err)
			}
			c.Close()
		}
		for name := range kinds {
			for range 5 {
				if got, err := ask(kept[name], urls[name]+"/n.txt"); got != want || err != nil {
					t.Errorf("after reload %d a kept client of %s got %q, %v", n, name, got, err)
				}
			}
			if got, err := ask(client(kinds[name]), urls[name]+"/n.php"); got != want || err != nil {
				t.Errorf("after reload %d a new client of %s got %q, %v", n, name, got, err)
			}
		}
	}
	stop.Store(true)
	load.Wait()
}

// connection speaks HTTP/1.1 on one connection, and never asks twice.
type connection struct {
	net.Conn
	r *bufio.Reader
}

func talk(address string) (*connection, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &connection{c, bufio.NewReader(c)}, nil
}

func mustTalk(t *testing.T, address string) *connection {
	t.Helper()
	c, err := talk(address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *connection) get(path string) (string, error) {
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return "", err
	}
	got, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return "", err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return string(body), err
}
