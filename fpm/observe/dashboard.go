package observe

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
)

//go:embed dashboard
var pages embed.FS

// Bounds of the dashboard.
const (
	orderBytes    = 4 << 10
	orderPatience = 20 * time.Second       // until the browser is told that an order is still under way
	orderTimeout  = 10 * time.Minute       // until nobody listens any more how it ends
	viewAge       = 400 * time.Millisecond // how old a view may be: many viewers cost what one costs
	viewPatience  = 5 * time.Second        // for what the master remembers
)

// tokenHeader is the header with the token. A page of another site cannot send it without being allowed to, and nothing here allows that.
const tokenHeader = "X-Phpsapi-Token"

// policy is the Content-Security-Policy of all pages: nothing from elsewhere, nothing inline, no text that becomes markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// dashboard shows the service to people, and hands their orders to the master.
type dashboard struct {
	server *server
	orders *contract.Dashboard
	master func(context.Context, control.DashboardRequest) (control.Answer, error)
	past   *history
	http   *http.Server
	files  map[string]*page

	mu     sync.Mutex
	view   []byte    // the last one
	viewed time.Time // when it was made
	events events
}

// page is a file of the dashboard.
type page struct {
	kind string
	body []byte
	etag string
}

// events are what the master remembers of requests that were slow or have ended abnormally, as of when there were so many.
type events struct {
	incidents, slow uint64
	text            []byte // nil: it was not asked yet
}

func newDashboard(s *server, orders *contract.Dashboard, master func(context.Context, control.DashboardRequest) (control.Answer, error), past *history) *dashboard {
	d := &dashboard{server: s, orders: orders, master: master, past: past, files: map[string]*page{}}
	entries, _ := pages.ReadDir("dashboard")
	kinds := map[string]string{"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	for _, e := range entries {
		body, _ := pages.ReadFile("dashboard/" + e.Name())
		sum := sha256.Sum256(body)
		d.files["/"+e.Name()] = &page{kinds[e.Name()[strings.LastIndexByte(e.Name(), '.')+1:]], body, `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	d.files["/"] = d.files["/index.html"]
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", d.serveFile)
	mux.HandleFunc("GET /api/now", d.serveNow)
	mux.HandleFunc("GET /api/history", d.serveHistory)
	mux.HandleFunc("GET /api/events", d.serveEvents)
	mux.HandleFunc("POST /api/order", d.serveOrder)
	d.http = &http.Server{Handler: occupying(d.guarded(mux)), ConnContext: withPlace, ConnState: rest, ReadHeaderTimeout: headTimeout, ReadTimeout: headTimeout,
		WriteTimeout: answerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headBytes, ErrorLog: log.New(io.Discard, "", 0)}
	return d
}

// serve serves on a listener until it is closed.
func (d *dashboard) serve(l net.Listener, p *places) error { return d.http.Serve(&limited{l, p}) }

// guarded refuses what a browser sends on behalf of a page of another site, and has browsers allow pages no more than they need.
func (d *dashboard) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		if why := d.foreign(r); why != "" {
			refuse(w, http.StatusForbidden, why)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// foreign returns why a request is not one of the dashboard's own page, or of a program; empty: it is.
func (d *dashboard) foreign(r *http.Request) string {
	host := hostName(r.Host)
	if _, err := netip.ParseAddr(host); err != nil && host != "localhost" && !slices.Contains(d.orders.Hosts, host) {
		return fmt.Sprintf("the dashboard is not called %.80q: use its address or localhost, or add the name to dashboard.hosts", host)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return ""
	}
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" {
		return "the request comes from a page of another site"
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return "the request comes from a page of another site"
		}
	}
	return ""
}

// hostName returns the name or address of a Host header, without its port, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// refusal is why something was not done, for people.
type refusal struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(refusal{why})
}

func (d *dashboard) serveFile(w http.ResponseWriter, r *http.Request) {
	p := d.files[r.URL.Path]
	if p == nil {
		refuse(w, http.StatusNotFound, "there is no such page")
		return
	}
	w.Header().Set("Content-Type", p.kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", p.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.body))
}

// send sends JSON, compressed for clients of other machines.
func send(w http.ResponseWriter, r *http.Request, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	if !compresses(r) {
		w.Write(text)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
	z.Write(text)
	z.Close()
}

// serveNow tells how the service is. Those who ask at the same time get the same.
func (d *dashboard) serveNow(w http.ResponseWriter, r *http.Request) {
	d.server.asked()
	d.mu.Lock()
	if time.Since(d.viewed) > viewAge {
		v := d.server.view()
		if v == nil {
			d.mu.Unlock()
			refuse(w, http.StatusServiceUnavailable, "the master has not told of the service yet")
			return
		}
		v.Orders = d.orders.Orders
		d.view, _ = json.Marshal(v) // a new one: the one before is still being sent
		d.viewed = time.Now()
	}
	text := d.view
	d.mu.Unlock()
	send(w, r, text)
}

// serveHistory tells what has been lately.
func (d *dashboard) serveHistory(w http.ResponseWriter, r *http.Request) {
	since, _ := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	text, _ := json.Marshal(d.past.tell(r.URL.Query().Get("pool"), since, time.Now()))
	send(w, r, text)
}

// serveEvents tells what the master remembers. It is asked only if there is more than the last time.
func (d *dashboard) serveEvents(w http.ResponseWriter, r *http.Request) {
	text, err := d.remembered(r.Context())
	if err != nil {
		refuse(w, http.StatusBadGateway, err.Error())
		return
	}
	send(w, r, text)
}

func (d *dashboard) remembered(ctx context.Context) ([]byte, error) {
	now := events{}
	if service := d.server.known(); service != nil {
		now.incidents, now.slow = happened(service)
	}
	d.mu.Lock()
	last := d.events
	d.mu.Unlock()
	if last.text != nil && last.incidents == now.incidents && last.slow == now.slow {
		return last.text, nil
	}
	ctx, cancel := context.WithTimeout(ctx, viewPatience)
	defer cancel()
	var told struct {
		Incidents *control.Incidents `json:"incidents"`
		Slow      *control.Slow      `json:"slow"`
	}
	for _, command := range []control.Command{control.LastIncidents, control.SlowRequests} {
		a, err := d.master(ctx, control.DashboardRequest{Request: control.Request{Command: command}})
		switch {
		case err != nil:
			return nil, err
		case a.Reason != "":
			return nil, fmt.Errorf("%s", a.Why)
		case a.Incidents != nil:
			told.Incidents = a.Incidents
		default:
			told.Slow = a.Slow
		}
	}
	now.text, _ = json.Marshal(told)
	d.mu.Lock()
	d.events = now
	d.mu.Unlock()
	return now.text, nil
}

// happened counts the incidents and the slow requests that the master has told of.
func happened(service *contract.Service) (incidents, slow uint64) {
	for _, n := range service.Incidents {
		incidents += n
	}
	return incidents, service.Slow
}

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

// serveOrder hands an order to the master, which looks at the token.
func (d *dashboard) serveOrder(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get(tokenHeader)
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch {
	case !d.orders.Orders:
		refuse(w, http.StatusForbidden, "the dashboard takes no orders: dashboard.token_file is not set")
		return
	case token == "":
		refuse(w, http.StatusUnauthorized, "the header "+tokenHeader+" with the token is missing")
		return
	case len(token) > control.MaxToken:
		refuse(w, http.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("the header %s has %d bytes: no token has more than %d", tokenHeader, len(token), control.MaxToken))
		return
	case strings.TrimSpace(kind) != "application/json":
		refuse(w, http.StatusUnsupportedMediaType, "an order is application/json")
		return
	}
	var o order
	from := json.NewDecoder(http.MaxBytesReader(w, r.Body, orderBytes))
	from.DisallowUnknownFields()
	if err := from.Decode(&o); err != nil {
		refuse(w, http.StatusBadRequest, "no order: "+err.Error())
		return
	}
	if _, err := from.Token(); err != io.EOF {
		refuse(w, http.StatusBadRequest, "no order: something follows the order's object")
		return
	}
	if len(o.Pool) > control.MaxToken {
		refuse(w, http.StatusBadRequest, "no pool has so long a name")
		return
	}
	if !o.Command.MayOrder() {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("the dashboard knows no order %.20q", o.Command))
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
		a, err := d.master(ctx, request)
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

// clientOf returns who has sent a request.
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
		refuse(w, http.StatusBadGateway, "it is not known how it ended: "+err.Error())
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
