package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// Healthcheck shows whether the service can answer requests, or one pool of it: with an address as its observer tells it there, else as the
// master does. It returns 0 if it can, and 1 if it cannot, or if nobody says so: what a container's health check has.
func (o *Operator) Healthcheck(pool, address string) int {
	h, err := o.health(pool, address)
	if err != nil {
		o.end("healthcheck", err)
		return exitFailed
	}
	if o.JSON {
		o.printJSON(h)
	} else {
		var text strings.Builder
		h.WriteText(&text)
		for line := range strings.Lines(text.String()) {
			fmt.Fprintln(o.Out, plain(strings.TrimSuffix(line, "\n")))
		}
	}
	if !h.OK {
		return exitFailed
	}
	return exitOK
}

func (o *Operator) health(pool, address string) (*control.Health, error) {
	if address != "" {
		return o.healthAt(pool, address)
	}
	m, a, err := o.ask(control.Request{Command: control.AskHealth, Pool: pool})
	if err == nil && a.Health == nil {
		err = failed(exitSoftware, "%s answered without its health; is it another version of phpsapi?", m)
	}
	return a.Health, err
}

// longestHealth is the longest answer that is read, in bytes.
const longestHealth = 1 << 20

// healthAt asks the observer at an address of metrics.listen: 127.0.0.1:9253, :9253, 9253, unix:/path.
func (o *Operator) healthAt(pool, address string) (*control.Health, error) {
	network, at := "tcp", address
	switch path, unix := strings.CutPrefix(address, "unix:"); {
	case unix, strings.HasPrefix(address, "/"):
		network, at = "unix", path
	case !strings.Contains(address, ":"):
		at = "127.0.0.1:" + address
	case strings.HasPrefix(address, ":"):
		at = "127.0.0.1" + address
	}
	client := http.Client{Timeout: o.Timeout, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, at)
		}}}
	r, err := client.Get("http://observer/readyz?format=json&pool=" + url.QueryEscape(pool))
	if err != nil {
		var asked *url.Error // says what is asked for, in words that the user has not used
		if errors.As(err, &asked) {
			err = asked.Err
		}
		return nil, failed(exitFailed, "no health is reported at %s: %v", address, err)
	}
	defer r.Body.Close()
	h := &control.Health{}
	if err := json.NewDecoder(io.LimitReader(r.Body, longestHealth)).Decode(h); err != nil {
		return nil, failed(exitFailed, "what answers at %s is not phpsapi's observer: %s", address, r.Status)
	}
	h.OK = h.OK && r.StatusCode == http.StatusOK
	return h, nil
}
