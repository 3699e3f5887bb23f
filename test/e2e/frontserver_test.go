//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/test/certificate"
	processes "github.com/phpsapi/phpsapi/test/serve"
)

// A door is a running `phpsapi fpm` that speaks HTTP itself.
type door struct {
	*program
	address string // where it speaks HTTP
	secure  string // where it speaks HTTPS
}

// door runs `phpsapi fpm` with the pool that fpm has, pool being more of it, and serves DIR/www. settings are more lines
// of phpsapi.yaml below http.
func (p *place) door(settings, pool string) *door {
	p.t.Helper()
	d := &door{address: processes.Address(p.t), secure: processes.Address(p.t)}
	p.certificate(1)
	p.fpmConf(pool)
	p.write("phpsapi.yaml", `http:
  listen: ["`+d.address+`"]
  tls:
    listen: ["`+d.secure+`"]
    certificate: DIR/certificate.pem
    key: DIR/key.pem
  root: DIR/www
  access_log: DIR/front-access.log
`+settings)
	ready := func() error { // the addresses take connections before anybody answers there
		if !strings.Contains(p.log("fpm-error.log"), "serves http://"+d.address) {
			return errors.New("the log does not say that it serves")
		}
		return nil
	}
	d.program = p.start("phpsapi", syscall.SIGTERM, ready,
		filepath.Join(ours, "phpsapi"), "fpm", "--nodaemonize", "--fpm-config", p.path("php-fpm.conf"), "--settings", p.path("phpsapi.yaml"))
	return d
}

// certificate makes a certificate for localhost with a serial number of its own.
func (p *place) certificate(serial int64) {
	p.t.Helper()
	text, key := certificate.New(p.t, serial, "localhost", "127.0.0.1")
	p.write("key.pem", key)
	p.write("certificate.pem", text)
}

// An answer is what curl got.
type answer struct {
	Status  int                 `json:"http_code"`
	Version string              `json:"http_version"`
	Size    int64               `json:"size_download"`
	Headers map[string][]string `json:"-"` // of the last response, names in lower case
	heads   string              // of all responses, interim ones too
	body    string
}

func (a *answer) header(name string) string { return strings.Join(a.Headers[name], ", ") }

// curl runs curl, the last of whose arguments is a URL, which must be answered.
func (p *place) curl(args ...string) *answer {
	p.t.Helper()
	heads := p.path(fmt.Sprintf("heads-%d", time.Now().UnixNano()))
	defer os.Remove(heads)
	cmd := exec.Command("curl", append([]string{"--silent", "--show-error", "--insecure", "--path-as-is", "--max-time", "60", "--dump-header", heads,
		"--write-out", "%{stderr}%{json}\n%{header_json}"}, args...)...)
	var said strings.Builder
	cmd.Stderr = &said
	body, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("curl %q: %v: %s", args, err, said.String())
	}
	a := &answer{body: string(body)}
	parts := json.NewDecoder(strings.NewReader(said.String()))
	if err := parts.Decode(a); err != nil {
		p.t.Fatalf("curl said %q: %v", said.String(), err)
	}
	if err := parts.Decode(&a.Headers); err != nil {
		p.t.Fatalf("curl said %q: %v", said.String(), err)
	}
	text, err := os.ReadFile(heads)
	if err != nil {
		p.t.Fatal(err)
	}
	a.heads = string(text)
	return a
}
