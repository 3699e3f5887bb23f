package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// order is what a browser wants done. Accepted is a text, as JavaScript's numbers are too short for it.
type order struct {
	Command  control.Command `json:"command"`
	Pool     string          `json:"pool"`
	Count    int             `json:"count"`
	Pid      int             `json:"pid"`
	Accepted int64           `json:"accepted,string"`
	Now      bool            `json:"now"`
}

// outcome is how an order has ended.
type outcome struct {
	Done bool   `json:"done"` // false: it is still under way
	Text string `json:"text"`
}

// take reads an order and the token. It returns false if it has refused them.
func (d *dashboard) take(w http.ResponseWriter, r *http.Request, o any) (token string, taken bool) {
	token = r.Header.Get(tokenHeader)
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch {
	case !d.orders.Orders:
		refuse(w, http.StatusForbidden, "the dashboard takes no orders: dashboard.token_file is not set")
		return "", false
	case token == "":
		refuse(w, http.StatusUnauthorized, "the header "+tokenHeader+" with the token is missing")
		return "", false
	case len(token) > control.MaxToken:
		refuse(w, http.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("the header %s has %d bytes: no token has more than %d", tokenHeader, len(token), control.MaxToken))
		return "", false
	case strings.TrimSpace(kind) != "application/json":
		refuse(w, http.StatusUnsupportedMediaType, "an order is application/json")
		return "", false
	}
	from := json.NewDecoder(http.MaxBytesReader(w, r.Body, orderBytes))
	from.DisallowUnknownFields()
	if err := from.Decode(o); err != nil {
		refuse(w, http.StatusBadRequest, "no order: "+err.Error())
		return "", false
	}
	if _, err := from.Token(); err != io.EOF {
		refuse(w, http.StatusBadRequest, "no order: something follows the order's object")
		return "", false
	}
	return token, true
}

// serveOrder hands an order to the master, which looks at the token.
func (d *dashboard) serveOrder(w http.ResponseWriter, r *http.Request) {
	var o order
	token, taken := d.take(w, r, &o)
	if !taken {
		return
	}
	if len(o.Pool) > control.MaxToken {
		refuse(w, http.StatusBadRequest, "no pool has so long a name")
		return
	}
	if !o.Command.MayOrder() || o.Command == control.MakeProfile { // that is asked for at its own place
		refuse(w, http.StatusBadRequest, fmt.Sprintf("unknown order %.20q", o.Command))
		return
	}
	request := control.DashboardRequest{Token: token, Client: clientOf(r), Request: control.Request{Command: o.Command, Pool: o.Pool, Count: o.Count, Pid: o.Pid,
		Accepted: o.Accepted, Now: o.Now}}
	type ending struct {
		control.Answer
		err error
	}
	ended := make(chan ending, 1)
	go func() { // the master is listened to until the end, so that the log says how it ended
		ctx, cancel := context.WithTimeout(context.Background(), orderTimeout)
		defer cancel()
		a, err := d.master(ctx, request, unheard)
		ended <- ending{a, err}
	}()
	select {
	case e := <-ended:
		d.tellEnding(w, o, e.Answer, e.err)
	case <-time.After(orderPatience):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		json.NewEncoder(w).Encode(outcome{Text: fmt.Sprintf("%s is still under way after %d seconds; the error log says how it ends", o.Command, int(orderPatience.Seconds()))})
	}
}

// clientOf returns the address of the client that has sent a request.
func clientOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return "a client of a unix socket"
}

// tellEnding tells a browser how its order has ended.
func (d *dashboard) tellEnding(w http.ResponseWriter, o order, a control.Answer, err error) {
	status := map[control.Reason]int{control.Denied: http.StatusForbidden, control.Refused: http.StatusConflict, control.Failed: http.StatusBadGateway,
		control.BadConfig: http.StatusUnprocessableEntity}
	switch {
	case err != nil:
		refuse(w, http.StatusBadGateway, "the outcome is unknown: "+err.Error())
	case a.Reason != "":
		code := status[a.Reason]
		if code == 0 {
			code = http.StatusBadGateway
		}
		why := a.Why
		if len(a.Lines) > 0 {
			why += "\n" + strings.Join(a.Lines, "\n")
		}
		refuse(w, code, why)
	default:
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(outcome{true, inWords(o, a)})
	}
}

// inWords says what an order has done.
func inWords(o order, a control.Answer) string {
	switch s := a.Steered; {
	case a.Killed != nil && a.Killed.How == "":
		return fmt.Sprintf("the request of worker %d has ended by itself", o.Pid)
	case a.Killed != nil:
		return fmt.Sprintf("worker %d exited %s", o.Pid, a.Killed.How)
	case a.Generation != 0:
		text := fmt.Sprintf("generation %d serves", a.Generation)
		if len(a.Lines) > 0 {
			text += "\n" + strings.Join(a.Lines, "\n")
		}
		return text
	case s != nil && s.Paused:
		return fmt.Sprintf("pool %s is paused; requests under way: %d", s.Pool, s.Requests)
	case s != nil:
		return fmt.Sprintf("pool %s has %s, %d at most", s.Pool, control.Many(s.Workers, "worker"), s.Limit)
	}
	return "done"
}
